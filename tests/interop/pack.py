#!/usr/bin/env python3
"""What `pushcert pack` writes, read by OpenSSL, GnuTLS, NSS, Java and Python's cryptography.

    pack.py PUSHCERT [OPENSSL …]        each OPENSSL is a version of that command

Each reader must come to the same certificate, the same private key and the same friendlyName. Needs the
openssl, certtool, certutil, pk12util and keytool commands and the cryptography package; a tool that is
missing is a failure, not a skip.
"""
import os, re, subprocess, sys, tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from peers import FIXTURES, Results

PUSHCERT = str(Path(sys.argv[1]).resolve())
OPENSSL = sys.argv[2:] or ["openssl"]
PASSWORD, OTHER_PASSWORD = "secret-1", "sésame 🔑"
CN = "Apple Push Services: com.example.MyApp"
BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----\r?\n.*?-----END \1-----", re.S)
DER = serialization.Encoding.DER
results = Results()
check = results.check
table = {}


def run(*command, data=None, password=None):
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "P12": password or ""}
    return subprocess.run([str(part) for part in command], input=data, capture_output=True, env=environment)


def output(*command, data=None, password=None):
    done = run(*command, data=data, password=password)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {(done.stderr + done.stdout).decode(errors='replace').strip()}")
    return done.stdout


def blocks(text):
    return [(match[1].decode(), match[0] + b"\n") for match in BLOCK.finditer(text)]


def certificates(text):
    """The DER of every certificate in a PEM file."""
    return [x509.load_pem_x509_certificate(pem).public_bytes(DER) for label, pem in blocks(text) if label == "CERTIFICATE"]


def key(data, password=None):
    """What makes a private key that one: its private numbers."""
    load = serialization.load_der_private_key if data[:1] == b"\x30" else serialization.load_pem_private_key
    return load(data, password and password.encode()).private_numbers()


def only_key(text):
    (pem,) = [pem for label, pem in blocks(text) if label.endswith("PRIVATE KEY")]
    return pem


# --- The readers: (certificates, key, friendlyName of the certificate, of the key) ------------------

def by_openssl(command, file, password):
    text = output(command, "pkcs12", "-in", file, "-nodes", "-passin", "env:P12", password=password)
    # OpenSSL prints the low byte of every character: names beyond Latin-1 cannot be compared.
    names = re.findall(rb"friendlyName: (.*)", text)
    names = [name.decode("latin-1") if name.isascii() else None for name in names]
    return certificates(text), key(only_key(text)), names[0], names[-1]


def by_certtool(file, password, folder):
    text = output("certtool", "--p12-info", "--inder", "--infile", file, "--password", password)
    private = output("certtool", "--key-info", "--pkcs8", "--password", password, data=only_key(text))
    names = [name.decode() for name in re.findall(rb"Friendly name: (.*)", text)]
    if b"EC/ECDSA" in private:
        # GnuTLS leaves the curve out of the PEM block of an EC key, so that nobody else can read it.
        value = re.search(rb"private key:\s+([0-9a-f:\s]+?)\n\s*\n", private)[1]
        scalar = int(re.sub(rb"[^0-9a-f]", b"", value), 16)
        numbers = ec.derive_private_key(scalar, ec.SECP256R1()).private_numbers()
    else:
        numbers = key(only_key(private))
    return certificates(text), numbers, names[0], names[-1]


def by_pk12util(file, password, folder):
    database = f"sql:{folder}"
    output("certutil", "-N", "-d", database, "--empty-password")
    output("pk12util", "-i", file, "-d", database, "-W", password, "-K", "")
    lines = output("certutil", "-L", "-d", database).decode().splitlines()
    listed = [re.match(r"(.*?)\s+([a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*)\s*$", line) for line in lines]
    names = {match[1]: match[2] for match in listed if match}
    (full,) = [name for name, trust in names.items() if trust == "u,u,u"]
    # A name with a colon is shown behind that of its token, and found only so.
    token = "NSS Certificate DB:"
    name = full.removeprefix(token)
    ordered = [full] + [other for other in names if other != full]
    found = [output("certutil", "-L", "-d", database, "-n", other, "-r") for other in ordered]
    output("pk12util", "-o", folder / "out.p12", "-d", database, "-n", full, "-W", "out", "-K", "")
    out = output("openssl", "pkcs12", "-in", folder / "out.p12", "-nodes", "-passin", "pass:out")
    return found, key(only_key(out)), name, None


def by_keytool(file, password, folder):
    store = ["-storetype", "PKCS12", "-keystore", file, "-storepass:env", "P12"]
    listed = output("keytool", "-list", "-rfc", *store, password=password)
    (alias,) = re.findall(r"^Alias name: (.*)$", listed.decode(), re.M)
    # The chain comes with the entry, the leaf first.
    output("keytool", "-importkeystore", "-noprompt", "-srckeystore", file, "-srcstoretype", "PKCS12",
           "-srcstorepass:env", "P12", "-destkeystore", folder / "out.p12", "-deststoretype", "PKCS12",
           "-deststorepass", "out-out", password=password)
    out = pkcs12.load_pkcs12((folder / "out.p12").read_bytes(), b"out-out")
    return certificates(listed), out.key.private_numbers(), None, alias


def by_cryptography(file, password, folder):
    read = pkcs12.load_pkcs12(Path(file).read_bytes(), password.encode())
    found = [entry.certificate.public_bytes(DER) for entry in [read.cert, *read.additional_certs]]
    return found, read.key.private_numbers(), read.cert.friendly_name.decode(), None


def by_convert(file, password, folder):
    text = output(PUSHCERT, "convert", file, "--certs", "all", "--passin", "env:P12", password=password)
    name = output(PUSHCERT, "inspect", "--field", "friendly_name", file, "--passin", "env:P12", password=password)
    return certificates(text), key(only_key(text)), name.decode().rstrip("\n"), None


READERS = {"certtool": by_certtool, "pk12util": by_pk12util, "keytool": by_keytool,
           "cryptography": by_cryptography, "pushcert convert": by_convert}
for command in OPENSSL:
    version = " ".join(output(command, "version").decode().split()[:2])
    READERS[version] = lambda file, password, folder, command=command: by_openssl(command, file, password)


# --- The files ---------------------------------------------------------------------------------------

def pack(folder, arguments, recipe, password):
    file = folder / "packed.p12"
    output(PUSHCERT, "pack", *arguments, "--for", recipe, "--passout", "env:P12", "-o", file, password=password)
    return file


def judge(what, arguments, recipe, password, leaf, private, names, authorities=(), column=None):
    with tempfile.TemporaryDirectory() as scratch:
        file = pack(Path(scratch), arguments, recipe, password)
        for reader, read in READERS.items():
            (Path(scratch) / reader).mkdir()
            title = f"{what}, --for {recipe}, read by {reader}"
            before = results.failed
            try:
                found, found_key, *found_names = read(file, password, Path(scratch) / reader)
                check(f"{title}: the certificate", found[:1] == [leaf])
                check(f"{title}: the authorities", sorted(found[1:]) == sorted(authorities))
                check(f"{title}: the key", found_key == private)
                wanted = [name.lower() for name in names] if reader == "keytool" else names
                pairs = [pair for pair in zip(found_names, wanted) if pair[0] is not None]
                check(f"{title}: the names", all(a == b for a, b in pairs), pairs)
            except Exception as error:  # whatever a peer says against the file is a failure
                check(title, False, error)
            if column:
                table.setdefault(reader, {})[column] = results.failed == before


def fixture(path): return FIXTURES / path


def pair(certificate, private):
    return fixture(certificate).read_bytes(), key(fixture(private).read_bytes())


leaf, private = pair("der/universal.cer", "key/push.pem")
apart = [fixture("der/universal.cer"), "--key", fixture("key/push.pem")]
for recipe in ["keychain", "modern", "java"]:
    judge("certificate and key", apart, recipe, PASSWORD, leaf, private, [CN, CN], column=recipe)
    judge("--name", [*apart, "--name", "MyApp push"], recipe, PASSWORD, leaf, private, ["MyApp push"] * 2)
    judge("--name beyond ASCII", [*apart, "--name", "Über 株"], recipe, PASSWORD, leaf, private, ["Über 株"] * 2)
    ec_leaf, ec_private = pair("der/ec.cer", "key/ec.pem")
    ec_name = x509.load_der_x509_certificate(ec_leaf).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    judge("an EC key", [fixture("der/ec.cer"), "--key", fixture("key/ec.pem")], recipe, PASSWORD, ec_leaf, ec_private,
          [ec_name, ec_name])
    authorities = [certificates(fixture(f"ca/{name}.pem").read_bytes())[0] for name in ["intermediate", "root"]]
    key_name = CN if recipe == "java" else "Push Key"
    judge("re-encoded, with its chain", [fixture("p12/ca-first.p12"), "--passin", "pass:push"], recipe, PASSWORD, leaf,
          private, [CN, key_name], authorities)
    judge("a Keychain export re-encoded", [fixture("p12/keychain-password.p12"), "--passin", "pass:push"], recipe,
          PASSWORD, leaf, private, [CN, key_name])

# A password beyond ASCII: for all but Java, which reads none.
keytool = READERS.pop("keytool")
for recipe in ["keychain", "modern"]:
    judge("a password beyond ASCII", apart, recipe, OTHER_PASSWORD, leaf, private, [CN, CN])
    with tempfile.TemporaryDirectory() as scratch:
        file = pack(Path(scratch), apart, recipe, OTHER_PASSWORD)
        refused = run("keytool", "-list", "-storetype", "PKCS12", "-keystore", file, "-storepass:env", "P12",
                      password=OTHER_PASSWORD)
        check(f"Java reads no password beyond ASCII, --for {recipe}: else pack need not refuse it", refused.returncode != 0)
READERS["keytool"] = keytool

# The algorithms, in the words of others.
for recipe, mac, encryption in [
    ("keychain", "MAC: sha1, Iteration 2048", "pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048"),
    ("modern", "MAC: sha256, Iteration 2048", "PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256"),
    ("java", "MAC: sha256, Iteration 10000", "PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256"),
]:
    with tempfile.TemporaryDirectory() as scratch:
        file = pack(Path(scratch), apart, recipe, PASSWORD)
        told = run("openssl", "pkcs12", "-in", file, "-info", "-noout", "-passin", "env:P12", password=PASSWORD).stderr.decode()
        check(f"--for {recipe}: the MAC", mac in told, told)
        check(f"--for {recipe}: certificates and key", f"Encrypted data: {encryption}" in told
              and f"Shrouded Keybag: {encryption}" in told, told)
        wrong = run("openssl", "pkcs12", "-in", file, "-noout", "-passin", "pass:wrong")
        check(f"--for {recipe}: another password does not open it", wrong.returncode != 0)
        parsed = output("openssl", "asn1parse", "-inform", "DER", "-in", file).decode()
        check(f"--for {recipe}: DER, no indefinite lengths", "inf" not in re.findall(r"l=\s*(\w+)", parsed))

        # localKeyID: the SHA-1 of the PKCS#1 public key, on both bags.
        public = output("openssl", "rsa", "-in", fixture("key/push.pem"), "-RSAPublicKey_out", "-outform", "DER")
        digest = output("openssl", "dgst", "-sha1", "-r", data=public).split()[0].decode()
        text = output("openssl", "pkcs12", "-in", file, "-nodes", "-passin", "env:P12", password=PASSWORD).decode()
        ids = [found.replace(" ", "").lower() for found in re.findall(r"localKeyID: (.*)", text)]
        check(f"--for {recipe}: localKeyID", ids == [digest, digest], ids)

# What another key makes of it.
with tempfile.TemporaryDirectory() as scratch:
    target = Path(scratch) / "x.p12"
    refused = run(PUSHCERT, "pack", fixture("der/universal.cer"), "--key", fixture("key/other.pem"), "--passout", "env:P12",
                  "-o", target, password=PASSWORD)
    check("a key that does not match is refused, and nothing is written", refused.returncode == 1 and not target.exists())

width = max(map(len, table))
print(" " * width, *(f"{recipe:>9}" for recipe in ["keychain", "modern", "java"]))
for reader, row in table.items():
    print(f"{reader:<{width}}", *(f"{'same' if row[recipe] else 'NO':>9}" for recipe in ["keychain", "modern", "java"]))
results.end()
