#!/usr/bin/env python3
"""Writes the files that fuzzing begins with: fixtures, texts of the tests, and what OpenSSL makes with one iteration.

Usage: tests/fuzz/seeds.py FOLDER, in the root of the repository.
"""

import base64
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
TOPICS = bytes.fromhex("060a2a864886f76364060306")
PASSWORDS = {"container": "pass:", "locked_container": "pass:push"}
ENCRYPTIONS = [
    ["-legacy"],
    ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-RC2-40", "-legacy"],
    ["-certpbe", "AES-256-CBC", "-keypbe", "AES-128-CBC"],
    ["-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC", "-nomac"],
    ["-certpbe", "NONE", "-keypbe", "AES-256-CBC", "-macalg", "sha256"],
    ["-certpbe", "NONE", "-keypbe", "NONE", "-nomac"],
    ["-certpbe", "NONE", "-keypbe", "NONE"],
]
KEY_ENCRYPTIONS = [["-v1", "PBE-SHA1-3DES"], ["-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider", "default"], ["-v2", "aes-256-cbc"], ["-v2", "des3", "-v2prf", "hmacWithSHA1"]]


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


def files(folders):
    return [path.read_bytes() for folder in folders for path in sorted((FIXTURES / folder).iterdir())]


def texts_of_tests():
    """The string literals of the tests that have a BEGIN, or are JSON."""
    texts = []
    for path in [*sorted((ROOT / "src").rglob("*.rs")), *sorted((ROOT / "tests").rglob("*.rs"))]:
        for literal in re.findall(r'"((?:[^"\\]|\\.)*)"', path.read_text(), re.S):
            if "BEGIN" in literal:
                plain = re.sub(r"\\\n\s*", "", literal).replace("\\n", "\n").replace("\\r", "\r").replace('\\"', '"')
                texts.append(plain.encode())
        for literal in re.findall(r'r#"(.*?)"#', path.read_text(), re.S):
            texts.append(literal.replace("{{", "{").replace("}}", "}").encode())
    return texts


def made_by_openssl(passout, folder):
    made = []
    for number, (key, certificate) in enumerate([("push", "universal"), ("ec", "ec")]):
        key, certificate = FIXTURES / f"key/{key}.pem", FIXTURES / f"der/{certificate}.cer"
        pem = pathlib.Path(folder) / f"{number}.pem"
        pem.write_bytes(openssl("x509", "-inform", "DER", "-in", certificate))
        for encryption in ENCRYPTIONS:
            made.append(openssl("pkcs12", "-export", "-in", pem, "-inkey", key, "-name", "a", "-iter", 1, "-passout", passout, *encryption))
        if passout != "pass:":
            for encryption in KEY_ENCRYPTIONS:
                for form in ["DER", "PEM"]:
                    made.append(openssl("pkcs8", "-topk8", "-in", key, "-outform", form, "-iter", 1, "-passout", passout, *encryption))
            made.append(openssl("pkey", "-in", key, "-traditional", "-aes128", "-passout", passout))
    return made


def sent(data):
    """What transport makes of a file."""
    coded = base64.b64encode(data)
    lines = base64.encodebytes(data)
    return [
        coded,
        base64.b64encode(coded),
        b"\xff\xfe" + coded.decode().encode("utf-16-le"),
        b"kind: Secret\ndata:\n  tls.crt: " + coded + b"\n  b: |\n    " + lines.replace(b"\n", b"\n    ") + b"\n",
        b'CERT="' + coded + b'"\n',
        data.replace(b"\n", b"\\n"),
        data.replace(b"\n", b"\r\n"),
        data + data,
    ]


def secrets():
    coded = [base64.b64encode(data).decode() for data in files(["der", "p7b"])[:6]]
    coded.append(base64.b64encode((FIXTURES / "pem/identity.pem").read_bytes()).decode())
    one = {"kind": "Secret", "metadata": {"namespace": "a", "name": "b"}, "data": {"tls.crt": coded[0], "l": ""}}
    many = [{"kind": "Secret", "metadata": {"name": str(n)}, "data": {"k": text}} for n, text in enumerate(coded)]
    other = {"kind": "ConfigMap", "data": {"x": "%"}}
    documents = [one, other, {"kind": "List", "items": [one, other]}, {"kind": "List", "items": many}]
    wrong = dict(one, data={"k": "hunter2!"})
    return [json.dumps(document).encode() for document in [*documents, wrong, dict(one, data=["hunter2"])]]


def topics():
    lists = []
    for data in files(["der"]):
        place = data.find(TOPICS)
        if place >= 0:
            value = data[place + len(TOPICS):]
            # An OCTET STRING with a short length, or one of several bytes.
            start = 2 if value[1] < 0x80 else 2 + (value[1] & 0x7f)
            length = value[1] if start == 2 else int.from_bytes(value[2:start], "big")
            lists.append(value[start:start + length])
    return lists


def write(folder, seeds):
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def main(target):
    texts = texts_of_tests()
    certificate, identity = (FIXTURES / "der/ec.cer").read_bytes(), (FIXTURES / "pem/sec1-key.pem").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for name, passout in PASSWORDS.items():
            seeds = files(["ca", "csr", "der", "key", "p12", "p7b", "pem"]) + texts + sent(certificate) + sent(identity)
            write(target / name, seeds + made_by_openssl(passout, folder))
    write(target / "pem", files(["ca", "key", "pem"]) + texts)
    write(target / "kubernetes", secrets() + [text for text in texts if text.strip().startswith(b"{")])
    write(target / "topics", topics())


main(pathlib.Path(sys.argv[1]))
