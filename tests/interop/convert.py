#!/usr/bin/env python3
"""What `pushcert convert` writes, read back by OpenSSL, GnuTLS, Java and Python's cryptography.

    convert.py PUSHCERT [OPENSSL ...]

Every fixture that converts is converted, and each peer must find the same certificate, the same key, and
that they belong together. Then --bag-attributes is compared with the output of each OPENSSL (by default
the one in PATH), byte for byte, for every PKCS#12 fixture that it can read.
"""

import re
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from peers import FIXTURES, ROOT, Results, fixture_rows, run

PUSHCERT = Path(sys.argv[1]).resolve()
OPENSSLS = sys.argv[2:] or ["openssl"]
PUBLIC = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
# Iteration counts that openssl has no limit for.
ENDLESS = {"huge-iterations", "huge-scrypt"}
PASSWORDS = ["push", "", "Pässwörd€", "Pässwörd"]

results = Results()


def convert(file, *arguments):
    return run(PUSHCERT, "convert", FIXTURES / file, "-o", "-", *arguments)


def check_identity(name, pem, path):
    """One PEM with a certificate and its unencrypted key, by every peer but Java."""
    certificate = x509.load_pem_x509_certificate(pem)
    key = serialization.load_pem_private_key(pem, None)
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    public = key.public_key().public_bytes(*PUBLIC)

    results.attempt(f"{name}: cryptography pairs them", lambda: certificate.public_key().public_bytes(*PUBLIC) == public)
    printed = run("openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256").decode()
    results.check(f"{name}: openssl x509", printed.strip().split("=")[1].replace(":", "").lower() == fingerprint)
    results.attempt(f"{name}: openssl pkey -check", lambda: run("openssl", "pkey", "-in", path, "-noout", "-check"))
    results.attempt(f"{name}: openssl pairs them", lambda: run("openssl", "x509", "-in", path, "-noout", "-pubkey")
                    == run("openssl", "pkey", "-in", path, "-pubout"))
    info = run("certtool", "-i", "--infile", path).decode()
    results.check(f"{name}: certtool -i", f"sha256:{fingerprint}" in info)
    info = run("certtool", "-k", "--infile", path).decode()
    results.check(f"{name}: certtool -k", "Public Key ID" in info or "Public Key Info" in info)


def check_chain_order(folder):
    """certtool takes a chain in its order alone (RFC 5246 section 7.4.2)."""
    path = folder / "root-first.pem"
    parts = ["ca/root.pem", "ca/intermediate.pem", "pem/identity.pem"]
    path.write_bytes(b"".join((FIXTURES / part).read_bytes() for part in parts))
    path.write_bytes(run(PUSHCERT, "convert", path, "--certs", "all", "-o", "-"))
    results.attempt("certtool verifies the chain", lambda: run("certtool", "--verify-chain", "--infile", path))


def is_nameless(path):
    """Java refuses a certificate with neither a subject nor a subjectAltName (RFC 5280 section 4.1.2.6)."""
    subject = run("openssl", "x509", "-in", path, "-noout", "-subject").decode().strip()
    return subject == "subject=" and b"Subject Alternative Name" not in run("openssl", "x509", "-in", path, "-noout", "-text")


def check_key_forms(folder):
    """--key-format and --encrypt, for an RSA and an EC key."""
    for file, arguments in [("p12/keychain.p12", []), ("p12/ec.p12", ["--passin", "file:" + str(folder / "push")])]:
        plain = serialization.load_pem_private_key(convert(file, *arguments), None).public_key().public_bytes(*PUBLIC)
        path = folder / "key.pem"

        def same(*command):
            return run(*command, environment={"SECRET": "sëcret"}) == plain

        path.write_bytes(convert(file, *arguments, "--key-format", "traditional"))
        results.check(f"{file}: traditional", re.search(rb"BEGIN (RSA|EC) PRIVATE KEY", path.read_bytes()) is not None)
        results.attempt(f"{file}: traditional, openssl", lambda: same("openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"))
        results.attempt(f"{file}: traditional, certtool", lambda: run("certtool", "-k", "--infile", path))

        (folder / "secret").write_text("sëcret\n")
        path.write_bytes(convert(file, *arguments, "--encrypt", "--passout", f"file:{folder / 'secret'}"))
        results.attempt(f"{file}: encrypted, openssl", lambda: same(
            "openssl", "pkey", "-in", path, "-pubout", "-outform", "DER", "-passin", "env:SECRET"))
        results.attempt(f"{file}: encrypted, certtool", lambda: run("certtool", "-k", "--infile", path, "--password", "sëcret"))
        results.attempt(f"{file}: encrypted, cryptography", lambda: serialization.load_pem_private_key(
            path.read_bytes(), "sëcret".encode()).public_key().public_bytes(*PUBLIC) == plain)
        results.attempt(f"{file}: encrypted, openssl pkcs8", lambda: b"BEGIN PRIVATE KEY" in run(
            "openssl", "pkcs8", "-in", path, "-passin", "env:SECRET", environment={"SECRET": "sëcret"}))


def unescape(text):
    """Undoes the escapes of control characters and dashes in attributes; openssl ends a name at a zero byte."""
    def line(match):
        raw = re.sub(rb"\\([01][0-9A-F]|2D|7F)", lambda m: bytes([int(m[1], 16)]), match[2])
        return match[1] + raw.split(b"\0")[0]
    return re.sub(rb"(?m)^(    friendlyName: )(.*)$", line, text)


def compare_bag_attributes(openssl, style):
    compared = 0
    for path in sorted((FIXTURES / "p12").glob("*.p12")):
        if path.stem in ENDLESS:
            continue
        for password in PASSWORDS:
            secret = {"SECRET": password}
            command = ["pkcs12", "-nodes", "-clcerts", "-legacy", "-passin", "env:SECRET", "-in", path]
            try:
                theirs = run(openssl, *command, environment=secret)
            except Exception:  # not its password, or a file that openssl does not read
                continue
            compared += 1
            name = f"{path.name}: --bag-attributes={style}"
            # Refused here and written by openssl: the key does not match, safes in seventeen safes, or an algorithm
            # nobody exports with.
            if path.stem in ("mismatch", "nested-beyond-limit") or path.stem.startswith("unsupported"):
                break
            try:
                ours = run(PUSHCERT, "convert", path, "-o", "-", f"--bag-attributes={style}", "--passin", "env:SECRET",
                           environment=secret)
            except Exception as error:
                # openssl writes an empty file where there is no key or no certificate.
                lacks = theirs.count(b"BEGIN CERTIFICATE") == 0 or theirs.count(b"PRIVATE KEY") == 0
                results.check(name, lacks, repr(error))
                break
            if path.stem == "no-local-key-id":
                results.check(name, ours.endswith(theirs) and b"BEGIN CERTIFICATE" in ours)
            elif ours != theirs:
                results.check(name, unescape(ours) == theirs and b"\\" in ours)
            else:
                results.check(name, True)
            break
    results.check(f"{openssl}: enough files compared", compared > 40, f"only {compared}")


def main():
    pems = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "push").write_text("push\n")
        for number, (file, arguments, expected) in enumerate(fixture_rows()):
            if expected != "ok" or "--no-key" in arguments:
                continue
            pem = convert(file, *arguments)
            path = folder / f"{number}.pem"
            path.write_bytes(pem)
            pems.append(path)
            check_identity(f"{file} {' '.join(arguments)}", pem, path)
        results.check("enough fixtures converted", len(pems) > 60, f"only {len(pems)}")
        output = run("java", ROOT / "tests/interop/ReadPem.java", *pems).decode().splitlines()
        for path, line in zip(pems, output, strict=True):
            wanted = "subject field is empty" if is_nameless(path) else "ok"
            results.check(f"Java reads {path.name}", wanted in line, line)
        check_key_forms(folder)
        check_chain_order(folder)
    for openssl in OPENSSLS:
        version = run(openssl, "version").decode().split()[1]
        compare_bag_attributes(openssl, "3.0" if version.startswith(("3.0.", "3.1.")) else "3.2")
    results.end()


main()
