#!/usr/bin/env python3
"""pushcert gateway under the providers that people use, many notifications at a time, and under hostile clients.

    providers.py PUSHCERT NODE_MODULES [COUNT]

COUNT is the number of notifications that @parse/node-apn sends (20000). Needs openssl, node with @parse/node-apn in
NODE_MODULES, java, php with curl, h2load, and in this Python aioapns, h2 and httpx[http2].
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import asyncio, logging, resource, socket, ssl, threading

try:
    import aioapns, httpx
    import h2.config, h2.connection, h2.events
    from aioapns.connection import APNsProductionClientProtocol
    from hyperframe.frame import ContinuationFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame
except ImportError as error:
    sys.exit(f"FAIL  missing: {error.name} (pip install aioapns h2 'httpx[http2]')")
need("openssl", "node", "java", "php", "h2load")

COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 20_000
TOKEN, GONE = "ab" * 32, "cd" * 32
TOPIC = "com.example.MyApp"
devices = WORK / "devices.txt"
# Other people's clients send to many devices: a list as long as their loads.
devices.write_text(f"{TOKEN} known\n{GONE} unregistered 1700000000000\n" + "".join(f"{n:064x} known\n" for n in range(max(COUNT, 20_000))))
log = WORK / "log.jsonl"
process, ready = gateway("--tokens", devices, "--log", log)
port = int(ready["address"].rpartition(":")[2])
client_file, ca_file = ready["client_file"], ready["ca_file"]
base = f"https://localhost:{port}"


def logged(event):
    """The lines of the log with this event."""
    return [line for line in map(json.loads, log.read_text().splitlines()) if line["event"] == event]


def trusting():
    context = ssl.create_default_context(cafile=ca_file)
    context.load_cert_chain(client_file)
    return context


# --- @parse/node-apn, whose END_STREAM comes in a frame of its own -------------------------------------

PROVIDER = r"""
const http2 = require('http2'), connect = http2.connect;
const [port, pem, ca, topic, count, clients, memory] = process.argv.slice(2);
http2.connect = (url, options, ...rest) => connect(url, { ...options, maxSessionMemory: Number(memory) }, ...rest);
const apn = require('@parse/node-apn');
const options = { cert: pem, key: pem, ca: [require('fs').readFileSync(ca)], address: 'localhost', port: Number(port),
  production: true, requestTimeout: 60000, connectionRetryLimit: 3 };
const provider = clients > 1 ? new apn.MultiProvider({ ...options, clientCount: Number(clients) }) : new apn.Provider(options);
const note = new apn.Notification({ alert: 'hi', topic, pushType: 'alert', payload: { a: 1 } });
const tokens = Array.from({ length: Number(count) }, (_, n) => n.toString(16).padStart(64, '0'));
provider.send(note, tokens).then(async result => {
  const reasons = {};
  for (const f of result.failed) {
    const reason = f.response ? f.response.reason : String(f.error);
    reasons[reason] = (reasons[reason] || 0) + 1;
  }
  console.log(JSON.stringify({ sent: result.sent.length, reasons }));
  await provider.shutdown(); process.exit(0);
});
"""
script = WORK / "provider.js"
script.write_text(PROVIDER)
modules = {**os.environ, "NODE_PATH": str(Path(sys.argv[2]).resolve())}


# Node.js refuses streams of its own (ENHANCE_YOUR_CALM, then INTERNAL_ERROR) when some 9,000 notifications wait in one session:
# their memory counts against maxSessionMemory, 10 MB by default. More at once need more, whatever the server does.
DEFAULT_MEMORY, LARGE_MEMORY = 10, 1000


def node_apn(count, clients, at=None, memory=DEFAULT_MEMORY):
    result = run("node", script, at or port, client_file, ca_file, TOPIC, count, clients, memory, env=modules, timeout=300)
    return json.loads(result.stdout.splitlines()[-1]) if result.stdout.strip() else result.stderr


for count, clients, memory in ((COUNT, 1, LARGE_MEMORY), (5000, 1, DEFAULT_MEMORY), (20_000, 4, DEFAULT_MEMORY)):
    begin = time.monotonic()
    expect(f"node-apn: {count} notifications, connections: {clients}", node_apn(count, clients, memory=memory), {"sent": count, "reasons": {}})
    print(f"      {count / (time.monotonic() - begin):.0f} a second")
requests = logged("request")
sent = COUNT + 5000 + 20_000
expect("node-apn: the log has every notification", (len(requests), {line["answer"]["status"] for line in requests}), (sent, {200}))
expect("node-apn: each device of the list once from one connection",
       len({line["token"] for line in requests if line["connection"] == requests[0]["connection"]}), COUNT)


# --- aioapns -------------------------------------------------------------------------------------------

logging.getLogger("aioapns").setLevel(logging.CRITICAL)
APNsProductionClientProtocol.APNS_SERVER = "localhost"
APNsProductionClientProtocol.APNS_PORT = port


async def send_by_aioapns(tokens):
    apns = aioapns.APNs(client_cert=client_file, topic=TOPIC, ssl_context=ssl.create_default_context(cafile=ca_file), max_connections=2)
    message = {"aps": {"alert": "hi"}}
    requests = [aioapns.NotificationRequest(device_token=token, message=message) for token in tokens]
    results = await asyncio.gather(*(apns.send_notification(request) for request in requests))
    apns.pool.close()
    return results

results = asyncio.run(asyncio.wait_for(send_by_aioapns([TOKEN] * 2000), 60))
expect("aioapns: 2000 notifications", {(result.status, result.description) for result in results}, {("200", None)})
[gone] = asyncio.run(asyncio.wait_for(send_by_aioapns([GONE]), 60))
expect("aioapns: unregistered, with the time", (gone.status, gone.description, str(gone.timestamp)), ("410", "Unregistered", "1700000000000"))


# --- httpx, many at once -------------------------------------------------------------------------------

async def send_by_httpx(count):
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(http2=True, verify=trusting(), timeout=60, limits=limits) as session:
        url, headers = f"{base}/3/device/{TOKEN}", {"apns-topic": TOPIC}
        answers = await asyncio.gather(*(session.post(url, headers=headers, content=b'{"aps":{}}') for _ in range(count)))
    return {(answer.http_version, answer.status_code) for answer in answers}

expect("httpx: 500 at once", asyncio.run(send_by_httpx(500)), {("HTTP/2", 200)})


# --- php-curl ------------------------------------------------------------------------------------------

PHP = r"""<?php
[, $url, $pem, $ca, $topic, $count] = $argv;
$multi = curl_multi_init();
curl_multi_setopt($multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
curl_multi_setopt($multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1);
$handles = [];
for ($n = 0; $n < $count; $n++) {
    $handle = curl_init($url);
    curl_setopt_array($handle, [CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_2_0, CURLOPT_SSLCERT => $pem, CURLOPT_CAINFO => $ca,
        CURLOPT_POST => true, CURLOPT_POSTFIELDS => '{"aps":{"alert":"hi"}}', CURLOPT_HTTPHEADER => ["apns-topic: $topic"],
        CURLOPT_RETURNTRANSFER => true, CURLOPT_PIPEWAIT => true, CURLOPT_TIMEOUT => 60]);
    curl_multi_add_handle($multi, $handle);
    $handles[] = $handle;
}
do {
    curl_multi_exec($multi, $running);
    curl_multi_select($multi, 1.0);
} while ($running > 0);
$counts = [];
foreach ($handles as $handle) {
    $key = curl_getinfo($handle, CURLINFO_HTTP_VERSION) . ' ' . curl_getinfo($handle, CURLINFO_RESPONSE_CODE) . curl_error($handle);
    $counts[$key] = ($counts[$key] ?? 0) + 1;
}
echo json_encode($counts);
"""
(WORK / "push.php").write_text(PHP)
php = run("php", WORK / "push.php", f"{base}/3/device/{TOKEN}", client_file, ca_file, TOPIC, 500)
# 3 is CURL_HTTP_VERSION_2_0.
expect("php-curl: 500 at once on one connection", php.stdout, '{"3 200":500}')


# --- the JDK's HttpClient ------------------------------------------------------------------------------

stores = WORK / "client.p12", WORK / "trust.p12"
openssl("pkcs12", "-export", "-in", client_file, "-out", stores[0], "-passout", "pass:changeit")
keytool = run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", ca_file, "-keystore", stores[1], "-storetype", "PKCS12",
              "-storepass", "changeit")
expect("keytool takes the authority", keytool.returncode, 0)
java = run("java", Path(__file__).parent / "Push.java", stores[0], "changeit", stores[1], f"{base}/3/device/{TOKEN}", TOPIC, 2000,
           timeout=120)
expect("JDK HttpClient: 2000 notifications", java.stdout.strip() or java.stderr, "{HTTP_2 200=2000}")


# --- h2load, which has no client certificates: 403 for each --------------------------------------------

body = WORK / "body.json"
body.write_text('{"aps":{"alert":"hi"}}')
h2load = run("h2load", "-n", 5000, "-c", 4, "-m", 1, "-d", body, "-H", f"apns-topic: {TOPIC}", f"{base}/3/device/{TOKEN}", timeout=120)
status = next((line for line in h2load.stdout.splitlines() if line.startswith("status codes")), h2load.stdout + h2load.stderr)
expect("h2load: 5000 requests", status, "status codes: 0 2xx, 0 3xx, 5000 4xx, 0 5xx")


# --- hostile frames while a good client is served ------------------------------------------------------

class GoodClient(threading.Thread):
    """Sends one notification after another until it is stopped; keeps the answers, and the longest wait."""

    def __init__(self):
        super().__init__()
        self.stopping, self.answers, self.longest = threading.Event(), [], 0.0

    def run(self):
        with httpx.Client(http2=True, verify=trusting(), timeout=20) as session:
            while not self.stopping.is_set():
                begin = time.monotonic()
                try:
                    answer = session.post(f"{base}/3/device/{TOKEN}", headers={"apns-topic": TOPIC}, content=b'{"aps":{}}').status_code
                except httpx.HTTPError as error:
                    answer = repr(error)
                self.answers.append(answer)
                self.longest = max(self.longest, time.monotonic() - begin)


class Attacker:
    """A connection on which any frame can be sent."""

    def __init__(self):
        context = trusting()
        context.set_alpn_protocols(["h2"])
        raw = socket.create_connection(("localhost", port), 10)
        self.stream = context.wrap_socket(raw, server_hostname="localhost")
        self.stream.settimeout(10)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.stream.sendall(self.h2.data_to_send())

    def block(self, **extra):
        fields = {":method": "POST", ":scheme": "https", ":authority": "localhost", ":path": f"/3/device/{TOKEN}", "apns-topic": TOPIC,
                  **extra}
        return self.h2.encoder.encode(list(fields.items()))

    def flood(self, pieces):
        """Sends until the gateway has had enough, at most all; returns whether it closed."""
        try:
            for piece in pieces:
                self.stream.sendall(piece)
            self.stream.settimeout(2)
            while self.stream.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


def headers(attacker, stream, flags=("END_HEADERS",), data=None):
    frame = HeadersFrame(stream, data if data is not None else attacker.block(), flags=list(flags))
    return frame.serialize()


def rapid_reset(attacker):
    for stream in range(1, 40_001, 2):
        yield headers(attacker, stream) + RstStreamFrame(stream, error_code=8).serialize()


def continuation_flood(attacker):
    yield headers(attacker, 1, flags=())
    for _ in range(5_000):
        yield ContinuationFrame(1, attacker.block(**{"x-filler": "y" * 1000})).serialize()


def settings_flood(attacker):
    # The answers are not read.
    for _ in range(2_000):
        yield SettingsFrame(0, settings={4: 65_535}).serialize() * 50


def ping_flood(attacker):
    for _ in range(2_000):
        yield PingFrame(0, b"12345678").serialize() * 50


def zero_window(attacker):
    """Asks for answers that it leaves no window for, and keeps them open."""
    yield SettingsFrame(0, settings={4: 0}).serialize()
    for stream in range(1, 1_999, 2):
        yield headers(attacker, stream, flags=("END_HEADERS", "END_STREAM"))


def window_overflow(attacker):
    for _ in range(10):
        yield WindowUpdateFrame(0, window_increment=2**31 - 1).serialize()


def memory():
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


good = GoodClient()
good.start()
before = memory()
attacks = {rapid_reset: True, continuation_flood: True, settings_flood: None, ping_flood: None, zero_window: None, window_overflow: True}
for attack, closes in attacks.items():
    served = len(good.answers)
    attackers = [Attacker() for _ in range(2)]
    ends = []
    threads = [threading.Thread(target=lambda one=one: ends.append(one.flood(attack(one)))) for one in attackers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    name = attack.__name__.replace("_", " ")
    if closes:
        expect(f"{name}: the connection is closed", ends, [True, True])
    expect(f"{name}: a good client is served meanwhile", (len(good.answers) > served, set(good.answers)), (True, {200}))
good.stopping.set()
good.join(30)
print(f"      longest wait of the good client {good.longest * 1000:.0f} ms, memory {before} KiB before, {memory()} KiB after")
expect("hostile frames: no wait above 5 s", good.longest < 5, True)
expect("hostile frames: less than 64 MiB more", memory() - before < 64 * 1024, True)
expect("hostile frames: they are in the log", len(logged("connection_failed")) > 0, True)
stop(process)
expect("the gateway ends well, with its log complete", process.wait(10), 0)


# --- more connections than the gateway holds: who makes room is told -----------------------------------

log.unlink()
process, ready = gateway("--tokens", devices, "--log", log)
port, client_file, ca_file = int(ready["address"].rpartition(":")[2]), ready["client_file"], ready["ca_file"]


GOAWAY = 7


class IdleClient:
    """A client that has had an answer, and waits."""

    def __init__(self, context):
        self.connection = h2.connection.H2Connection()
        self.stream = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30), server_hostname="localhost")
        self.connection.initiate_connection()
        names = {":method": "POST", ":scheme": "https", ":authority": "localhost", ":path": f"/3/device/{TOKEN}", "apns-topic": TOPIC}
        self.connection.send_headers(1, list(names.items()))
        self.connection.send_data(1, b"{}", end_stream=True)
        self.stream.sendall(self.connection.data_to_send())

    def is_answered(self):
        while data := self.stream.recv(65536):
            if any(isinstance(event, h2.events.StreamEnded) for event in self.connection.receive_data(data)):
                return True
        return False

    def is_told_to_go(self):
        """Looks for GOAWAY by itself: h2 does not take the PING that follows it."""
        data = b""
        while piece := self.stream.recv(65536):
            data += piece
        kinds = []
        while len(data) >= 9:
            kinds.append(data[3])
            data = data[9 + int.from_bytes(data[:3], "big"):]
        return GOAWAY in kinds


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
context = trusting()
context.set_alpn_protocols(["h2"])
clients = [IdleClient(context) for _ in range(512)]
expect("512 connections: each is answered", {client.is_answered() for client in clients}, {True})
more = [IdleClient(context) for _ in range(8)]
expect("8 more: each is answered", {client.is_answered() for client in more}, {True})
expect("the longest idle ones get GOAWAY", {client.is_told_to_go() for client in clients[:8]}, {True})
expect("who makes room is in the log", len(logged("connection_evicted")), 8)
for client in clients + more:
    client.stream.close()
stop(process)

# --- recovery: what node-apn makes of faults in the middle ---------------------------------------------

# node-apn repeats nothing of this by itself; each notification must have an outcome all the same.
for fault, answered in (("refuse-stream@every=50", 980), ("goaway:Shutdown@after=200,times=1", 200)):
    process, ready = gateway("--tokens", devices, "--fault", fault)
    client_file, ca_file = ready["client_file"], ready["ca_file"]
    outcome = node_apn(1000, 1, at=ready["address"].rpartition(":")[2])
    total = outcome["sent"] + sum(outcome["reasons"].values()) if isinstance(outcome, dict) else outcome
    sent = outcome["sent"] if isinstance(outcome, dict) else outcome
    expect(f"node-apn under {fault}: answers, and one outcome for each notification", (sent, total), (answered, 1000))
    stop(process)
finish()
