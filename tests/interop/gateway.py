#!/usr/bin/env python3
"""pushcert gateway, judged by other people's clients: curl, openssl, @parse/node-apn, httpx.

    gateway.py PUSHCERT [NODE_MODULES]

Needs openssl, curl with HTTP/2, node and npm, and httpx[http2] in this Python. NODE_MODULES is where
@parse/node-apn is installed; without it npm installs it into a temporary folder.
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import ssl

try:
    import httpx, h2  # noqa: F401
except ImportError as error:
    sys.exit(f"FAIL  missing: {error.name} (pip install 'httpx[http2]')")
need("openssl", "curl", "node", "npm")

TOKEN, GONE, OTHER = "ab" * 32, "cd" * 32, "ef" * 32
TOPIC = "com.example.MyApp"
devices = WORK / "devices.txt"
devices.write_text(f"{TOKEN} known\n{GONE} unregistered 1700000000000\n{OTHER} topic=com.example.Other\n")
process, ready = gateway("--tokens", devices, "--environment", "sandbox")
address, port = ready["address"], ready["address"].split(":")[1]
base = f"https://localhost:{port}"


# --- curl --------------------------------------------------------------------------------------------

def curl(token, *arguments, at=None, certificate=None, ca=None, data='{"aps":{}}'):
    at, ca = at or base, ca or ready["ca_file"]
    shown = ("--cert", certificate or ready["client_file"]) if certificate is not False else ()
    body = ("--data", data) if data is not None else ()
    result = run("curl", "-sS", "--http2", "--max-time", 10, "--cacert", ca, *shown, "-w", "\n%{http_version} %{http_code}", *body,
                 *arguments, f"{at}/3/device/{token}")
    return result


def answered(result):
    body, _, status = result.stdout.rpartition("\n")
    return status, json.loads(body).get("reason") if body else None


topic = ("-H", f"apns-topic: {TOPIC}")
for what, result, wanted in (
    ("known token", curl(TOKEN, *topic), ("2 200", None)),
    ("unknown token", curl("00" * 32, *topic), ("2 400", "BadDeviceToken")),
    ("unregistered token", curl(GONE, *topic), ("2 410", "Unregistered")),
    ("token of another topic", curl(OTHER, *topic), ("2 400", "DeviceTokenNotForTopic")),
    ("no topic", curl(TOKEN), ("2 400", "MissingTopic")),
    ("topic of another app", curl(TOKEN, "-H", "apns-topic: com.example.Other"), ("2 400", "TopicDisallowed")),
    ("GET", curl(TOKEN, *topic, "-X", "GET"), ("2 405", "MethodNotAllowed")),
    ("no token", curl("", *topic), ("2 400", "MissingDeviceToken")),
    ("no payload", curl(TOKEN, *topic, "-X", "POST", data=None), ("2 400", "PayloadEmpty")),
    ("large payload", curl(TOKEN, *topic, data="x" * 4097), ("2 413", "PayloadTooLarge")),
    ("priority 7", curl(TOKEN, *topic, "-H", "apns-priority: 7"), ("2 400", "BadPriority")),
    ("TLS 1.2", curl(TOKEN, *topic, "--tls-max", "1.2"), ("2 200", None)),
):
    expect(f"curl: {what}", answered(result), wanted)
headers = curl(TOKEN, *topic, "-D", "-").stdout
expect("curl: apns-id and apns-unique-id", ("apns-id: " in headers, "apns-unique-id: " in headers), (True, True))
bare = curl(TOKEN, *topic, certificate=False)
expect("curl: neither a certificate nor a provider token", answered(bare), ("2 403", "MissingProviderToken"))
for size in (65_535, 65_536, 1 << 20, 4 << 20):
    large = WORK / "large"
    large.write_bytes(b"x" * size)
    expect(f"curl: a payload of {size} bytes", answered(curl(TOKEN, *topic, data=f"@{large}")), ("2 413", "PayloadTooLarge"))
elsewhere = ("--resolve", f"other.invalid:{port}:127.0.0.1")
expect("curl: its certificate is for no other host", curl(TOKEN, *elsewhere, at=f"https://other.invalid:{port}").returncode, 60)

authorities = WORK / "authorities.pem"
authorities.write_text("".join(file.read_text() for file in sorted((FIXTURES / "ca").glob("*.pem"))))
for environment, name, wanted in (
    ("production", "keychain-password", "2 400"),
    ("production", "mdm", "2 400"),
    ("sandbox", "sandbox", "2 400"),
    ("sandbox", "production", None),
    ("production", "sandbox", None),
    ("production", "expired", None),
):
    service, told = gateway("--environment", environment, "--client-ca", authorities)
    at = f"https://localhost:{told['address'].split(':')[1]}"
    result = curl(TOKEN, at=at, certificate=client(name), ca=told["ca_file"])
    found = answered(result)[0] if result.returncode == 0 else None
    expect(f"curl: the fixture {name} in {environment}", found, wanted)
    stop(service)


# --- openssl s_client --------------------------------------------------------------------------------

for version in ("tls1_2", "tls1_3"):
    shown = run("openssl", "s_client", "-connect", address, "-servername", "localhost", f"-{version}", "-alpn", "h2",
                "-CAfile", ready["ca_file"], "-cert", ready["client_file"], "-verify_return_error",
                "-verify_hostname", "localhost", input="")
    expect(f"s_client -{version}: chain, ALPN, authorities asked for",
           ("Verification: OK" in shown.stdout, "ALPN protocol: h2" in shown.stdout,
            "Acceptable client certificate CA names\nCN = pushcert gateway throwaway CA" in shown.stdout), (True,) * 3)
strict = run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", ready["ca_file"], ready["client_file"])
expect("openssl verify -x509_strict takes the throwaway certificate", strict.returncode, 0)


# --- httpx -------------------------------------------------------------------------------------------

context = ssl.create_default_context(cafile=ready["ca_file"])
context.load_cert_chain(ready["client_file"])
with httpx.Client(http2=True, verify=context, timeout=10) as session:
    def post(token, **headers):
        answer = session.post(f"{base}/3/device/{token}", headers={k.replace("_", "-"): v for k, v in headers.items()},
                              content=b'{"aps":{"alert":"hi"}}')
        return answer.http_version, answer.status_code, answer.json().get("reason") if answer.content else None
    expect("httpx: sent", post(TOKEN, apns_topic=TOPIC, apns_push_type="alert"), ("HTTP/2", 200, None))
    expect("httpx: wrong topic", post(TOKEN, apns_topic="com.example.Other"), ("HTTP/2", 400, "TopicDisallowed"))
    expect("httpx: unregistered", post(GONE, apns_topic=TOPIC), ("HTTP/2", 410, "Unregistered"))
    expect("httpx: push type that does not fit", post(TOKEN, apns_topic=TOPIC, apns_push_type="voip"),
           ("HTTP/2", 400, "InvalidPushType"))
    large = session.post(f"{base}/3/device/{TOKEN}", headers={"apns-topic": TOPIC}, content=b"x" * (4 << 20))
    expect("httpx: a payload of 4 MiB", (large.status_code, large.json()["reason"]), (413, "PayloadTooLarge"))
    many = {post(TOKEN, apns_topic=TOPIC) for _ in range(200)}
    expect("httpx: 200 in a row on one connection", many, {("HTTP/2", 200, None)})


# --- @parse/node-apn ---------------------------------------------------------------------------------

if len(sys.argv) > 2:
    modules = Path(sys.argv[2]).resolve()
else:
    installed = run("npm", "install", "--prefix", WORK, "--no-audit", "--no-fund", "@parse/node-apn@8", timeout=300)
    if installed.returncode:
        finish(f"npm: {installed.stderr}")
    modules = WORK / "node_modules"
PROVIDER = r"""
const apn = require('@parse/node-apn');
const [address, port, pem, ca, topic, ...tokens] = process.argv.slice(2);
const provider = new apn.Provider({ cert: pem, key: pem, ca: [require('fs').readFileSync(ca)], address, port: Number(port),
  production: false, requestTimeout: 5000, connectionRetryLimit: 0 });
const note = new apn.Notification({ alert: 'hi', topic, pushType: 'alert', payload: { a: 1 } });
provider.send(note, tokens).then(async result => {
  console.log(JSON.stringify({ sent: result.sent.length, failed: result.failed.map(f => [f.status, f.response && f.response.reason]) }));
  await provider.shutdown(); process.exit(0);
});
"""
script = WORK / "provider.js"
script.write_text(PROVIDER)


def node_apn(topic, *tokens):
    result = run("node", script, "localhost", port, ready["client_file"], ready["ca_file"], topic, *tokens,
                 env={**os.environ, "NODE_PATH": str(modules)})
    return json.loads(result.stdout.splitlines()[-1]) if result.stdout.strip() else result.stderr


expect("node-apn: sent", node_apn(TOPIC, TOKEN), {"sent": 1, "failed": []})
expect("node-apn: wrong topic", node_apn("com.example.Other", TOKEN), {"sent": 0, "failed": [[400, "TopicDisallowed"]]})
expect("node-apn: unregistered", node_apn(TOPIC, GONE), {"sent": 0, "failed": [[410, "Unregistered"]]})
expect("node-apn: one of each", node_apn(TOPIC, TOKEN, GONE, "00" * 32)["sent"], 1)
stop(process)
finish()
