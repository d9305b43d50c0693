#!/usr/bin/env python3
"""`pushcert push` beside the libraries that people send with, against one `pushcert gateway`: notifications a second.

    providers.py PUSHCERT NODE_MODULES [ROUNDS]

@parse/node-apn, aioapns and the crate a2 send the same alert with the same certificate to 100,000 devices, in turn, on
the cores that the gateway runs on too. The rate is that of the whole process, its start included. The aim is 8 times the
rate of node-apn, and more than a2's and aioapns'. Fails when push misses it, or where an answer is not 200. Needs cargo,
node with @parse/node-apn in NODE_MODULES, and aioapns in this Python.

a2 knows Apple's hosts and the public authorities alone: its copy for this run gets the address and the authority of the gateway.
"""
import json, os, re, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path

PUSHCERT, NODE_MODULES = map(os.path.abspath, sys.argv[1:3])
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
COUNT = 100_000
AIM = 8
TOPIC = "com.example.MyApp"

NODE = r"""
const [port, pem, ca, topic, count] = process.argv.slice(2);
const http2 = require('http2'), connect = http2.connect;
http2.connect = (url, options, ...rest) => connect(url, { ...options, maxSessionMemory: 1000 }, ...rest);
const apn = require('@parse/node-apn');
const provider = new apn.Provider({ cert: pem, key: pem, ca: [require('fs').readFileSync(ca)], address: 'localhost',
  port: Number(port), production: true, requestTimeout: 120000 });
const note = new apn.Notification({ alert: 'hi', topic, pushType: 'alert' });
const tokens = Array.from({ length: Number(count) }, (_, n) => n.toString(16).padStart(64, '0'));
provider.send(note, tokens).then(async result => { console.log(result.sent.length); await provider.shutdown(); process.exit(0); });
"""

AIOAPNS = r"""
import asyncio, logging, ssl, sys
import aioapns
from aioapns.connection import APNsProductionClientProtocol
port, pem, ca, topic, count = sys.argv[1:]
logging.getLogger("aioapns").setLevel(logging.CRITICAL)
APNsProductionClientProtocol.APNS_SERVER, APNsProductionClientProtocol.APNS_PORT = "localhost", int(port)

async def main():
    apns = aioapns.APNs(client_cert=pem, topic=topic, ssl_context=ssl.create_default_context(cafile=ca), max_connections=1)
    waiting, sent = asyncio.Semaphore(1000), 0

    async def send(number):
        nonlocal sent
        async with waiting:
            request = aioapns.NotificationRequest(device_token=f"{number:064x}", message={"aps": {"alert": "hi"}})
            result = await apns.send_notification(request)
            sent += result.is_successful
    await asyncio.gather(*(send(number) for number in range(int(count))))
    print(sent)

asyncio.run(main())
"""

A2 = r"""
use a2::{Client, ClientConfig, DefaultNotificationBuilder, NotificationBuilder, NotificationOptions};
use futures::{StreamExt, stream};

#[tokio::main]
async fn main() {
    let [pem, topic, count] = std::env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let pem = std::fs::read(pem).unwrap();
    let client = Client::certificate_parts(&pem, &pem, ClientConfig::default()).unwrap();
    let (client, topic) = (&client, topic.as_str());
    let answers = stream::iter(0..count.parse::<u64>().unwrap()).map(|number| async move {
        let token = format!("{number:064x}");
        let options = NotificationOptions { apns_topic: Some(topic), ..Default::default() };
        client.send(DefaultNotificationBuilder::new().set_body("hi").build(&token, options)).await.is_ok()
    });
    println!("{}", answers.buffer_unordered(1000).filter(|is_ok| std::future::ready(*is_ok)).count().await);
}
"""

A2_TRUST = r"""
fn gateway_root() -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(std::env::var("GATEWAY_CA").unwrap()).unwrap();
    for certificate in rustls_pemfile::certs(&mut pem.as_slice()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    roots
}
"""


def build_a2(work):
    """Builds the program above with a copy of a2 that reaches the gateway; returns its path."""
    folder = work / "a2bench"
    folder.mkdir()

    def cargo(*arguments):
        return subprocess.run(["cargo", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout

    cargo("init", "--quiet", "--vcs", "none")
    with open(folder / "Cargo.toml", "a") as file:
        file.write('a2 = "=0.10.0"\nfutures = "0.3"\ntokio = { version = "1", features = ["macros", "rt-multi-thread"] }\n')
    [manifest] = [package["manifest_path"] for package in json.loads(cargo("metadata", "--format-version", "1"))["packages"]
                  if package["name"] == "a2"]
    shutil.copytree(Path(manifest).parent, folder / "a2")
    client = folder / "a2/src/client.rs"
    text = client.read_text()
    changes = (
        ('let host = match self {', 'let gateway = std::env::var("GATEWAY").unwrap();\n        let host = match self {'),
        ('Endpoint::Production => "api.push.apple.com"', 'Endpoint::Production => gateway.as_str()'),
        ("rustls::client::ClientConfig::builder()\n        .with_webpki_roots()",
         "rustls::client::ClientConfig::builder().with_root_certificates(gateway_root())"),
    )
    for old, new in changes:
        if text.count(old) != 1:
            sys.exit(f"FAIL  a2 is not what it was: {old!r}")
        text = text.replace(old, new)
    client.write_text(text + A2_TRUST)
    (folder / "src/main.rs").write_text(A2)
    with open(folder / "Cargo.toml", "a") as file:
        file.write('\n[patch.crates-io]\na2 = { path = "a2" }\n\n[workspace]\nexclude = ["a2"]\n')
    cargo("build", "--quiet", "--release", "--config", "build.rustflags='--cap-lints=allow'")
    return folder / "target/release/a2bench"


def main():
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tokens, devices = work / "tokens", work / "devices"
        tokens.write_text("".join(f"{number:064x}\n" for number in range(COUNT)))
        devices.write_text("".join(f"{number:064x} known\n" for number in range(COUNT)))
        (work / "provider.js").write_text(NODE)
        (work / "provider.py").write_text(AIOAPNS)
        a2 = build_a2(work)
        gateway = subprocess.Popen([PUSHCERT, "gateway", "--tokens", str(devices)], stdout=subprocess.PIPE, text=True)
        try:
            ready = json.loads(gateway.stdout.readline())
            port, pem, ca = ready["address"].rpartition(":")[2], ready["client_file"], ready["ca_file"]
            environment = {**os.environ, "NODE_PATH": NODE_MODULES, "GATEWAY": f"localhost:{port}", "GATEWAY_CA": ca}
            common = [port, pem, ca, TOPIC, COUNT]
            senders = {
                "push": [PUSHCERT, "push", pem, "--environment", "production", "--topic", TOPIC, "--gateway", f"localhost:{port}",
                         "--ca-file", ca, "--alert", "hi", "--tokens", tokens],
                "node-apn": ["node", work / "provider.js", *common],
                "aioapns": [sys.executable, work / "provider.py", *common],
                "a2": [a2, pem, TOPIC, COUNT],
            }
            rates = {sender: [] for sender in senders}
            for _ in range(ROUNDS):
                for sender, command in senders.items():
                    start = time.perf_counter()
                    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=600)
                    seconds = time.perf_counter() - start
                    is_whole = re.search(rf"\b{COUNT}\b", done.stdout.replace(",", ""))
                    if done.returncode != 0 or not is_whole:
                        sys.exit(f"FAIL  {sender}: not every notification was accepted\n{done.stdout}{done.stderr}")
                    rates[sender].append(COUNT / seconds)
        finally:
            gateway.terminate()
            gateway.wait()
    ratios = {}
    for sender, found in rates.items():
        ratios[sender] = statistics.median(own / other for own, other in zip(rates["push"], found))
        print(f"{sender:9} {statistics.median(found):9,.0f} a second; push is {ratios[sender]:.1f} times as fast (median of {ROUNDS})")
    if ratios["node-apn"] < AIM or min(ratios["a2"], ratios["aioapns"]) < 1:
        sys.exit(f"FAIL  the aim is {AIM} times node-apn, and ahead of the others")


main()
