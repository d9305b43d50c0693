#!/usr/bin/env python3
"""Error messages of other programs, made by these programs themselves, go through `pushcert explain`, and its advice helps.

    messages.py PUSHCERT

Needs openssl 3, curl with HTTP/2, node, php, java and, as root, setpriv.
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import shutil, socket, ssl

need("openssl", "curl", "node", "php", "java", "keytool")
if os.geteuid() == 0:
    need("setpriv")
KEYCHAIN, PASSWORD = FIXTURES / "p12/keychain.p12", FIXTURES / "p12/keychain-password.p12"
os.chdir(WORK)


def pushcert(*arguments):
    done = run(PUSHCERT, *arguments)
    if done.returncode != 0:
        print(done.stdout + done.stderr)
    return done.returncode


def explained(text):
    """The message that comes first of those that pushcert finds in a text."""
    done = run(PUSHCERT, "explain", "-", "--json", input=text)
    found = json.loads(done.stdout)
    return found["messages"][0]["text"] if "messages" in found else f"nothing in: {text[:600]}"


def case(name, failing, wanted, mended):
    """A command fails, its message has a row, and after the row's advice the mended command ends well."""
    done = run(*failing)
    expect(f"{name}: it fails", done.returncode != 0, True)
    expect(f"{name}: explained", explained(done.stdout + done.stderr), wanted)
    if mended is not None:
        done = run(*mended)
        expect(f"{name}: it works after the advice", (done.returncode, done.stderr[:200] if done.returncode else ""), (0, ""))


# What the advice makes: the PEM of an export, and a certificate from the portal with its key.
expect("convert", pushcert("convert", KEYCHAIN, "-o", "push.pem"), 0)
expect("pack", pushcert("pack", "push.pem", "--passout", "pass:changeit", "--for", "java", "-o", "push.p12"), 0)
run("openssl", "x509", "-in", "push.pem", "-outform", "DER", "-out", "aps.cer")
run("openssl", "pkey", "-in", "push.pem", "-out", "push.key")
run("openssl", "genrsa", "-out", "other.key", "2048")
expect("join", pushcert("convert", "aps.cer", "--key", "push.key", "-o", "joined.pem"), 0)
Path("mixed.pem").write_bytes(Path("other.key").read_bytes() + run("openssl", "x509", "-in", "push.pem").stdout.encode())

# --- openssl ---------------------------------------------------------------------------------------------

RC2 = "digital envelope routines:inner_evp_generic_fetch:unsupported"
case("openssl pkcs12 and a Keychain export", ["openssl", "pkcs12", "-in", KEYCHAIN, "-nodes", "-clcerts", "-passin", "pass:"], RC2,
     ["openssl", "x509", "-in", "push.pem", "-noout"])
case("openssl pkcs12 and a wrong password", ["openssl", "pkcs12", "-legacy", "-in", PASSWORD, "-nodes", "-passin", "pass:wrong"],
     "Mac verify error: invalid password?", ["openssl", "pkcs12", "-legacy", "-in", PASSWORD, "-nodes", "-passin", "pass:push"])
case("openssl pkcs12 and a PEM", ["openssl", "pkcs12", "-in", "push.pem", "-nodes", "-passin", "pass:"],
     "asn1_check_tlen:wrong tag … Type=PKCS12", ["openssl", "x509", "-in", "push.pem", "-noout"])
case("openssl pkcs12 and a .cer", ["openssl", "pkcs12", "-in", "aps.cer", "-nodes", "-passin", "pass:"],
     "asn1_check_tlen:wrong tag … Type=PKCS12", ["openssl", "x509", "-in", "joined.pem", "-noout"])
case("openssl rsa and a certificate", ["openssl", "rsa", "-in", "aps.cer", "-noout"], "Could not read private key from",
     ["openssl", "rsa", "-in", "joined.pem", "-noout"])
case("openssl pkcs12 -export and a foreign key",
     ["openssl", "pkcs12", "-export", "-in", "push.pem", "-inkey", "other.key", "-passout", "pass:x", "-out", "x.p12"],
     "X509_check_private_key:key values mismatch",  # beside "No cert in -in file matches private key"
     ["openssl", "pkcs12", "-export", "-in", "push.pem", "-inkey", "push.key", "-passout", "pass:x", "-out", "x.p12"])

case("openssl x509 -inform DER and a PEM", ["openssl", "x509", "-inform", "DER", "-in", "push.pem", "-noout"],
     "Could not read certificate from", ["openssl", "x509", "-in", "push.pem", "-noout"])
case("openssl pkcs12 -export and a key alone",
     ["openssl", "pkcs12", "-export", "-in", "push.key", "-passout", "pass:x", "-out", "x.p12"], "Could not read certificate from",
     ["openssl", "pkcs12", "-export", "-in", "push.pem", "-passout", "pass:x", "-out", "x.p12"])

# --- clients that connect ---------------------------------------------------------------------------------

process, ready = gateway("--topic", "com.example.MyApp")
port = ready["address"].rpartition(":")[2]
expect("a certificate of the gateway", pushcert("convert", ready["client_file"], "-o", "client.pem"), 0)
expect("a .p12 of it", pushcert("pack", "client.pem", "--passout", "pass:push", "-o", "client.p12"), 0)
Path("client.key").write_text(run("openssl", "pkey", "-in", "client.pem").stdout)
Path("client.crt").write_text(run("openssl", "x509", "-in", "client.pem").stdout)
GOOD = ["curl", "--silent", "--show-error", "--http2", "--cacert", ready["ca_file"], f"https://localhost:{port}/"]
case("curl and DER given as PEM", [*GOOD, "--cert", "aps.cer"], "could not load PEM client certificate … no start line",
     [*GOOD, "--cert", "client.pem"])
case("curl and a key of another certificate", [*GOOD, "--cert", "client.crt", "--key", "other.key"], "unable to set private key file",
     [*GOOD, "--cert", "client.pem"])
case("curl and a certificate without its key", [*GOOD, "--cert", "client.crt"], "unable to set private key file",
     [*GOOD, "--cert", "client.pem"])
case("curl and a Keychain export", [*GOOD, "--cert-type", "P12", "--cert", f"{KEYCHAIN}:"],
     "could not parse PKCS12 file, check password … unsupported", [*GOOD, "--cert", "client.pem"])
# The name of a server of Apple's, which leads to this machine: what is said of it does not depend on a network.
APPLE = ["curl", "--silent", "--show-error", "--max-time", "10", "--connect-to", "api.push.apple.com:443:localhost:"]
nobody = socket.create_server(("localhost", 0))
closed = nobody.getsockname()[1]
nobody.close()
case("curl and a name that leads nowhere", [*APPLE[:-2], "https://api.push.apple.com.invalid/"], "Could not resolve host",
     [*GOOD, "--cert", "client.pem"])
done = run(*APPLE[:-1], f"api.push.apple.com:443:localhost:{closed}", "https://api.push.apple.com/")
expect("curl and a port that nobody listens at", (done.returncode, explained(f"api.push.apple.com: {done.stderr}")),
       (7, "Failed to connect to"))

NODE = "const tls=require('tls'),fs=require('fs');const read=name=>fs.readFileSync(name);"


def node(script):
    return ["node", "-e", NODE + script]


case("node and a Keychain export", node(f"tls.createSecureContext({{pfx:read({str(KEYCHAIN)!r}),passphrase:''}})"),
     "Unsupported PKCS12 PFX data", node("tls.createSecureContext({cert:read('client.pem'),key:read('client.pem')})"))
case("node and a wrong password", node("tls.createSecureContext({pfx:read('push.p12'),passphrase:'wrong'})"), "mac verify failure",
     node("tls.createSecureContext({pfx:read('push.p12'),passphrase:'changeit'})"))
case("node and a pfx that is no file", node("tls.createSecureContext({pfx:false})"), "Unable to load PFX certificate",
     node("tls.createSecureContext({pfx:read('push.p12'),passphrase:'changeit'})"))
case("node and a .p12 as PEM", node("tls.createSecureContext({cert:read('push.p12'),key:read('push.p12')})"), "PEM routines::no start line",
     node("tls.createSecureContext({cert:read('client.pem'),key:read('client.pem')})"))
case("node and a foreign key", node("tls.createSecureContext({cert:read('client.crt'),key:read('other.key')})"),
     "X509_check_private_key:key values mismatch", node("tls.createSecureContext({cert:read('client.crt'),key:read('client.key')})"))
case("node and a PEM with a damaged line", node("tls.createSecureContext({cert:String(read('client.crt')).replace(/\\nMI/,'\\n!!')})"),
     "bad base64 decode", node("tls.createSecureContext({cert:read('client.crt')})"))
case("node and a PEM without its end", node("tls.createSecureContext({cert:String(read('client.crt')).replace('END CERTIFICATE-----','END')})"),
     "bad base64 decode", node("tls.createSecureContext({cert:read('client.crt')})"))
case("node and a name that leads nowhere", node("require('net').connect(443,'api.push.apple.com.invalid')"), "Could not resolve host", None)
case("node and a port that nobody listens at",
     node(f"console.error('api.push.apple.com');require('net').connect({closed},'127.0.0.1')"), "Failed to connect to", None)
run("openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "short.key", "-out", "short.crt", "-subj", "/CN=short", "-days", "2")
case("node and a short key", node("process.on('uncaughtException',e=>{console.error('apns: '+e);process.exit(1)});"
                                  "tls.createSecureContext({cert:read('short.crt'),key:read('short.key'),ciphers:'DEFAULT@SECLEVEL=2'})"),
     "ee key too small", node("tls.createSecureContext({cert:read('client.crt'),key:read('client.key')})"))


def python(name):
    return [sys.executable, "-c", f"import ssl; ssl.create_default_context().load_cert_chain({name!r})"]


case("python and a certificate without its key", python("client.crt"), "[SSL] PEM lib", python("client.pem"))
case("python and a .p12", python("push.p12"), "[SSL] PEM lib", python("client.pem"))
case("python and a key of another certificate",
     [sys.executable, "-c", "import ssl; ssl.create_default_context().load_cert_chain('client.crt', 'other.key')"],
     "X509_check_private_key:key values mismatch", python("client.pem"))


def php(cert, ca_file=ready["ca_file"]):
    code = f"""$c=stream_context_create(['ssl'=>['local_cert'=>'{cert}','cafile'=>'{ca_file}']]);
    $f=stream_socket_client('ssl://localhost:{port}',$e,$m,5,STREAM_CLIENT_CONNECT,$c); exit($f?0:1);"""
    return ["php", "-d", "display_errors=stderr", "-r", code]


case("php and a certificate without its key", php("client.crt"), "stream_socket_client(): Unable to set private key file",
     php("client.pem"))
case("php and a .p12", php("push.p12"), "stream_socket_client(): Unable to set local cert chain file", php("client.pem"))
done = run(*php("client.pem", "missing.pem"))
expect("php and a list of authorities that is missing", (done.returncode, explained(done.stderr.partition("\n")[0])),
       (1, "failed loading cafile stream"))


def keytool(file, password):
    return ["keytool", "-list", "-storetype", "PKCS12", "-keystore", file, "-storepass", password, "-J-Duser.language=en"]


case("java and a wrong password", keytool("push.p12", "wrongpass"), "keystore password was incorrect", keytool("push.p12", "changeit"))
ANY_FORMAT = [*keytool("push.pem", "changeit")[:2], *keytool("push.pem", "changeit")[4:]]
case("java and a PEM whose format is not named", ANY_FORMAT, "toDerInputStream rejects tag type", keytool("push.p12", "changeit"))
case("keytool and a .p12 in the place of a certificate",
     ["keytool", "-importcert", "-noprompt", "-file", "push.p12", "-keystore", "new.jks", "-storepass", "changeit", "-J-Duser.language=en"],
     "Input not an X.509 certificate", keytool("push.p12", "changeit"))
case("java and a PEM", keytool("push.pem", "changeit"), "toDerInputStream rejects tag type", keytool("push.p12", "changeit"))
# As Maven filters a resource: what is no UTF-8 becomes U+FFFD.
Path("filtered.p12").write_text(Path("push.p12").read_bytes().decode(errors="replace"))
case("java and a .p12 that a build has filtered", keytool("filtered.p12", "changeit"), "Tag number over 30 is not supported",
     keytool("push.p12", "changeit"))

# --- files that a program may not read, or that are not there ---------------------------------------------

OTHER_USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
for name in ("closed.pem", "closed.p12"):
    shutil.copy(Path("client").with_suffix(Path(name).suffix), name)
    os.chmod(name, 0)
shutil.copy(ready["ca_file"], "ca.pem")
os.chmod("ca.pem", 0o644)
Path("load.py").write_text("import os, ssl, sys\nif os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
                           "ssl.create_default_context().load_cert_chain(sys.argv[1])\n")
Path("Load.java").write_text("class Load { public static void main(String[] names) throws Exception {"
                             " new java.io.FileInputStream(names[0]).close(); } }\n")
LOCAL_CERT, DENIED, ABSENT = "stream_socket_client(): Unable to set local cert chain file", "Permission denied", "No such file or directory"
CURL, OPENSSL, JAVA = "could not load PEM client certificate …", "Could not open file or uri for loading …", "FileNotFoundException: …"
READERS = [
    ("php", OTHER_USER, lambda name: php(name, "ca.pem"), LOCAL_CERT, LOCAL_CERT),
    ("php's file_get_contents", OTHER_USER,
     lambda name: ["php", "-d", "display_errors=stderr", "-r", f"exit(file_get_contents('{name}') ? 0 : 1);"],
     f"Failed to open stream: {DENIED}", f"Failed to open stream: {ABSENT}"),
    ("curl", OTHER_USER, lambda name: [*GOOD[:-3], "--cacert", "ca.pem", GOOD[-1], "--cert", name], f"{CURL} {DENIED}", f"{CURL} {ABSENT}"),
    ("openssl", OTHER_USER, lambda name: ["openssl", "x509", "-in", name, "-noout"], f"{OPENSSL} {DENIED}", f"{OPENSSL} {ABSENT}"),
    ("node", OTHER_USER, lambda name: node(f"read('{name}')"), "EACCES: permission denied, open", "ENOENT: no such file or directory, open"),
    # An interpreter of root's own does not start as another user.
    ("python", [], lambda name: [sys.executable, "load.py", name], f"PermissionError: [Errno 13] {DENIED}",
     f"FileNotFoundError: [Errno 2] {ABSENT}"),
    ("java", OTHER_USER, lambda name: ["java", "-Duser.language=en", "Load.java", name], f"{JAVA} ({DENIED})", f"{JAVA} ({ABSENT})"),
    ("keytool", OTHER_USER, lambda name: keytool(name.replace(".pem", ".p12"), "push"), "Keystore file does not exist",
     "Keystore file does not exist"),
]
for name, user, command, denied, absent in READERS:
    case(f"{name} and a file of another user", [*user, *command("closed.pem")], denied, None)
    case(f"{name} and a file that is not there", [*user, *command("missing.pem")], absent, None)
# As the rows advise: the file is its user's, or its group's with mode 640.
for name in ("closed.pem", "closed.p12"):
    if os.geteuid() == 0:
        os.chown(name, 0, 65534)
    os.chmod(name, 0o640)
for name, user, command, _, _ in READERS:
    done = run(*user, *command("closed.pem"))
    expect(f"{name}: it works after the advice", (done.returncode, done.stderr[:200] if done.returncode else ""), (0, ""))

# --- APNs -------------------------------------------------------------------------------------------------

answer = run(*GOOD[:-1], "--cert", "client.pem", "--data", "{}", "--header", "apns-topic: com.example.Other",
             f"https://localhost:{port}/3/device/{'ab' * 32}").stdout
expect("APNs and a foreign topic", explained(answer), "TopicDisallowed")
answer = run(*GOOD[:-1], "--cert", "client.pem", "--data", "{}", "--header", "apns-topic: com.example.MyApp",
             f"https://localhost:{port}/3/device/{'ab' * 32}").stdout
expect("APNs and an unknown token", explained(answer), "BadDeviceToken")
stop(process)
finish()
