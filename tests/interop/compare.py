#!/usr/bin/env python3
"""What `pushcert compare` says, judged by OpenSSL: what a server cannot load, or its peer refuses, breaks, and nothing else.

    compare.py PUSHCERT

Needs the cryptography package.
"""

import base64
import datetime
import ipaddress
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from peers import Results

PUSHCERT = str(pathlib.Path(sys.argv[1]).resolve())
results = Results()
folder = pathlib.Path(tempfile.mkdtemp())
NOW = datetime.datetime.now(datetime.timezone.utc)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
HOST = "a.example"
PASSWORD = b"x"


def usage(*names):
    kinds = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{kind: kind in names for kind in kinds})


def netscape(bits):
    return x509.UnrecognizedExtension(ObjectIdentifier("2.16.840.1.113730.1.1"), bytes([3, 2, 0, bits]))


class Signed:
    """A certificate with its key."""

    def __init__(self, name, by=None, days=(-9, 80), key=None, names=(), uses=(), is_ca=False, extensions=(), critical=(),
                 pathlen=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(self.name).issuer_name(by.name if by else self.name)
        builder = builder.public_key(self.key.public_key()).serial_number(x509.random_serial_number())
        first, last = (NOW + datetime.timedelta(days=day) for day in days)
        builder = builder.not_valid_before(first).not_valid_after(last)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        if is_ca:
            critical = [*critical, x509.BasicConstraints(True, pathlen)]
        if uses:
            extensions = [*extensions, x509.ExtendedKeyUsage(uses)]
        for is_critical, list_of_one in ((False, extensions), (True, critical)):
            for extension in list_of_one:
                builder = builder.add_extension(extension, is_critical)
        self.certificate = builder.sign(by.key if by else self.key, hashes.SHA256())

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, password=None):
        encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


SIGNS = [usage("key_cert_sign", "crl_sign")]
root = Signed("Root", days=(-900, 900), is_ca=True, extensions=SIGNS)
inter = Signed("Inter", by=root, days=(-900, 900), is_ca=True, extensions=SIGNS)
dead = Signed("Inter", by=root, days=(-900, -2), is_ca=True, extensions=SIGNS, key=inter.key)
other = Signed("Other", by=root, days=(-900, 900), is_ca=True, extensions=SIGNS)
mute = Signed("Mute", by=root, days=(-900, 900), is_ca=True, extensions=[usage("crl_sign")])
LONG = {"days": (-900, 900), "is_ca": True, "extensions": SIGNS}
# The root as another authority signs it, as it was before it was renewed, and another of its name.
older = Signed("Older", **LONG)
cross = Signed("Root", by=older, key=root.key, **LONG)
past_root = Signed("Root", key=root.key, **{**LONG, "days": (-900, -2)})
namesake = Signed("Root", **LONG)
stranger = Signed("Inter", by=namesake, **LONG)


def leaf(**shape):
    shape = {"by": inter, "names": [x509.DNSName(HOST)], "uses": [SERVER], **shape}
    return Signed(HOST, **shape)


def handshake(server_file, trust, client_file=None, address=None):
    """Returns why a server cannot be reached with a file, or None."""
    client = ssl.create_default_context(cadata=trust.pem().decode())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(server_file, password=lambda: b"")
        if client_file:
            client.load_cert_chain(client_file)
            server.verify_mode = ssl.CERT_REQUIRED
            server.load_verify_locations(cadata=trust.pem().decode())
    except ssl.SSLError as error:
        return f"not loaded: {error}"
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(10)
    failures = []

    def serve():
        try:
            with server.wrap_socket(ends[0], server_side=True) as connection:
                connection.sendall(b"x")
        except OSError as error:
            failures.append(f"server: {error}")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ends[1], server_hostname=address or HOST) as connection:
            connection.recv(1)
    except OSError as error:
        failures.append(f"client: {error}")
    thread.join()
    return failures[0] if failures else None


def compare(old, new, *arguments):
    (folder / "old.pem").write_bytes(old)
    (folder / "new.pem").write_bytes(new)
    run = subprocess.run([PUSHCERT, "compare", folder / "old.pem", folder / "new.pem", *arguments], capture_output=True,
                         text=True, timeout=60)
    return run.returncode, run.stdout + run.stderr


old = leaf(days=(-80, 9))
old_file = old.pem() + inter.pem() + old.key_pem()
new = leaf()
of_mute = leaf(by=mute)
address = leaf(days=(-80, 9), names=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
as_name = leaf(names=[x509.DNSName("127.0.0.1")])
peer = leaf(days=(-80, 9), uses=[SERVER, CLIENT])
unrestricted = leaf(days=(-80, 9), uses=[])


def whole(one, intermediate=inter):
    return one.pem() + intermediate.pem() + one.key_pem()


def below(name="Inter", by=root, **shape):
    """A file with a certificate, its key, and an intermediate of a shape."""
    authority = Signed(name, by=by, **{**LONG, **shape})
    return whole(leaf(by=authority), authority)


def aki(keyid, issuer, serial):
    return x509.AuthorityKeyIdentifier(keyid, [x509.DirectoryName(issuer.name)] if issuer else None, serial)


def ski(authority):
    return x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key())


UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\0")
OTHERS_ONLY = x509.NameConstraints([x509.DNSName("b.example")], None)
NOT_HERE = x509.NameConstraints(None, [x509.DNSName(HOST)])
THESE = x509.NameConstraints([x509.DNSName("example")], None)
POLICY = x509.PolicyConstraints(require_explicit_policy=None, inhibit_policy_mapping=0)
NO_ANY = x509.InhibitAnyPolicy(0)
with_root = old.pem() + inter.pem() + root.pem() + old.key_pem()
with_cross = old.pem() + inter.pem() + cross.pem() + root.pem() + old.key_pem()
right_serial, wrong_serial = (leaf(extensions=[aki(None, root, serial)])
                              for serial in (inter.certificate.serial_number, 4711))
lower = Signed("Lower", by=inter, **LONG)
marked = [Signed("Inter", by=authority, **{**LONG, "extensions": [*SIGNS, aki(ski(authority).digest, None, None)]})
          for authority in (root, namesake)]
old_of_marked = leaf(by=marked[0], days=(-80, 9))
many = Signed("Many", by=root, **LONG)
none_below = Signed("None", by=root, pathlen=0, **LONG)
deep = Signed("Deep", by=none_below, **LONG)
deep_leaf = leaf(by=deep)

NEW_TEXT = whole(new).decode()
KEY_TEXT = new.key_pem().decode()


def each_line(before="", after=""):
    """The new file, with a text at the beginning and the end of each line."""
    return "".join(f"{before}{line}{after}\n" for line in NEW_TEXT.splitlines()).encode()


def one_line_each():
    """The new file, with the Base64 of each block in one line."""
    blocks = []
    for block in NEW_TEXT.split("-----BEGIN ")[1:]:
        label, _, rest = block.partition("-----\n")
        body = rest.partition("-----END")[0].replace("\n", "")
        blocks.append(f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    return "".join(blocks).encode()


nameless = leaf(days=(-80, 9), names=[])
LOCAL = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))

# The name of a case, the old file, the new one, and what the server does.
SERVERS = [
    ("renewed", old_file, whole(new)),
    ("with the root", old_file, new.pem() + inter.pem() + root.pem() + new.key_pem()),
    ("the key first", old_file, new.key_pem() + new.pem() + inter.pem()),
    ("another intermediate that leads to it", old_file, whole(leaf(by=other), other)),
    ("an expired intermediate before its renewal", old_file, new.pem() + inter.pem() + dead.pem() + new.key_pem()),
    ("no intermediate", old_file, new.pem() + new.key_pem()),
    ("the root alone", old_file, new.pem() + root.pem() + new.key_pem()),
    ("an expired intermediate", old_file, whole(new, dead)),
    ("another's intermediate", old_file, whole(new, other)),
    ("an intermediate that may not sign", old_file, whole(of_mute, mute)),
    ("the intermediate first", old_file, inter.pem() + new.pem() + new.key_pem()),
    ("the key encrypted", old_file, new.pem() + inter.pem() + new.key_pem(PASSWORD)),
    ("Ed25519", old_file, whole(leaf(key=ed25519.Ed25519PrivateKey.generate()))),
    ("RSA", old_file, whole(leaf(key=rsa.generate_private_key(65537, 2048)))),
    ("secp256k1", old_file, whole(leaf(key=ec.generate_private_key(ec.SECP256K1())))),
    ("P-192", old_file, whole(leaf(key=ec.generate_private_key(ec.SECP192R1())))),
    ("DSA", old_file, whole(leaf(key=dsa.generate_private_key(2048)))),
    ("RSA, 1024 bits", old_file, whole(leaf(key=rsa.generate_private_key(65537, 1024)))),
    ("any use", old_file, whole(leaf(uses=[ANY]))),
    ("a client's", old_file, whole(leaf(uses=[CLIENT]))),
    ("without restriction", old_file, whole(leaf(uses=[]))),
    ("a server's of one without restriction", whole(unrestricted), whole(new)),
    ("nsCertType of a client", old_file, whole(leaf(extensions=[netscape(0x80)]))),
    ("nsCertType of a server", old_file, whole(leaf(extensions=[netscape(0x40)]))),
    ("a dot at the end", old_file, whole(leaf(names=[x509.DNSName(HOST + ".")]))),
    ("name constraints for others", old_file, below(extensions=[*SIGNS, OTHERS_ONLY])),
    ("critical name constraints for others", old_file, below(critical=[OTHERS_ONLY])),
    ("name constraints that exclude it", old_file, below(critical=[NOT_HERE])),
    ("name constraints that include it", old_file, below(critical=[THESE])),
    ("an unknown critical extension of an intermediate", old_file, below(critical=[UNKNOWN])),
    ("an unknown extension of an intermediate", old_file, below(extensions=[*SIGNS, UNKNOWN])),
    ("critical policy constraints of an intermediate", old_file, below(critical=[POLICY])),
    ("critical inhibitAnyPolicy of an intermediate", old_file, below(critical=[NO_ANY])),
    ("an unknown critical extension", old_file, whole(leaf(critical=[UNKNOWN]))),
    ("critical name constraints", old_file, whole(leaf(critical=[THESE]))),
    ("critical policy constraints", old_file, whole(leaf(critical=[POLICY]))),
    ("critical inhibitAnyPolicy", old_file, whole(leaf(critical=[NO_ANY]))),
    ("an intermediate for clients", old_file, below(uses=[CLIENT])),
    ("an intermediate for any use", old_file, below(uses=[ANY])),
    ("an intermediate that allows none below it", old_file,
     deep_leaf.pem() + deep.pem() + none_below.pem() + deep_leaf.key_pem()),
    ("an intermediate that is not valid yet", old_file, below(days=(5, 900))),
    ("the serial number of the issuer", old_file, whole(right_serial)),
    ("another serial number of the issuer", old_file, whole(wrong_serial)),
    ("another root of the same name", with_root, whole(leaf(by=stranger), stranger)),
    ("another root of the same name, which is there", with_root,
     whole(leaf(by=stranger), stranger) + namesake.pem()),
    ("another root of the same name, by its key identifier", whole(old_of_marked, marked[0]),
     whole(leaf(by=marked[1]), marked[1])),
    ("another root", with_root, below("Else", by=older)),
    ("the same root without it", with_root, whole(new)),
    ("a cross-certificate of the root", with_root, whole(new) + cross.pem()),
    ("no cross-certificate of the root any more", with_cross, whole(new)),
    ("the root in the place of its cross-certificate", whole(old) + cross.pem(), whole(new) + root.pem()),
    ("an expired root", old_file, whole(new) + past_root.pem()),
    ("an expired root beside the one that was there", with_root, whole(new) + past_root.pem()),
    ("the old key before the new one", old_file, new.pem() + inter.pem() + old.key_pem() + new.key_pem()),
    ("the old key behind the new one", old_file, new.pem() + inter.pem() + new.key_pem() + old.key_pem()),
    ("a common name alone", whole(nameless), whole(leaf(names=[]))),
    ("a common name beside it", whole(nameless), whole(new)),
    ("a common name beside another", whole(nameless), whole(leaf(names=[x509.DNSName("b.example")]))),
    ("a common name beside an address", whole(nameless), whole(leaf(names=[LOCAL]))),
    ("a common name beside an address as a name", whole(nameless), whole(leaf(names=[x509.DNSName("127.0.0.1")]))),
    ("a dot at the beginning", old_file, whole(leaf(names=[x509.DNSName("." + HOST)]))),
    ("the root that was expired", whole(old) + past_root.pem(), whole(new)),
    ("in UTF-16", old_file, NEW_TEXT.encode("utf-16")),
    ("with a byte order mark", old_file, NEW_TEXT.encode("utf-8-sig")),
    ("indented", old_file, each_line("    ")),
    ("in YAML", old_file, b"cert: |\n" + each_line("  ")),
    ("quoted", old_file, each_line("> ")),
    ("with HTML's line ends", old_file, each_line(after="<br>")),
    ("with blanks at the ends of lines", old_file, each_line(after="  ")),
    ("with no-break spaces at the ends of lines", old_file, each_line(after="\u00a0")),
    ("with CR LF", old_file, each_line(after="\r")),
    ("without a line end", old_file, NEW_TEXT.rstrip().encode()),
    ("with written line ends", old_file, NEW_TEXT.replace("\n", "\\n").encode()),
    ("in a variable", old_file, f"CERT=\"{NEW_TEXT}\"\n".replace("\n", "\\n").encode()),
    ("blanks for line ends", old_file, NEW_TEXT.replace("\n", " ").encode()),
    ("each block in one line", old_file, one_line_each()),
    ("Base64 of it", old_file, base64.b64encode(NEW_TEXT.encode())),
    ("words before it", old_file, b"Bag Attributes\n    a: b\n" + NEW_TEXT.encode()),
    ("another label", old_file, NEW_TEXT.replace(" CERTIFICATE-", " X509 CERTIFICATE-").encode()),
    ("the key alone indented", old_file, NEW_TEXT.replace(KEY_TEXT, "  " + KEY_TEXT).encode()),
    ("the intermediate alone indented", old_file, (new.pem().decode() + "  " + inter.pem().decode() + KEY_TEXT).encode()),
]


def judge(name, old_bytes, new_bytes, problem):
    code, text = compare(old_bytes, new_bytes)
    results.check(name, code == (1 if problem else 0), f"compare ends with {code}, TLS: {problem}\n{text}")


server_file = folder / "server.pem"
for name, old_bytes, new_bytes in SERVERS:
    server_file.write_bytes(new_bytes)
    judge(name, old_bytes, new_bytes, handshake(server_file, root))
server_file.write_bytes(whole(as_name))
judge("an address as a name", whole(address), whole(as_name), handshake(server_file, root, address="127.0.0.1"))
PEERS = [
    ("a peer", leaf(uses=[SERVER, CLIENT])),
    ("a peer that is no client any more", new),
    ("a peer whose nsCertType is a server's", leaf(uses=[SERVER, CLIENT], extensions=[netscape(0x40)])),
]
for name, one in PEERS:
    server_file.write_bytes(whole(one))
    judge(name, whole(peer), whole(one), handshake(server_file, root, client_file=server_file))
results.end()
