#!/usr/bin/env python3
"""pushcert push against servers of others that act as APNs: nghttpd and Node's http2.

    push.py PUSHCERT

Needs openssl, nghttpd and node.
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import collections

need("openssl", "nghttpd", "node")

TOPIC = "com.example.MyApp"
TOKENS = [f"{n:064x}" for n in range(1, 3001)]
GONE = TOKENS[6]


def certificate(name, subject, *extensions):
    """A certificate that signs itself, beside its key; returns both files."""
    key, leaf = WORK / f"{name}.key", WORK / f"{name}.crt"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", leaf, "-days", "2", "-subj", subject]
    for extension in extensions:
        command += ["-addext", extension]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return key, leaf


server_key, server = certificate("server", "/CN=localhost", "subjectAltName=DNS:localhost")
client_key, client = certificate("client", f"/UID={TOPIC}/CN=Apple Push Services: {TOPIC}")
client_file = WORK / "client.pem"
client_file.write_bytes(client.read_bytes() + client_key.read_bytes())
tokens_file = WORK / "tokens.txt"
tokens_file.write_text("\n".join(TOKENS))


def push(port, *arguments):
    """Sends to a server; returns the exit code, the lines of the tokens and the summary."""
    command = [PUSHCERT, "push", client_file, "--gateway", f"localhost:{port}", "--ca-file", server, "--topic", TOPIC, "--alert",
               "Hello", "--json", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [line for line in lines if "token" in line], lines[-1].get("summary", {}) if lines else done.stderr


# --- Node's http2, which says GOAWAY, refuses streams and lowers its limit ------------------------------

NODE = r"""
const http2 = require('http2'), fs = require('fs'), crypto = require('crypto');
const [key, cert, gone, mode] = process.argv.slice(2);
const accepted = new Map();
let requests = 0;
const server = http2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert), requestCert: true,
  rejectUnauthorized: false, settings: { maxConcurrentStreams: 100 } });
server.on('error', () => {});
server.on('session', session => { session.on('error', () => {}); session.taken = 0; });
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const session = stream.session, token = headers[':path'].replace('/3/device/', '');
  if (!session) return;
  requests += 1;
  if (mode === 'goaway' && session.leaving) return;
  if (mode === 'goaway' && ++session.taken === 400) {
    // The streams after this one are not processed.
    session.leaving = true;
    session.goaway(0, stream.id, Buffer.from('{"reason":"Shutdown"}'));
    setTimeout(() => session.destroy(), 1000);
  }
  if (mode === 'refuse' && requests % 10 === 0) return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  if (mode === 'limit' && requests === 500) session.settings({ maxConcurrentStreams: 1 });
  if (mode === 'limit' && requests === 1000) session.settings({ maxConcurrentStreams: 100 });
  const body = [];
  stream.on('data', data => body.push(data));
  stream.on('end', () => {
    if (stream.destroyed) return;
    if (token === gone) {
      stream.respond({ ':status': 410, 'apns-id': headers['apns-id'].toUpperCase() });
      return stream.end('{"reason":"Unregistered","timestamp":1700000000123}');
    }
    JSON.parse(Buffer.concat(body)).aps.alert;
    accepted.set(token, (accepted.get(token) || 0) + 1);
    stream.respond({ ':status': 200, 'apns-id': headers['apns-id'].toUpperCase() }, { endStream: true });
  });
});
server.listen(0, 'localhost', () => console.log(server.address().port));
process.stdin.on('data', () => {
  console.log(JSON.stringify({ tokens: accepted.size, most: Math.max(0, ...accepted.values()) }));
  process.exit();
});
"""
script = WORK / "apns.js"
script.write_text(NODE)

for mode in ("plain", "goaway", "refuse", "limit"):
    node = subprocess.Popen(["node", script, server_key, server, GONE, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = node.stdout.readline().strip()
    code, lines, summary = push(port, "--tokens", tokens_file)
    counted, _ = node.communicate("end\n", timeout=20)
    outcomes = collections.Counter(line["outcome"] for line in lines)
    name = f"push to Node's http2 ({mode})"
    expect(f"{name}: the exit code", code, 1)
    expect(f"{name}: one outcome a token", sorted(line["token"] for line in lines), TOKENS)
    expect(f"{name}: the outcomes", dict(outcomes), {"accepted": len(TOKENS) - 1, "unregistered": 1})
    expect(f"{name}: what the server took", json.loads(counted), {"tokens": len(TOKENS) - 1, "most": 1})
    expect(f"{name}: the time of a 410", [line["since"] for line in lines if line["outcome"] == "unregistered"], [1700000000123])

# --- nghttpd, which answers with a file ------------------------------------------------------------------

(WORK / "www/3/device").mkdir(parents=True)
(WORK / "www/3/device" / TOKENS[0]).touch()
port = "18444"
nghttpd = subprocess.Popen(["nghttpd", "-d", str(WORK / "www"), "-a", "127.0.0.1", "--verify-client", port, server_key, server],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    repeated = WORK / "repeated.txt"
    repeated.write_text(f"{TOKENS[0]}\n" * 5000 + f"{TOKENS[1]}\n")
    deadline = time.time() + 10
    while time.time() < deadline:
        code, lines, summary = push(port, "--tokens", repeated)
        if code != 5:
            break
    outcomes = collections.Counter((line["outcome"], line["status"]) for line in lines)
    expect("push to nghttpd", dict(outcomes), {("accepted", 200): 5000, ("refused", 404): 1})
    expect("push to nghttpd: the exit code", code, 1)
finally:
    nghttpd.kill()

finish()
