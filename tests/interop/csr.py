#!/usr/bin/env python3
"""What `pushcert csr` makes, judged by OpenSSL, GnuTLS and Python's cryptography.

    csr.py PUSHCERT

Needs the openssl and certtool commands and the cryptography package; a tool that is missing is a
failure, not a skip.
"""
import json, os, subprocess, sys, tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.hashes import SHA256

from peers import Results

PUSHCERT = str(Path(sys.argv[1]).resolve())
SUBJECTS = [
    ("jo@example.com", "Jo Doe", "DE"),
    ("jo+push@sub.example.co.uk", "株式会社エグザンプル", "JP"),
    ("root@localhost", 'Doe, Jo "x" \\ + = ; # <é>', "FR"),
    ("a" * 116 + "@example.com", "x" * 64, "US"),
    ("_@x", " Jo  Doe ", "ZZ"),
]
results = Results()
check = results.check


def run(*command, data=None, **environment):
    return subprocess.run([str(part) for part in command], input=data, capture_output=True,
                          env={**os.environ, **environment})


def output(*command, data=None):
    done = run(*command, data=data)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def structure(pem):
    """Depth, tag and length of every value but those that differ from key to key."""
    lines = output("openssl", "asn1parse", "-inform", "PEM", data=pem).decode().splitlines()
    return [(line.split("d=")[1].split()[0], line.split(": ", 1)[1]) for line in lines]


def made(folder, email, name, country, *arguments, **environment):
    done = run(PUSHCERT, "csr", "--email", email, "--name", name, "--country", country, "--key-out", folder / "push.key",
               "-o", folder / "request", "--json", *arguments, **environment)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return (folder / "request").read_bytes(), (folder / "push.key").read_bytes(), json.loads(done.stdout)


for email, name, country in SUBJECTS:
    with tempfile.TemporaryDirectory() as folder:
        pem, key, report = made(Path(folder), email, name, country)
        verified = run("openssl", "req", "-inform", "PEM", "-noout", "-verify", data=pem)
        check(f"{name}: openssl verifies the signature",
              verified.returncode == 0 and b"verify OK" in verified.stdout + verified.stderr, verified.stderr)

        # OpenSSL's own request: same subject, same key, so that all of it must be the same.
        escaped = ["".join("\\" + c if c in "\\/+=" else c for c in part) for part in (email, name, country)]
        own = output("openssl", "req", "-new", "-utf8", "-sha256", "-key", Path(folder) / "push.key",
                     "-subj", "/emailAddress={}/CN={}/C={}".format(*escaped))
        check(f"{name}: the same structure as openssl req", structure(pem) == structure(own))
        check(f"{name}: the same bytes as openssl req (RSA signatures do not vary)", pem == own)

        request = x509.load_pem_x509_csr(pem)
        read = [(attribute.oid.dotted_string, attribute.value, attribute._type.name) for attribute in request.subject]
        check(f"{name}: the subject, attribute by attribute, with its string types", read == [
            ("1.2.840.113549.1.9.1", email, "IA5String"), ("2.5.4.3", name, "UTF8String"),
            ("2.5.4.6", country, "PrintableString")], read)
        check(f"{name}: cryptography: signed by its key, with SHA-256",
              request.is_signature_valid and isinstance(request.signature_hash_algorithm, SHA256))
        check(f"{name}: no attributes, no extensions", not list(request.attributes) and not list(request.extensions))
        private = serialization.load_pem_private_key(key, None)
        spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        check(f"{name}: the key beside it, RSA 2048, exponent 65537",
              private.public_key().public_bytes(*spki) == request.public_key().public_bytes(*spki)
              and private.key_size == 2048 and private.public_key().public_numbers().e == 65537)
        digest = output("openssl", "dgst", "-sha256", "-r", data=request.public_key().public_bytes(*spki)).split()[0]
        check(f"{name}: --json has the SHA-256 of the public key", report["spki_sha256"] == digest.decode())
        check(f"{name}: --json has the subject", (report["email"], report["name"], report["country"]) == (email, name, country))
        # GnuTLS has no own check of a request's signature on the command line but this one.
        told = run("certtool", "--crq-info", data=pem)
        check(f"{name}: certtool reads it",
              told.returncode == 0 and b"Self signature: verified" in told.stdout and b"RSA-SHA256" in told.stdout,
              told.stdout + told.stderr)

# An encrypted key, read back by others and by ourselves.
with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    pem, key, report = made(folder, "jo@example.com", "Jo Doe", "DE", "--encrypt", "--passout", "env:SECRET", SECRET="sésame")
    opened = run("openssl", "pkey", "-in", folder / "push.key", "-passin", "env:SECRET", "-check", "-noout", SECRET="sésame")
    check("openssl opens the encrypted key", opened.returncode == 0, opened.stderr)
    wrong = run("openssl", "pkey", "-in", folder / "push.key", "-passin", "env:SECRET", "-noout", SECRET="sesame")
    check("openssl does not open it with another password", wrong.returncode != 0)
    check("cryptography opens the encrypted key",
          serialization.load_pem_private_key(key, "sésame".encode()).key_size == 2048)
    # The key in other forms makes the same request.
    forms = {
        "pkcs8.der": ["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"],
        "pkcs1.pem": ["openssl", "rsa", "-traditional"],
        "pkcs1.der": ["openssl", "rsa", "-traditional", "-outform", "DER"],
        "pkcs1-aes.pem": ["openssl", "rsa", "-traditional", "-aes128", "-passout", "pass:sésame"],
        "pkcs8-3des.pem": ["openssl", "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:sésame"],
    }
    for file, command in forms.items():
        output(*command, "-in", folder / "push.key", "-passin", "pass:sésame", "-out", folder / file)
        again = run(PUSHCERT, "csr", "--email", "jo@example.com", "--name", "Jo Doe", "--country", "DE", "--key",
                    folder / file, "--passin", "env:SECRET", "-o", "-", SECRET="sésame")
        check(f"the same request for {file}", again.stdout == pem, again.stderr)

# Edwards curves and ECDSA, for others than Apple.
for algorithm in ["ED25519", "ED448", "EC -pkeyopt ec_paramgen_curve:P-256", "EC -pkeyopt ec_paramgen_curve:P-521",
                  "RSA -pkeyopt rsa_keygen_bits:3072"]:
    key = output("openssl", "genpkey", "-algorithm", *algorithm.split())
    arguments = ["csr", "--email", "jo@example.com", "--name", "Jo Doe", "--country", "DE", "--key", "-", "-o", "-"]
    done = run(PUSHCERT, *arguments, "--any-key", data=key)
    verified = run("openssl", "req", "-noout", "-verify", data=done.stdout)
    check(f"--any-key with {algorithm}: openssl verifies the signature", verified.returncode == 0, done.stderr)
    refused = run(PUSHCERT, *arguments, data=key)
    check(f"{algorithm} is refused in the portal's words",
          refused.returncode == 1 and b"CSR algorithm/size incorrect. Expected: RSA(2048)" in refused.stderr
          and not refused.stdout, refused.stderr)

results.end()
