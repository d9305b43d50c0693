#!/usr/bin/env python3
"""Judges what `pushcert rehearse` keeps, with OpenSSL and Python's sqlite3: the request, the chain, the .p12, the PEM file
and the database.

    rehearse.py PUSHCERT OPENSSL
"""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile

pushcert, openssl = os.path.abspath(sys.argv[1]), sys.argv[2]
# An OpenSSL that is not installed has no configuration, which `req` asks for.
os.environ["OPENSSL_CONF"] = os.devnull


def run(*command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def judge(folder):
    report = json.loads(run(pushcert, "rehearse", "--keep", folder, "--json", folder="."))
    assert report["shown"] is True and len(report["steps"]) == 10, report

    # The chain, for the purpose of a client, with the certificate as Apple's portal gives it out.
    run(openssl, "x509", "-inform", "der", "-in", "aps.cer", "-out", "aps.pem", folder=folder)
    run(openssl, "verify", "-CAfile", "authority.pem", "-purpose", "sslclient", "-x509_strict", "aps.pem", folder=folder)
    run(openssl, "req", "-in", "CertificateSigningRequest.certSigningRequest", "-verify", "-noout", folder=folder)
    text = run(openssl, "x509", "-in", "aps.pem", "-noout", "-text", "-nameopt", "RFC2253", folder=folder)
    for expected in ["UID=com.example.MyApp", "CN=Apple Push Services: com.example.MyApp", "TLS Web Client Authentication",
                     "1.2.840.113635.100.6.3.1", "1.2.840.113635.100.6.3.2", "1.2.840.113635.100.6.3.6"]:
        assert expected in text, f"{expected}: {text}"

    # One key, in the request, the certificate, the PEM file and the .p12.
    key = run(openssl, "pkey", "-in", "push.key", "-pubout", folder=folder)
    request = run(openssl, "req", "-in", "CertificateSigningRequest.certSigningRequest", "-noout", "-pubkey", folder=folder)
    certificate = run(openssl, "x509", "-in", "aps.pem", "-noout", "-pubkey", folder=folder)
    converted = run(openssl, "x509", "-in", "push.pem", "-noout", "-pubkey", folder=folder)
    private = run(openssl, "pkey", "-in", "push.pem", "-pubout", folder=folder)
    assert key == request == certificate == converted == private
    run(openssl, "pkcs12", "-in", "push.p12", "-passin", "file:p12.password", "-nodes", "-out", "p12.pem", folder=folder)
    assert run(openssl, "pkey", "-in", "p12.pem", "-pubout", folder=folder) == key

    # The token of the device is in the database.
    with open(os.path.join(folder, "device.json")) as file:
        state = json.load(file)
    rows = sqlite3.connect(os.path.join(folder, "tokens.db")).execute(
        "SELECT app, environment, token, unregistered FROM pushcert_token").fetchall()
    assert rows == [("com.example.MyApp", "production", state["credentials"]["token"], None)], rows

    for secret in report["secrets"]:
        mode = stat.S_IMODE(os.stat(os.path.join(folder, secret["file"])).st_mode)
        assert mode == 0o600, f"{secret['file']}: {mode:o}"


with tempfile.TemporaryDirectory() as parent:
    judge(os.path.join(parent, "kept"))
print("OpenSSL and sqlite3 agree with what the rehearsal keeps")
