#!/usr/bin/env python3
"""What pushcert example prints, run as it is: each program delivers to a simulated device, or tells why not. The app's
side is read by tree-sitter's grammars of Swift and Objective-C, since no compiler for it runs here.

    examples.py PUSHCERT

Needs php with curl, node, curl with HTTP/2, and httpx[http2], tree-sitter, tree-sitter-swift, tree-sitter-objc in this
Python.
"""
import socket
import sys
sys.dont_write_bytecode = True
from trial import *

try:
    import httpx, h2, tree_sitter, tree_sitter_objc, tree_sitter_swift  # noqa: F401
except ImportError as error:
    sys.exit(f"FAIL  missing: {error.name}")
need("php", "node", "curl")

process, ready = gateway()
port = ready["address"].split(":")[1]
certificate = WORK / "it's \"mine\" \\ ü.pem"
certificate.write_bytes(Path(ready["client_file"]).read_bytes())
device = subprocess.Popen([PUSHCERT, "device", "--gateway", f"localhost:{port}", "--ca-file", ready["ca_file"], "--json"],
                          stdout=subprocess.PIPE, text=True)
token = json.loads(device.stdout.readline())["token"]

PROVIDERS = (("php", "push.php", ["php"]), ("python", "push.py", [sys.executable]), ("node", "push.mjs", ["node"]),
             ("curl", "push.sh", ["sh"]))


def printed(language, *options):
    result = run(PUSHCERT, "example", language, *options)
    expect(f"{language} is printed", result.returncode, 0)
    return result.stdout


for language, name, command in PROVIDERS:
    local = ("--gateway", f"localhost:{port}", "--ca-file", ready["ca_file"], "--cert", certificate)
    program = WORK / name
    program.write_text(printed(language, *local))
    sent = run(*command, program, token)
    expect(f"{language} is accepted", (sent.returncode, "200" in sent.stdout, sent.stderr), (0, True, ""))
    message = json.loads(device.stdout.readline())
    expect(f"{language} delivers", (message["payload"]["aps"]["alert"], message["topic"], message["push_type"]),
           ({"title": "Hello", "body": "It works"}, "com.example.MyApp", "alert"))
    refused = run(*command, program, "ab" * 32)
    expect(f"{language} tells the reason", (refused.returncode != 0, "BadDeviceToken" in refused.stdout + refused.stderr),
           (True, True))
    expect(f"{language} wants a token", "usage" in "".join((lambda end: (end.stdout, end.stderr))(run(*command, program))), True)
    program.write_text(printed(language, "--gateway", "localhost:1", "--cert", certificate))
    expect(f"{language} ends without a server", run(*command, program, token).returncode != 0, True)
    if language == "python":
        with socket.create_server(("localhost", 0)) as silent:
            program.write_text(printed(language, "--gateway", f"localhost:{silent.getsockname()[1]}", "--cert", certificate))
            waited = run(*command, program, token)
        expect("python says that the server is silent",
               (waited.returncode, waited.stderr.count("\n"), waited.stderr.startswith("APNs was not reached: ")), (1, 1, True))
    # As it stands it is for Apple's gateway.
    expect(f"{language} is for Apple's", "https://api.push.apple.com" in printed(language), True)
    expect(f"{language} is for the sandbox", "https://api.sandbox.push.apple.com" in printed(language, "--environment", "sandbox"),
           True)

for language, grammar in (("swift", tree_sitter_swift), ("objective-c", tree_sitter_objc)):
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    text = printed(language, "--server", "https://push.example.com/tokens")
    expect(f"{language} is read", parser.parse(text.encode()).root_node.has_error, False)
    broken = text.replace("{", "", 1)
    expect(f"{language} without a brace is not read", parser.parse(broken.encode()).root_node.has_error, True)
    expect(f"{language} hands the token over", "https://push.example.com/tokens" in text, True)

device.terminate()
process.terminate()
finish()
