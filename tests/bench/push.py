#!/usr/bin/env python3
"""`pushcert push` beside h2load, against nghttpd and against `pushcert gateway`: requests a second, and memory.

    push.py PUSHCERT [PAIRS]

Both clients send the same payload and a provider token over one connection with 100 streams, each alone with the server
on the same cores, in turn; the median of the ratios of the pairs holds when the machine's speed drifts. Push also reads
the tokens and writes a line of results for each. The aim is 0.5. Fails below 0.25, when a token is not accepted, and when
a million tokens take 64 MiB, or 10% more than 10,000. Needs h2load, nghttpd and openssl.
"""
import base64, json, os, re, statistics, subprocess, sys, tempfile, time
from pathlib import Path

PUSHCERT = os.path.abspath(sys.argv[1])
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
AIM, LEAST = 0.5, 0.25
MAX_MEMORY, MAX_GROWTH = 64 << 10, 1.10  # the first in KiB
REQUESTS, MILLION = 100_000, 1_000_000
TOKEN, TOPIC, KEY_ID, TEAM_ID = "ab" * 32, "com.example.MyApp", "ABC123DEFG", "TEAMID1234"
PAYLOAD = b'{"aps":{"alert":{"title":"Game Request","body":"Bob wants to play poker"},"badge":9,"sound":"default"}}'
NGHTTPD_PORT = "18445"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_integer(der, place):
    """One INTEGER of a DER sequence, as 32 bytes, and the place after it."""
    length = der[place + 1]
    number = int.from_bytes(der[place + 2:place + 2 + length], "big")
    return number.to_bytes(32, "big"), place + 2 + length


def provider_token(key):
    """A provider token, signed by OpenSSL's command line tool."""
    claims = {"iss": TEAM_ID, "iat": int(time.time())}
    signed = ".".join(encode(json.dumps(part).encode()) for part in ({"alg": "ES256", "kid": KEY_ID}, claims))
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed.encode(), capture_output=True,
                         check=True).stdout
    r, place = read_integer(der, 2)
    s, _ = read_integer(der, place)
    return f"{signed}.{encode(r + s)}"


class Server:
    """A server, and the authority that a client of it must trust."""

    def __init__(self, process, address, ca_file):
        self.process, self.address, self.ca_file = process, address, ca_file


def start_gateway(work):
    command = [PUSHCERT, "gateway", "--tokens", work / "devices", "--p8-key", f"{KEY_ID}:{TEAM_ID}:{work / 'key.pem'}"]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    ready = json.loads(process.stdout.readline())
    return Server(process, "localhost:" + ready["address"].rpartition(":")[2], ready["ca_file"])


def start_nghttpd(work):
    """nghttpd answers the path of the notifications with an empty file."""
    (work / "3/device").mkdir(parents=True)
    (work / "3/device" / TOKEN).touch()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    work / "server.key", "-out", work / "server.crt", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    process = subprocess.Popen(["nghttpd", "-d", work, "-a", "127.0.0.1", NGHTTPD_PORT, work / "server.key", work / "server.crt"])
    time.sleep(1)
    return Server(process, f"localhost:{NGHTTPD_PORT}", str(work / "server.crt"))


def h2load(server, work, bearer):
    """Returns the rate; ends the script unless each request got 200."""
    command = ["h2load", "-n", str(REQUESTS), "-c", "1", "-m", "100", "-d", work / "payload", "-H", f"apns-topic: {TOPIC}",
               "-H", "apns-push-type: alert", "-H", f"authorization: bearer {bearer}", f"https://{server.address}/3/device/{TOKEN}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=300).stdout
    good = re.search(r"status codes: (\d+) 2xx", shown)
    if not good or int(good[1]) != REQUESTS:
        sys.exit(f"FAIL  {server.address}: not every request of h2load got 200\n{shown}")
    return float(re.search(r"([\d.]+) req/s", shown)[1])


def peak_memory(process):
    """Returns the peak of a process in KiB; 0 once it has ended."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    return int(found[1]) if found else 0


def push(server, work, tokens, count):
    """Returns the rate and the peak of memory in KiB; ends the script unless each token was accepted."""
    results = work / "results.ndjson"
    results.unlink(missing_ok=True)
    command = [PUSHCERT, "push", "--p8", work / "key.pem", "--key-id", KEY_ID, "--team-id", TEAM_ID, "--topic", TOPIC, "--gateway",
               server.address, "--ca-file", server.ca_file, "--payload", work / "payload", "--tokens", tokens, "--results", results]
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE)
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_memory(process))
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    with open(results) as file:
        accepted = sum('"outcome":"accepted"' in line for line in file)
    if process.returncode != 0 or accepted != count:
        sys.exit(f"FAIL  {server.address}: {accepted} of {count} tokens were accepted\n{process.stdout.read().decode()}")
    return count / seconds, peak


def main():
    servers = {}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "payload").write_bytes(PAYLOAD)
        (work / "devices").write_text(f"{TOKEN} known\n")
        for size in (10_000, REQUESTS, MILLION):
            (work / f"tokens-{size}").write_text(f"{TOKEN}\n" * size)
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", work / "key.pem"], check=True)
        bearer = provider_token(work / "key.pem")
        try:
            servers["nghttpd"], servers["gateway"] = start_nghttpd(work), start_gateway(work)
            ratios = []
            for name, server in servers.items():
                rates = {"h2load": [], "push": []}
                for _ in range(PAIRS):
                    rates["h2load"].append(h2load(server, work, bearer))
                    rates["push"].append(push(server, work, work / f"tokens-{REQUESTS}", REQUESTS)[0])
                ratio = statistics.median(own / other for own, other in zip(rates["push"], rates["h2load"]))
                ratios.append(ratio)
                shown = ", ".join(f"{client} {statistics.median(found):,.0f} a second" for client, found in rates.items())
                print(f"{name}: {shown}; median ratio {ratio:.2f} of {PAIRS} pairs (aim {AIM})", flush=True)
            # A run of a tenth of a second reaches its peak only now and then, between two looks at it.
            few = max(push(servers["gateway"], work, work / "tokens-10000", 10_000)[1] for _ in range(10))
            rate, many = push(servers["gateway"], work, work / f"tokens-{MILLION}", MILLION)
            print(f"memory: {few / 1024:.1f} MiB with 10,000 tokens, {many / 1024:.1f} MiB with a million, at {rate:,.0f} a second", flush=True)
        finally:
            for server in servers.values():
                server.process.terminate()
                server.process.wait()
    if min(ratios) < LEAST:
        sys.exit(f"FAIL  a ratio is below {LEAST}")
    if many > MAX_MEMORY or many > few * MAX_GROWTH:
        sys.exit("FAIL  a million tokens take too much memory")


main()
