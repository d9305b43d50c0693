#!/usr/bin/env python3
"""Provider tokens that other people's software signs, as pushcert gateway judges them: cryptography with curl, and
jsonwebtoken inside of @parse/node-apn, which sends 20,000 notifications on one connection and on several.

    provider_token.py PUSHCERT NODE_MODULES

Needs curl with HTTP/2, node, and cryptography in this Python.
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import base64

try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils
except ImportError as error:
    sys.exit(f"FAIL  missing: {error.name} (pip install cryptography)")
need("curl", "node")

KEY_ID, TEAM_ID, TOPIC = "ABC123DEFG", "TEAMID1234", "com.example.MyApp"
COUNT, BATCH = 20_000, 5_000
key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
private, public, traditional = WORK / f"AuthKey_{KEY_ID}.p8", WORK / "public.pem", WORK / "sec1.pem"
PEM = serialization.Encoding.PEM
private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
traditional.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()))
public.write_bytes(key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
devices = WORK / "devices.txt"
devices.write_text("".join(f"{number:064x}\n" for number in range(COUNT)))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bearer(signer=key, age=0, algorithm="ES256", key_id=KEY_ID, team_id=TEAM_ID):
    header, claims = {"alg": algorithm, "kid": key_id}, {"iss": team_id, "iat": int(time.time()) - age}
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    r, s = utils.decode_dss_signature(signer.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"bearer {signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def curl(port, ca, authorization):
    headers = ("-H", f"authorization: {authorization}") if authorization else ()
    result = run("curl", "-sS", "--http2", "--max-time", 10, "--cacert", ca, "-w", "\n%{http_code}", "-d", '{"aps":{}}', *headers,
                 "-H", f"apns-topic: {TOPIC}", f"https://localhost:{port}/3/device/{1:064x}")
    body, _, status = result.stdout.rpartition("\n")
    return status, json.loads(body).get("reason") if body else None


for file in (private, public, traditional):
    service, told = gateway("--tokens", devices, "--p8-key", f"{KEY_ID}:{TEAM_ID}:{file}")
    port = told["address"].split(":")[1]
    for what, authorization, wanted in (
        ("a valid token", bearer(), ("200", None)),
        ("no token", None, ("403", "MissingProviderToken")),
        ("another key", bearer(other), ("403", "InvalidProviderToken")),
        ("another algorithm", bearer(algorithm="ES384"), ("403", "InvalidProviderToken")),
        ("key ID and Team ID swapped", bearer(key_id=TEAM_ID, team_id=KEY_ID), ("403", "InvalidProviderToken")),
        ("an old token", bearer(age=3700), ("403", "ExpiredProviderToken")),
    ):
        expect(f"cryptography and curl, {file.name}: {what}", curl(port, told["ca_file"], authorization), wanted)
    stop(service)

PROVIDER = r"""
const apn = require('@parse/node-apn');
const [port, ca, key, keyId, teamId, topic, count, batch, clientCount] = process.argv.slice(2);
const Kind = Number(clientCount) > 1 ? apn.MultiProvider : apn.Provider;
const provider = new Kind({ token: { key, keyId, teamId }, ca: [require('fs').readFileSync(ca)], address: 'localhost',
  port: Number(port), production: false, requestTimeout: 60000, clientCount: Number(clientCount) });
const note = new apn.Notification({ alert: 'hi', topic, pushType: 'alert' });
(async () => {
  let sent = 0;
  const failures = {};
  // In batches: Node.js itself gives up when more than 10 MB of requests wait (maxSessionMemory), with any server.
  for (let first = 0; first < Number(count); first += Number(batch)) {
    const tokens = [];
    for (let n = first; n < first + Number(batch); n++) tokens.push(n.toString(16).padStart(64, '0'));
    const result = await provider.send(note, tokens);
    sent += result.sent.length;
    for (const f of result.failed) {
      const why = f.response ? f.response.reason : String(f.error && f.error.message);
      failures[why] = (failures[why] || 0) + 1;
    }
  }
  console.log(JSON.stringify({ sent, failures }));
  await provider.shutdown();
  process.exit(0);
})();
"""
script = WORK / "provider.js"
script.write_text(PROVIDER)
service, told = gateway("--tokens", devices, "--p8-key", f"{KEY_ID}:{TEAM_ID}:{public}")
for connections in (1, 4):
    result = run("node", script, told["address"].split(":")[1], told["ca_file"], private, KEY_ID, TEAM_ID, TOPIC, COUNT, BATCH,
                 connections, env={**os.environ, "NODE_PATH": str(Path(sys.argv[2]).resolve())}, timeout=200)
    found = json.loads(result.stdout.splitlines()[-1]) if result.stdout.strip() else result.stderr
    expect(f"node-apn with jsonwebtoken: {COUNT} notifications on {connections} connections", found, {"sent": COUNT, "failures": {}})
finish()
