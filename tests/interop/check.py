#!/usr/bin/env python3
"""pushcert check, judged by other people's servers and proxies.

    check.py PUSHCERT

Needs openssl, nghttpd (Debian: nghttp2-server), node, nginx, haproxy, tinyproxy and squid; no network but the loopback.
"""
import sys
sys.dont_write_bytecode = True
from trial import *

need("openssl", "nghttpd", "node", "nginx", "haproxy", "tinyproxy", "squid")
push, expired = client("keychain-password"), client("expired")
key, certificate = server_certificate("server")
authorities = WORK / "authorities.pem"
authorities.write_text("".join(file.read_text() for file in sorted((FIXTURES / "ca").glob("*.pem"))))
stranger = server_certificate("stranger", "stranger")[1]


def at(port): return ("--gateway", f"localhost:{port}", "--ca-file", certificate)


# --- openssl s_server ------------------------------------------------------------------------------

def s_server(*arguments):
    port = free_port()
    process = start("openssl", "s_server", "-accept", port, "-cert", certificate, "-key", key, "-quiet", *arguments)
    wait_for(port, process)
    return process, port


for version in ("tls1_2", "tls1_3"):
    named = {"tls1_2": "TLSv1.2", "tls1_3": "TLSv1.3"}[version]
    process, port = s_server(f"-{version}", "-alpn", "h2", "-Verify", 2, "-CAfile", authorities, "-verify_return_error")
    report, code = check(push, *at(port), "--timeout", "1s")
    expect(f"s_server {named} -Verify: a handshake alone proves nothing", (report["verdict"], report["reason"], code),
           ("unproven", "settings-timeout", 1))
    expect(f"s_server {named} -Verify: version and ALPN", (report["tls"]["version"], report["tls"]["alpn"]), (named, "h2"))
    shown = run("openssl", "s_client", "-connect", f"localhost:{port}", f"-{version}", "-alpn", "h2", input="")
    listed = shown.stdout.split("Acceptable client certificate CA names\n")[1]
    names = [line.replace(" = ", "=") for line in listed.splitlines()[:3]]
    expect(f"s_server {named} -Verify: the authorities asked for are those that s_client shows",
           report["tls"]["requested_cas"], names)
    stage = "tls" if version == "tls1_2" else "http2"
    expect(f"s_server {named} -Verify: expired", verdict(expired, *at(port)), ("rejected", "certificate_expired", stage, 1))
    stop(process)

    process, port = s_server(f"-{version}", "-alpn", "h2", "-Verify", 2, "-CAfile", stranger, "-verify_return_error")
    expect(f"s_server {named} -Verify: issuer unknown", verdict(push, *at(port)), ("rejected", "unknown_ca", stage, 1))
    stop(process)

    process, port = s_server(f"-{version}", "-alpn", "h2")
    report, code = check(push, *at(port), "--timeout", "1s")
    expect(f"s_server {named} without -Verify", (report["verdict"], report["tls"]["requested_cas"], code), ("unproven", None, 1))
    stop(process)

    process, port = s_server(f"-{version}", "-alpn", "http/1.1", "-Verify", 2)
    expect(f"s_server {named} -alpn http/1.1", verdict(push, *at(port)), ("unreachable", "no_application_protocol", "tls", 5))
    stop(process)

    process, port = s_server(f"-{version}", "-Verify", 2)
    expect(f"s_server {named} without ALPN", verdict(push, *at(port)), ("unreachable", "no-http2", "tls", 5))
    stop(process)

process, port = s_server("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-alpn", "h2")
expect("s_server TLS 1.1", verdict(push, *at(port))[::3], ("unreachable", 5))
stop(process)
process, port = s_server("-alpn", "h2")
expect("s_server that nobody vouches for", verdict(push, "--gateway", f"localhost:{port}"),
       ("unreachable", "unknown-authority", "tls", 5))
expect("s_server under another name", verdict(push, "--gateway", f"127.0.0.1:{port}", "--ca-file", certificate),
       ("unreachable", "server-name-mismatch", "tls", 5))
stop(process)


# --- nghttpd -----------------------------------------------------------------------------------------

for arguments, what in (((), "without"), (("--verify-client",), "with")):
    port = free_port()
    process = start("nghttpd", *arguments, "--address=127.0.0.1", port, key, certificate)
    wait_for(port, process)
    report, code = check(push, *at(port))
    reason = "not-apns"
    expect(f"nghttpd {what} client certificates is not APNs", (report["verdict"], report["reason"], code), ("unproven", reason, 1))
    expect(f"nghttpd {what} client certificates: SETTINGS", report["http2"]["settings"]["max_concurrent_streams"], 100)
    expect(f"nghttpd {what} client certificates: answer", report["probe"]["status"], 404)
    expect(f"nghttpd {what} client certificates: asked", report["tls"]["requested_cas"] is not None, bool(arguments))
    report, code = check(push, *at(port), "--no-probe")
    expect(f"nghttpd {what} client certificates, --no-probe", (report["verdict"], code),
           ("unproven", 1))
    stop(process)


# --- Node's http2 server -----------------------------------------------------------------------------

SERVER = r"""
const http2 = require('http2'), fs = require('fs');
const [port, key, cert, ca, mode, options] = process.argv.slice(2);
const server = http2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert), ca: fs.readFileSync(ca),
  requestCert: true, rejectUnauthorized: true, ...JSON.parse(options) });
const answer = (stream, status, headers, body) => { stream.respond({ ':status': status, ...headers }); stream.end(body); };
if (mode === 'goaway') server.on('session', session =>
  session.goaway(0, 0, Buffer.from('{"reason":"BadCertificateEnvironment"}')));
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  let size = 0;
  stream.on('data', data => size += data.length);
  stream.on('end', () => {
    const id = { 'apns-id': '5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11' };
    const isRight = headers[':method'] === 'POST' && /^\/3\/device\/[0-9a-f]{64}$/.test(headers[':path'])
      && headers['apns-topic'] === 'com.example.MyApp' && headers['apns-push-type'] === 'alert' && size > 0;
    const subject = stream.session.socket.getPeerCertificate().subject || {};
    if (!isRight || (mode === 'apns' && subject.UID !== 'com.example.MyApp')) answer(stream, 500, id, '{"reason":"InternalServerError"}');
    else if (mode === 'sent') answer(stream, 200, id, '');
    else if (mode === 'web') answer(stream, 200, {}, 'hello');
    else if (mode === 'endless') { stream.respond({ ':status': 400, ...id }); stream.write('{"reason":"BadDeviceToken"}' + ' '.repeat(1e5)); }
    else if (mode === 'reset') stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else answer(stream, 400, id, '{"reason":"BadDeviceToken"}');
  });
});
server.listen(port, '127.0.0.1');
"""
script = WORK / "server.js"
script.write_text(SERVER)


def node(mode, options="{}", ca=authorities):
    port = free_port()
    process = start("node", script, port, key, certificate, ca, mode, options)
    wait_for(port, process)
    return process, port


for version in ("TLSv1.2", "TLSv1.3"):
    for mode, wanted in (
        ("apns", ("accepted", "BadDeviceToken", "probe", 0)),
        ("sent", ("accepted", None, "probe", 0)),
        ("web", ("unproven", "not-apns", "probe", 1)),
        ("endless", ("unproven", "not-apns", "probe", 1)),
        ("reset", ("unproven", "reset", "probe", 1)),
        ("goaway", ("rejected", "BadCertificateEnvironment", "http2", 1)),
    ):
        process, port = node(mode, f'{{"minVersion":"{version}","maxVersion":"{version}"}}')
        expect(f"Node {version}, {mode}", verdict(push, *at(port)), wanted)
        stop(process)
    process, port = node("apns", f'{{"minVersion":"{version}","maxVersion":"{version}"}}', stranger)
    expect(f"Node {version}, issuer unknown: not accepted", verdict(push, *at(port))[::3], ("unproven", 1))
    stop(process)
process, port = node("apns", '{"requestCert":false}')
expect("Node that asks for no certificate", verdict(push, *at(port))[0], "unproven")
stop(process)


# --- nginx and haproxy -------------------------------------------------------------------------------

# Both answer as APNs does, once they have verified the client's certificate.
ID, BODY = "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11", '{"reason":"BadDeviceToken"}'
pair = WORK / "server.pem"
pair.write_text(certificate.read_text() + key.read_text())


def nginx(version, verify, ca=authorities, more=""):
    port, config = free_port(), WORK / "nginx.conf"
    folders = "".join(f"{name}_temp_path {WORK}/{name};" for name in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config.write_text(f"""daemon off; master_process off; pid {WORK}/nginx.pid; error_log stderr;
events {{}}
http {{ access_log off; {folders}
  server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};
    ssl_protocols {version}; ssl_verify_client {verify}; ssl_client_certificate {ca}; ssl_verify_depth 4; {more}
    location / {{ default_type application/json; add_header apns-id {ID} always; return 400 '{BODY}'; }} }} }}
""")
    process = start("nginx", "-c", config, "-e", "stderr")
    wait_for(port, process)
    return process, port


def haproxy(version, verify, ca=authorities):
    port, config = free_port(), WORK / "haproxy.cfg"
    config.write_text(f"""defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend apns
  bind 127.0.0.1:{port} ssl crt {pair} alpn h2 ssl-min-ver {version} ssl-max-ver {version} ca-file {ca} verify {verify}
  http-request return status 400 content-type application/json string '{BODY}' hdr apns-id {ID}
""")
    process = start("haproxy", "-db", "-f", config)
    wait_for(port, process)
    return process, port


# A client without a certificate: it has a provider token.
p8 = WORK / "key.p8"
run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", p8)
NO_CERTIFICATE = (f"--p8={p8}", "--key-id", "ABC123DEFG", "--team-id", "TEAMID1234", "--topic", "com.example.MyApp")

accepted = ("accepted", "BadDeviceToken", "probe", 0)
unasked = ("unproven", "no-certificate-requested", "probe", 1)
for version in ("TLSv1.2", "TLSv1.3"):
    # nginx completes every handshake, and refuses a certificate with an HTML page, which is no word of APNs.
    not_apns = ("unproven", "not-apns", "probe", 1)
    for what, file, verify, ca, wanted in (
        ("accepted", push, "on", authorities, accepted),
        ("missing: none is asked for", push, "off", authorities, unasked),
        ("foreign", push, "on", stranger, not_apns),
        ("expired", expired, "on", authorities, not_apns),
        ("foreign, and optional", push, "optional", stranger, not_apns),
    ):
        process, port = nginx(version, verify, ca)
        expect(f"nginx {version}, ssl_verify_client {verify}, {what}", verdict(file, *at(port)), wanted)
        stop(process)
    process, port = nginx(version, "on")
    expect(f"nginx {version}, ssl_verify_client on, no certificate", verdict(*NO_CERTIFICATE, *at(port)), not_apns)
    stop(process)
    # It asks for a certificate and takes no RSA signature: OpenSSL sends none, and the answer is about nobody.
    process, port = nginx(version, "optional", authorities, "ssl_conf_command ClientSignatureAlgorithms ECDSA+SHA256;")
    expect(f"nginx {version}, takes no RSA signature", verdict(push, *at(port)),
           ("unproven", "certificate-not-sent", "probe", 1))
    stop(process)
    stage = "tls" if version == "TLSv1.2" else "http2"
    for what, file, verify, ca, wanted in (
        ("accepted", push, "required", authorities, accepted),
        ("missing: none is asked for", push, "none", authorities, unasked),
        ("foreign", push, "required", stranger, ("rejected", "unknown_ca", stage, 1)),
        ("expired", expired, "required", authorities, ("rejected", "certificate_expired", stage, 1)),
        ("foreign, and optional", push, "optional", stranger, ("rejected", "unknown_ca", stage, 1)),
    ):
        process, port = haproxy(version, verify, ca)
        expect(f"haproxy {version}, verify {verify}, {what}", verdict(file, *at(port)), wanted)
        if what == "expired":
            found = check(file, *at(port), "--expect", "rejected:certificate_expired")
            expect(f"haproxy {version}, verify {verify}, expired as expected", (found[0]["is_expected"], found[1]), (True, 0))
        stop(process)
    process, port = haproxy(version, "required")
    alert = "handshake_failure" if version == "TLSv1.2" else "certificate_required"
    expect(f"haproxy {version}, verify required, no certificate", verdict(*NO_CERTIFICATE, *at(port)), ("unproven", alert, stage, 1))
    stop(process)
process, port = haproxy("TLSv1.3", "required")
expect("haproxy, a certificate without its key", verdict(FIXTURES / "der" / "universal.cer", *at(port)),
       ("unproven", "key-missing", "identity", 1))
stop(process)


# --- tinyproxy and squid -----------------------------------------------------------------------------

service, ready = gateway()
host, gateway_port = ready["address"].split(":")
own = (ready["client_file"], "--gateway", f"localhost:{gateway_port}", "--ca-file", ready["ca_file"])


def tinyproxy(*lines):
    port, config = free_port(), WORK / "tinyproxy.conf"
    config.write_text("\n".join([f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "Allow 127.0.0.1", *lines, ""]))
    process = start("tinyproxy", "-d", "-c", config)
    wait_for(port, process)
    return process, port


def squid(*lines):
    port, config = free_port(), WORK / "squid.conf"
    pid = WORK / f"squid-{port}.pid"
    config.write_text("\n".join([f"http_port 127.0.0.1:{port}", "cache deny all", "access_log none", f"pid_filename {pid}",
                                 "cache_log /dev/null", "shutdown_lifetime 1 seconds", "pinger_enable off",
                                 "acl here src 127.0.0.1", *lines, "http_access deny all", ""]))
    process = start("squid", "-N", "-f", config)
    wait_for(port, process)
    return process, port


def through(what, port, credentials, wanted, quoted=""):
    report, code = check(*own, "--proxy", f"http://{credentials}127.0.0.1:{port}")
    detail = next((stage["detail"] for stage in report["stages"] if stage["stage"] == "proxy"), "")
    expect(what, (report["verdict"], code), wanted)
    if quoted:
        expect(f"{what}: its words", quoted in detail or detail, True)


refused = ("unreachable", 5)
process, port = tinyproxy()
through("tinyproxy", port, "", ("accepted", 0))
stop(process)
process, port = tinyproxy("BasicAuth user secret")
through("tinyproxy with authentication", port, "user:secret@", ("accepted", 0))
through("tinyproxy without credentials", port, "", refused, '"407 Proxy Authentication Required"')
through("tinyproxy with wrong credentials", port, "user:wrong@", refused, '"40')
stop(process)
process, port = tinyproxy("ConnectPort 443")
through("tinyproxy that does not lead there", port, "", refused, '"403 Access violation"')
stop(process)
process, port = squid("http_access allow here")
through("squid", port, "", ("accepted", 0))
stop(process)
passwords = WORK / "passwords"
passwords.write_text("user:" + openssl("passwd", "-apr1", "secret"))
passwords.chmod(0o644)
process, port = squid(f"auth_param basic program /usr/lib/squid/basic_ncsa_auth {passwords}", "auth_param basic realm here",
                      "acl known proxy_auth REQUIRED", "http_access allow known")
through("squid with authentication", port, "user:secret@", ("accepted", 0))
through("squid without credentials", port, "", refused, '"407 Proxy Authentication Required" and asks for Basic realm="here"')
through("squid with wrong credentials", port, "user:wrong@", refused, '"407')
stop(process)
process, port = squid()
through("squid that refuses", port, "", refused, '"403 Forbidden"')
stop(process)


# --- openssl ocsp ------------------------------------------------------------------------------------

ca_key, ca = WORK / "ca.key", WORK / "ca.crt"
openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca_key, "-out", ca, "-days", 2, "-subj", "/CN=issuer")
index, responder_port = WORK / "index.txt", free_port()
lines = []
for serial, status in ((0x11, "V"), (0x12, "R"), (0x13, None)):
    leaf, leaf_key, extensions = WORK / f"{serial}.crt", WORK / f"{serial}.key", WORK / f"{serial}.ext"
    extensions.write_text(f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{responder_port}/\n")
    request = WORK / f"{serial}.csr"
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", leaf_key, "-out", request, "-subj", f"/CN=leaf {serial}")
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-set_serial", serial, "-days", 1,
            "-extfile", extensions, "-out", leaf)
    (WORK / f"{serial}.pem").write_text(leaf.read_text() + ca.read_text() + leaf_key.read_text())
    if status:
        lines.append(f"{status}\t301231235959Z\t{'200101000000Z' if status == 'R' else ''}\t{serial:X}\tunknown\t/CN=leaf {serial}\n")
index.write_text("".join(lines))


def ask_ocsp(serials, *arguments):
    process = start("openssl", "ocsp", "-index", index, "-port", responder_port, "-rsigner", ca, "-rkey", ca_key, "-CA", ca, *arguments)
    # A connection without a request, as wait_for makes one, would stop this responder.
    wait_for_word("waiting for OCSP client connections", process)
    for serial, word in serials:
        report, _ = check(WORK / f"{serial}.pem", "--revocation", *own[1:])
        detail = next(stage["detail"] for stage in report["stages"] if stage["stage"] == "revocation")
        expect(f"openssl ocsp {' '.join(arguments)}: {word}", detail.replace(":", ",").split(",")[0], word)
    stop(process)


ask_ocsp(((0x11, "good"), (0x12, "revoked"), (0x13, "unknown")), "-nmin", "60")
# Without nextUpdate.
ask_ocsp(((0x11, "unknown"),))
stop(service)
finish()
