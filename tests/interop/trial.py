"""What check.py and gateway.py share: cases, servers in the background, the pushcert binary."""
import atexit, json, os, shutil, socket, subprocess, sys, tempfile, time
from pathlib import Path

PUSHCERT = os.path.abspath(sys.argv[1])
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
WORK = Path(tempfile.mkdtemp(prefix="pushcert-interop-"))
WORK.chmod(0o755)  # squid drops its privileges
passed, failed, processes = 0, 0, []
os.environ["PUSHCERT_FIXTURE_PASSWORD"] = "push"
for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
    os.environ.pop(name, None)


def expect(what, found, wanted):
    """One case; the words of a failure say what was found."""
    global passed, failed
    if found == wanted:
        passed += 1
        print(f"ok    {what}")
    else:
        failed += 1
        print(f"FAIL  {what}\n      found  {found!r}\n      wanted {wanted!r}")


def need(*tools):
    """A tool that is missing is a failure, not a reason to skip."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        sys.exit(f"FAIL  missing: {', '.join(missing)}")


def run(*command, **options):
    options.setdefault("timeout", 60)
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", **options)


def start(*command, **options):
    """A server; its standard input stays open, so that it does not take the end of it for a goodbye."""
    log = open(WORK / f"server-{len(processes)}.log", "w")
    options = {"stdin": subprocess.PIPE, "stdout": log, "stderr": log, **options}
    process = subprocess.Popen([str(part) for part in command], **options)
    processes.append(process)
    return process


def stop(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


@atexit.register
def stop_all():
    """Whatever ends the script, no server and no folder is left behind."""
    for process in processes:
        if process.poll() is None:
            stop(process)
    shutil.rmtree(WORK, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process=None):
    for _ in range(200):
        if process and process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    finish(f"nothing listens on port {port}: {process and process.args}")


def wait_for_word(word, process):
    log = WORK / f"server-{processes.index(process)}.log"
    for _ in range(200):
        if word in log.read_text():
            return
        time.sleep(0.05)
    finish(f"{process.args} never says {word!r}")


def finish(problem=None):
    global failed
    if problem:
        failed += 1
        print(f"FAIL  {problem}")
        for log in sorted(WORK.glob("server-*.log")):
            text = log.read_text(errors="replace")
            print(f"--- {log.name}\n{text[-2000:]}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def openssl(*arguments):
    result = run("openssl", *arguments)
    if result.returncode:
        finish(f"openssl {arguments}: {result.stderr}")
    return result.stdout


def server_certificate(name, host="localhost"):
    """A self-signed certificate for a server; clients trust it by itself."""
    key, certificate = WORK / f"{name}.key", WORK / f"{name}.crt"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", 2,
            "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}")
    return key, certificate


def client(name):
    """A fixture as PEM, the way providers hold it."""
    output = WORK / f"client-{name}.pem"
    result = run(PUSHCERT, "convert", FIXTURES / "p12" / f"{name}.p12", "--passin", "env:PUSHCERT_FIXTURE_PASSWORD",
                 "-o", output, "--force")
    if result.returncode:
        finish(result.stderr)
    return output


def check(certificate, *arguments):
    """Runs pushcert check; the report of the first gateway, and the exit code."""
    if "--timeout" not in arguments:
        arguments = (*arguments, "--timeout", "2s")
    result = run(PUSHCERT, "check", certificate, "--json", *arguments)
    try:
        report = json.loads(result.stdout)
    except json.JSONDecodeError:
        finish(f"no report: {result.stdout} {result.stderr}")
    return report.get("checks", [report])[0], result.returncode


def verdict(certificate, *arguments):
    """Verdict, reason, last stage, exit code."""
    report, code = check(certificate, *arguments)
    if "stages" not in report:
        finish(f"no verdict: {report}")
    return report.get("verdict"), report.get("reason"), report["stages"][-1]["stage"], code


def gateway(*arguments):
    """A gateway, and what it said when it was ready."""
    process = start(PUSHCERT, "gateway", *arguments, stdout=subprocess.PIPE, text=True)
    ready = json.loads(process.stdout.readline())
    return process, ready
