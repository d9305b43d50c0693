#!/usr/bin/env python3
"""The memory of a release build, searched for parts of a private key that it has decrypted.

    memory.py PUSHCERT [OPENSSL]

`src/world/memory.rs` searches the build of the tests, which keeps other things on its stack. As root, and on Linux alone:
no other process may read the memory of pushcert.
"""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from peers import FIXTURES, Results, run

PUSHCERT = Path(sys.argv[1]).resolve()
OPENSSL = sys.argv[2] if len(sys.argv) > 2 else "openssl"
PEM = (FIXTURES / "pem/identity.pem").read_bytes()
KEY = serialization.load_pem_private_key(PEM, None)
PUBLIC_EXPONENT = bytes.fromhex("0203010001")
# A stretch of this many bytes is recognised.
WINDOW = 12

results = Results()


def private_part():
    """The bytes of the key after its public half."""
    form = serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    der = KEY.private_bytes(*form)
    return der[der.index(PUBLIC_EXPONENT) + len(PUBLIC_EXPONENT):]


SECRET = private_part()


def full_pipe():
    """A pipe that takes no more."""
    reader, writer = os.pipe()
    flags = fcntl.fcntl(writer, fcntl.F_GETFL)
    fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    try:
        while True:
            os.write(writer, bytes(4096))
    except BlockingIOError:
        fcntl.fcntl(writer, fcntl.F_SETFL, flags)
        return reader, writer


def wait_for_output(process):
    """Waits until the process writes to its standard output, which is full: its work is done."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        # The number of a system call, and its first argument: a descriptor.
        call = Path(f"/proc/{process.pid}/syscall").read_text().split()
        if call[1:2] == ["0x1"]:
            return
        time.sleep(0.01)
    raise RuntimeError("it wrote nothing")


def kept_bytes(pid):
    """How many bytes of the key are in what a process may write to."""
    kept = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, mode, *_ = line.split()
            if not mode.startswith("rw") or line.endswith("[vvar]"):
                continue
            start, end = (int(edge, 16) for edge in span.split("-"))
            memory.seek(start)
            held = memory.read(end - start)
            for offset in range(len(SECRET) - WINDOW + 1):
                if SECRET[offset:offset + WINDOW] in held:
                    kept.update(range(offset, offset + WINDOW))
    return len(kept)


def after_inspect(file):
    """How many bytes of the key are in memory when inspect has read a file."""
    reader, writer = full_pipe()
    command = [PUSHCERT, "inspect", file, "--passin", "env:PUSH_PASSWORD"]
    environment = {"PUSH_PASSWORD": "push", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writer, env=environment) as process:
        try:
            wait_for_output(process)
            return kept_bytes(process.pid)
        finally:
            process.kill()
            os.close(reader)
            os.close(writer)


def write_files(folder):
    """Writes the key in encryptions of all kinds of block, and returns the names."""
    pem = folder / "identity.pem"
    pem.write_bytes(PEM)
    files = []
    for cipher in ["AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-EDE3-CBC"]:
        files.append(folder / f"{cipher}.p12")
        run(OPENSSL, "pkcs12", "-export", "-in", pem, "-passout", "pass:push", "-keypbe", cipher, "-certpbe", cipher,
            "-out", files[-1])
    for cipher in ["aes128", "aes256", "des3", "camellia-128-cbc"]:
        files.append(folder / f"{cipher}.key")
        run(OPENSSL, "pkcs8", "-topk8", "-in", pem, "-passout", "pass:push", "-v2", cipher, "-out", files[-1])
    for cipher in ["aes128", "aes256", "des3"]:
        files.append(folder / f"dek-{cipher}.key")
        run(OPENSSL, "rsa", "-in", pem, f"-{cipher}", "-traditional", "-passout", "pass:push", "-out", files[-1])
    return files


with tempfile.TemporaryDirectory() as name:
    for file in write_files(Path(name)):
        results.attempt(f"nothing of the key of {file.name} is left", lambda file=file: after_inspect(file) == 0)
results.end()
