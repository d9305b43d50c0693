#!/usr/bin/env python3
"""`pushcert gateway` beside nghttpd: requests a second, as h2load counts them.

    gateway.py PUSHCERT [PAIRS]

h2load sends POST requests with a payload, and to the gateway a provider token too, since it has no client certificates.
Each server runs alone with h2load on the same cores, in turn; the median of the ratios of the pairs holds when the
machine's speed drifts. The aim is 0.6. Below 0.3 the script fails, and so it does when a request gets another answer
than 200, and when a million device tokens take more than 100 MiB. Needs h2load, nghttpd and openssl.
"""
import base64, json, os, re, statistics, subprocess, sys, tempfile, time
from pathlib import Path

PUSHCERT = os.path.abspath(sys.argv[1])
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
AIM, LEAST = 0.6, 0.3
MAX_MEMORY = 100 << 10  # in KiB
TOKEN, TOPIC, KEY_ID, TEAM_ID = "ab" * 32, "com.example.MyApp", "ABC123DEFG", "TEAMID1234"
PAYLOAD = b'{"aps":{"alert":{"title":"Game Request","body":"Bob wants to play poker"},"badge":9,"sound":"default"}}'


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


def start_gateway(*arguments):
    process = subprocess.Popen([PUSHCERT, "gateway", *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())["address"]


def start_nghttpd(work):
    """nghttpd answers the path of the notifications with an empty file."""
    (work / "3/device").mkdir(parents=True)
    (work / "3/device" / TOKEN).touch()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    work / "server.key", "-out", work / "server.crt", "-days", "2", "-subj", "/CN=localhost"],
                   check=True, capture_output=True)
    port = "18443"
    process = subprocess.Popen(["nghttpd", "-d", work, "-a", "127.0.0.1", port, work / "server.key", work / "server.crt"])
    time.sleep(1)
    return process, f"127.0.0.1:{port}"


def load(address, payload, bearer, connections, requests):
    """Returns the rate; ends the script unless each request got 200."""
    command = ["h2load", "-n", str(requests), "-c", str(connections), "-m", "100", "-d", payload, "-H", f"apns-topic: {TOPIC}",
               "-H", f"authorization: bearer {bearer}", f"https://{address}/3/device/{TOKEN}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=300).stdout
    good = re.search(r"status codes: (\d+) 2xx", shown)
    if not good or int(good[1]) != requests:
        sys.exit(f"FAIL  {address}: not every request got 200\n{shown}")
    return float(re.search(r"([\d.]+) req/s", shown)[1])


def compare(servers, payload, bearer, connections, requests=50_000):
    """Returns the median of the ratios gateway/nghttpd."""
    rates = {name: [] for name in servers}
    for name, address in servers.items():
        load(address, payload, bearer, connections, 5_000)  # a warm-up
    for _ in range(PAIRS):
        for name, address in servers.items():
            rates[name].append(load(address, payload, bearer, connections, requests))
    ratio = statistics.median(own / other for own, other in zip(rates["gateway"], rates["nghttpd"]))
    shown = ", ".join(f"{name} {statistics.median(found):,.0f} a second" for name, found in rates.items())
    print(f"{connections} connections: {shown}; median ratio {ratio:.2f} of {PAIRS} pairs (aim {AIM})", flush=True)
    return ratio


def peak_memory(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


def million_tokens(work):
    """Returns the peak memory of a gateway with a million tokens, in KiB."""
    with open(work / "million", "w") as file:
        for number in range(1_000_000):
            file.write(f"{number * 0x9e3779b97f4a7c15 % (1 << 64):064x} known\n")
    start = time.perf_counter()
    process, _ = start_gateway("--tokens", work / "million")
    seconds, peak = time.perf_counter() - start, peak_memory(process)
    process.terminate()
    process.wait()
    print(f"a million device tokens: {peak / 1024:.1f} MiB at most, ready after {seconds:.2f} s", flush=True)
    return peak


def main():
    processes = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "payload").write_bytes(PAYLOAD)
        (work / "devices").write_text(f"{TOKEN} known\n")
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", work / "key.pem"], check=True)
        bearer = provider_token(work / "key.pem")
        try:
            gateway, address = start_gateway("--tokens", work / "devices", "--p8-key", f"{KEY_ID}:{TEAM_ID}:{work / 'key.pem'}")
            processes.append(gateway)
            nghttpd, other = start_nghttpd(work)
            processes.append(nghttpd)
            servers = {"gateway": address, "nghttpd": other}
            ratios = [compare(servers, work / "payload", bearer, connections) for connections in (1, 8)]
        finally:
            for process in processes:
                process.terminate()
                process.wait()
        peak = million_tokens(work)
    if min(ratios) < LEAST:
        sys.exit(f"FAIL  a ratio is below {LEAST}")
    if peak > MAX_MEMORY:
        sys.exit(f"FAIL  a million device tokens take more than {MAX_MEMORY >> 10} MiB")


main()
