#!/usr/bin/env python3
"""Files by OpenSSL, GnuTLS, Java, NSS and Python's cryptography, in the shapes that people have, read by pushcert.

    reading.py PUSHCERT [OPENSSL ...]

Each writer gets the same identity. Whatever it makes of it, `pushcert convert` must give back that certificate and that
key, or name what it does not read; and what a locked or damaged file shows to its writer, `inspect` must show too.
"""

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from peers import FIXTURES, Results, run

PUSHCERT = Path(sys.argv[1]).resolve()
OPENSSLS = sys.argv[2:] or ["openssl"]
PEM = (FIXTURES / "pem/identity.pem").read_bytes()
CERTIFICATE = x509.load_pem_x509_certificate(PEM)
KEY = serialization.load_pem_private_key(PEM, None)
DER = serialization.Encoding.DER
PUBLIC = DER, serialization.PublicFormat.SubjectPublicKeyInfo
PASSIN = ["--passin", "env:PUSH_PASSWORD"]
ENVIRONMENT = {"PUSH_PASSWORD": "push"}

results = Results()


def expect_identity(name, data, arguments=PASSIN):
    """convert gives back the certificate and the key."""

    def same():
        pem = run(PUSHCERT, "convert", "-", *arguments, data=data, environment=ENVIRONMENT)
        certificate = x509.load_pem_x509_certificate(pem)
        public = serialization.load_pem_private_key(pem, None).public_key().public_bytes(*PUBLIC)
        return certificate == CERTIFICATE and public == KEY.public_key().public_bytes(*PUBLIC)

    results.attempt(name, same)


def ended(*arguments, data):
    """How a run of pushcert ended: exit code, standard output, standard error."""
    command = [str(PUSHCERT), *arguments]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, env={**ENVIRONMENT, "PATH": "/usr/bin:/bin"})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


PKCS12_ENCRYPTIONS = ["PBE-SHA1-3DES", "PBE-SHA1-2DES", "PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-RC4-40",
                      "PBE-SHA1-RC4-128", "PBE-MD5-DES", "PBE-SHA1-DES", "PBE-MD5-RC2-64", "PBE-SHA1-RC2-64",
                      "AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-EDE3-CBC", "DES-CBC", "RC2-CBC",
                      "CAMELLIA-128-CBC", "CAMELLIA-192-CBC", "CAMELLIA-256-CBC", "NONE"]
MACS = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3-224", "sha3-256", "sha3-384", "sha3-512"]
PKCS8_OLD = ["PBE-MD5-DES", "PBE-SHA1-RC2-64", "PBE-MD5-RC2-64", "PBE-SHA1-DES", "PBE-SHA1-RC4-128", "PBE-SHA1-RC4-40",
             "PBE-SHA1-3DES", "PBE-SHA1-2DES", "PBE-SHA1-RC2-128", "PBE-SHA1-RC2-40"]
PKCS8_NEW = ["aes128", "aes192", "aes256", "des3", "des", "rc2", "camellia-128-cbc", "camellia-256-cbc"]
TRADITIONAL = ["-des", "-des3", "-aes128", "-aes192", "-aes256", "-camellia128", "-camellia192", "-camellia256"]
# By name, never as a wrong password.
UNSUPPORTED = ["aria-128-cbc", "aria-256-cbc", "seed-cbc", "bf-cbc", "cast5-cbc", "idea-cbc"]


def made(*command, data=PEM):
    """What a writer makes, or None where this build of it has not the algorithm."""
    try:
        return run(*command, data=data)
    except subprocess.CalledProcessError:
        return None


def by_openssl(openssl, folder):
    legacy = ["-provider", "legacy", "-provider", "default"]
    pem = folder / "identity.pem"
    pem.write_bytes(PEM)
    export = [openssl, "pkcs12", "-export", "-in", pem, "-passout", "pass:push", *legacy]
    count = 0
    for name in PKCS12_ENCRYPTIONS:
        for option in ["-keypbe", "-certpbe"]:
            file = made(*export, option, name)
            if file:
                expect_identity(f"{openssl}: pkcs12 {option} {name}", file)
                count += 1
    for name in MACS:
        file = made(*export, "-macalg", name)
        if file:
            expect_identity(f"{openssl}: pkcs12 -macalg {name}", file)
            count += 1
    certificate = CERTIFICATE.public_bytes(serialization.Encoding.PEM)
    key = [openssl, "pkcs8", "-topk8", "-in", pem, "-passout", "pass:push", *legacy]
    for option, names in [("-v1", PKCS8_OLD), ("-v2", PKCS8_NEW)]:
        for name in names:
            file = made(*key, option, name)
            if file:
                expect_identity(f"{openssl}: pkcs8 {option} {name}", certificate + file)
                expect_identity(f"{openssl}: pkcs8 {option} {name}, in DER after the certificate",
                                CERTIFICATE.public_bytes(DER) + run(openssl, "asn1parse", "-noout", "-out", "/dev/stdout", data=file))
                count += 1
    for name in TRADITIONAL:
        file = made(openssl, "rsa", "-traditional", "-in", pem, name, "-passout", "pass:push", *legacy)
        if file:
            expect_identity(f"{openssl}: rsa {name}", certificate + file)
            count += 1
    for name in UNSUPPORTED:
        file = made(*key, "-v2", name)
        if file:
            code, _, message = ended("convert", "-", *PASSIN, data=certificate + file)
            results.check(f"{openssl}: {name} is named", code == 3 and "unsupported" in message, f"{code} {message}")
            code, shown, _ = ended("inspect", "-", *PASSIN, data=certificate + file)
            results.check(f"{openssl}: beside {name} the certificate is shown", code == 3 and "com.example.MyApp" in shown)
    results.check(f"{openssl}: makes enough", count > 40, f"only {count}")
    for command in [["crl2pkcs7", "-nocrl", "-certfile", pem], ["nseq", "-toseq", "-in", pem]]:
        code, shown, message = ended("inspect", "-", data=run(openssl, *command))
        results.check(f"{openssl}: {command[0]}", code == 0 and "com.example.MyApp" in shown, message)
    file = run(*export, "-certpbe", "NONE")
    code, shown, _ = ended("inspect", "-", data=file)
    results.check(f"{openssl}: certificates in the clear", code == 4 and "com.example.MyApp" in shown)


def by_others(folder):
    files = {name: folder / name for name in ["cert.pem", "key.pem", "java.p12", "gnutls.pem", "gnutls.p12"]}
    files["cert.pem"].write_bytes(CERTIFICATE.public_bytes(serialization.Encoding.PEM))
    files["key.pem"].write_bytes(KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                   serialization.NoEncryption()))
    certtool = ["certtool", "--to-p12", "--load-certificate", files["cert.pem"], "--load-privkey", files["key.pem"],
                "--p12-name", "push", "--password", "push"]
    # Without --outder it is a PEM block.
    expect_identity("certtool --to-p12", run(*certtool))
    for cipher in ["3des-pkcs12", "aes-256", "rc2-40", "arcfour"]:
        expect_identity(f"certtool --to-p12 {cipher}", run(*certtool, "--pkcs-cipher", cipher, "--outder"))
    plain = run("openssl", "pkcs12", "-export", "-in", folder / "identity.pem", "-passout", "pass:push", "-name", "push")
    (folder / "from.p12").write_bytes(plain)
    for kind in ["PKCS12", "JKS"]:
        target = folder / f"java.{kind.lower()}"
        run("keytool", "-importkeystore", "-noprompt", "-srckeystore", folder / "from.p12", "-srcstoretype", "PKCS12",
            "-srcstorepass", "push", "-destkeystore", target, "-deststoretype", kind,
            "-deststorepass", "pushpush", "-destkeypass", "pushpush")
    code, _, message = ended("convert", "-", data=(folder / "java.jks").read_bytes())
    results.check("keytool JKS is named", code == 3 and "keytool -importkeystore" in message, message)
    ENVIRONMENT["PUSH_PASSWORD"] = "pushpush"
    expect_identity("keytool PKCS12", (folder / "java.pkcs12").read_bytes())
    ENVIRONMENT["PUSH_PASSWORD"] = "push"
    encryption = serialization.BestAvailableEncryption(b"push")
    file = pkcs12.serialize_key_and_certificates(b"push", KEY, CERTIFICATE, None, encryption)
    expect_identity("cryptography", file)
    expect_identity("cryptography, in Base64", base64.b64encode(file))
    expect_identity("cryptography, in a secret", json.dumps({"p12": base64.b64encode(file).decode()}).encode())
    for label in ["CERTIFICATE", "PKCS12", "PKCS7"]:
        lines = base64.encodebytes(file).decode()
        expect_identity(f"cryptography, as {label}", f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n".encode())
    expect_identity("openssl pkcs12 -info", run("openssl", "pkcs12", "-in", folder / "from.p12", "-info", "-nodes", "-passin", "pass:push"))
    text = run("openssl", "x509", "-text", "-in", files["cert.pem"]) + files["key.pem"].read_bytes()
    expect_identity("openssl x509 -text", text)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for openssl in OPENSSLS:
            by_openssl(openssl, folder)
        by_others(folder)
    results.end()


main()
