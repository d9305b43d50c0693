#!/usr/bin/env python3
"""pushcert's device tokens, judged by Python's sqlite3 and by PostgreSQL's own server and psql.

    database.py PUSHCERT

Needs openssl and PostgreSQL (initdb, postgres and psql; those of Debian are found in /usr/lib/postgresql). PUSHCERT must have
been built with `--features postgres`. The server runs in a temporary folder, as another user where this one is root.
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import collections, glob, hashlib, queue, re, signal, socket, sqlite3, struct, threading
import kubernetes_validate, yaml

folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda name: int(name.split("/")[4]))
os.environ["PATH"] += os.pathsep + (folders[-1] if folders else "")
need("openssl", "initdb", "postgres", "psql")
for variable in ("PGPASSWORD", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT", "PGUSER", "PGHOST"):
    os.environ.pop(variable, None)
os.environ["HOME"] = str(WORK)

APP, COUNT, SHARDS = "com.example.MyApp", 200_000, 4
GROUP = ["--app", APP, "--environment", "production"]
SINCE = 1_700_000_000_000  # in 2023, after the registration of most tokens
TOKENS = [f"{number:064x}" for number in range(COUNT)]
GONE, BACK = TOKENS[50::200], TOKENS[50::2000]  # all of them are unregistered; some have registered since
SECRET = "geheim: 'ß@%"


def database(command, url, *arguments, **options):
    return run(PUSHCERT, "database", command, url, *arguments, **options)


# --- SQLite, read and written by Python ------------------------------------------------------------------

file = WORK / "tokens.db"
made = database("import", f"sqlite:{file}", "-", *GROUP, "--registered", "2022-01-01", input="\n".join(TOKENS))
expect("SQLite: the import", made.stdout, f"{file}: {COUNT} tokens added ({APP}, production)\n")
with sqlite3.connect(file) as connection:
    columns = [row[1] for row in connection.execute("PRAGMA table_info(pushcert_token)")]
    expect("SQLite: the columns", columns, ["id", "app", "environment", "token", "registered", "unregistered"])
    expect("SQLite: the file is sound", connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
    rows = connection.execute("SELECT token, registered, unregistered FROM pushcert_token ORDER BY id").fetchall()
    expect("SQLite: the rows", rows == [(token, 1640995200000, None) for token in TOKENS], True)
    insert = ("INSERT INTO pushcert_token (app, environment, token, registered) VALUES (?, ?, ?, ?) "
              "ON CONFLICT (app, environment, token) DO UPDATE SET registered = excluded.registered, unregistered = NULL")
    connection.executemany(insert, [(APP, "sandbox", token, SINCE) for token in ("aa", "bb", "aa")])
listed = database("list", f"sqlite:{file}", "--environment", "sandbox", "--json").stdout.splitlines()
expect("SQLite: what Python has written", [json.loads(line)["token"] for line in listed], ["aa", "bb"])
for wrong in (("AA", SINCE), ("abc", SINCE), ("cc", SINCE // 1000)):
    try:
        with sqlite3.connect(file) as connection:
            connection.execute(insert, (APP, "sandbox", *wrong))
        expect(f"SQLite: {wrong} is refused", "taken", "refused")
    except sqlite3.IntegrityError:
        expect(f"SQLite: {wrong} is refused", "refused", "refused")

# --- a PostgreSQL of its own, which wants TLS and a password ----------------------------------------------

DATA, PORT = WORK / "postgres", free_port()
OWNER = "postgres" if os.geteuid() == 0 else None


def as_owner(*command, **options):
    return run(*command, user=OWNER, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=True, **options)


def authority(name):
    """A CA certificate, beside its key."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", WORK / f"{name}.key", "-out",
        WORK / f"{name}.pem", "-days", "2", "-subj", f"/CN={name}", check=True)
    return WORK / f"{name}.pem"


DATA.mkdir()
ca, other_ca = authority("ca"), authority("other-ca")
run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", DATA / "server.key", "-out", WORK / "server.csr",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", check=True)
run("openssl", "x509", "-req", "-in", WORK / "server.csr", "-CA", ca, "-CAkey", WORK / "ca.key", "-CAcreateserial", "-copy_extensions", "copy",
    "-days", "2", "-out", DATA / "server.crt", check=True)
if OWNER:
    for path in (DATA, DATA / "server.key", DATA / "server.crt"):
        shutil.chown(path, OWNER)
(WORK / "password").write_text(SECRET)
(WORK / "password").chmod(0o644)
as_owner("initdb", "-D", DATA / "data", "-U", "jo", "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={WORK / 'password'}", "-N")
(DATA / "data/pg_hba.conf").write_text("local all all trust\nhostssl all all localhost scram-sha-256\n")
SETTINGS = {"listen_addresses": "localhost", "port": PORT, "unix_socket_directories": DATA, "ssl": "on", "ssl_cert_file": DATA / "server.crt",
            "ssl_key_file": DATA / "server.key", "fsync": "off", "shared_buffers": "32MB"}


def start_postgres():
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    process = start("postgres", "-D", DATA / "data", *options, user=OWNER, env={**os.environ, "LC_ALL": "C.UTF-8"})
    for _ in range(200):
        if run("psql", "-h", DATA, "-p", PORT, "-U", "jo", "-d", "postgres", "-c", "").returncode == 0:
            return process
        time.sleep(0.1)
    sys.exit("FAIL  PostgreSQL does not start")


def psql(query, name="push"):
    done = run("psql", "-h", DATA, "-p", PORT, "-U", "jo", "-d", name, "-v", "ON_ERROR_STOP=1", "-AtF", " ", "-c", query)
    return done.stdout.strip() if done.returncode == 0 else done.stderr


server = start_postgres()
psql("CREATE DATABASE push", "postgres")
URL = f"postgres://jo@localhost:{PORT}/push?sslrootcert={ca}"
NAME = f"postgres://localhost:{PORT}/push"
os.environ["PGPASSWORD"] = SECRET

# --- who is let in, and whom the client trusts -------------------------------------------------------------


def refused(what, url, code, words, **variables):
    done = run(PUSHCERT, "database", "list", url, env={**os.environ, **variables})
    expect(f"PostgreSQL: {what}", (done.returncode, words in done.stderr or done.stderr), (code, True))
    expect(f"PostgreSQL: {what}: no credentials", SECRET in done.stdout + done.stderr, False)


refused("no tables", URL, 3, "it has no tables of pushcert")
refused("another authority", f"{NAME}?sslrootcert={other_ca}", 5, "is not trusted", PGUSER="jo")
refused("another name", f"postgres://jo@127.0.0.1:{PORT}/push?sslrootcert={ca}", 5, "is not trusted")
refused("no authority", f"postgres://jo@localhost:{PORT}/push?sslmode=verify-full", 5, "is not trusted")
refused("no proof of this machine", f"postgres://jo@localhost:{PORT}/push?sslmode=require", 3, "it has no tables")
refused("no TLS to this machine", f"postgres://jo@localhost:{PORT}/push?sslmode=prefer", 5, "no encryption")
refused("no TLS", f"postgres://jo@localhost:{PORT}/push", 5, "no encryption")
refused("a wrong password", URL, 4, "password authentication failed", PGPASSWORD="wrong")
refused("no password", URL, 4, "none was given", PGPASSWORD="")
refused("no such database", f"postgres://jo@localhost:{PORT}/other?sslrootcert={ca}", 5, "does not exist")
refused("nobody there", f"postgres://jo@localhost:{free_port()}/push", 5, "it is not reached")
refused("a hint where nobody is", f"postgres://jo@localhost:{free_port()}/push", 5, "hint: start the server, or correct the host")
refused("an address beside the name", URL.replace("?", "?hostaddr=127.0.0.1&"), 3, "it has no tables")
for mode, code, words in (("verify-full", 3, "it has no tables"), ("require", 3, "it has no tables"), ("prefer", 5, "no encryption"),
                          ("disable", 5, "no encryption"), ("other", 2, "PGSSLMODE is verify-full")):
    refused(f"PGSSLMODE={mode}", f"postgres://jo@localhost:{PORT}/push", code, words, PGSSLMODE=mode, PGSSLROOTCERT=str(ca))
refused("a variable with the URL", "env:DATABASE_URL", 3, "it has no tables", DATABASE_URL=URL)
passfile = WORK / "passwords"
escaped = SECRET.replace("\\", "\\\\").replace(":", "\\:")
passfile.write_text(f"localhost:{PORT}:other:jo:wrong\nlocalhost:{PORT}:push:jo:{escaped}\n")
passfile.chmod(0o600)
refused("PGPASSFILE and PGSSLROOTCERT", f"postgres://jo@localhost:{PORT}/push?sslmode=verify-full", 3, "it has no tables", PGPASSWORD="",
        PGPASSFILE=str(passfile), PGSSLROOTCERT=str(ca))
in_url = "".join(f"%{byte:02x}" for byte in SECRET.encode())
refused("a password in the URL", URL.replace("jo@", f"jo:{in_url}@"), 3, "process lists show the password", PGPASSWORD="")

# --- which line of the file of passwords counts, judged by psql -------------------------------------------------


class AsksForPassword(threading.Thread):
    """A server that wants the password in the clear, and keeps it."""

    def __init__(self, listener):
        super().__init__(daemon=True)
        self.listener, self.heard = listener, queue.Queue()
        self.start()

    def run(self):
        while True:
            connection = self.listener.accept()[0]
            with connection:
                start_packet = connection.recv(4096)
                if start_packet[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):  # it is asked for TLS, or GSSAPI
                    connection.sendall(b"N")
                    start_packet = connection.recv(4096)
                connection.sendall(b"R" + struct.pack(">ii", 8, 3))
                answer = connection.recv(4096)
                if answer:
                    self.heard.put(answer[5:-1])


fake_port, fake_folder = free_port(), WORK / "sockets"
fake_folder.mkdir()
tcp = socket.create_server(("127.0.0.1", fake_port))
unix = socket.socket(socket.AF_UNIX)
unix.bind(str(fake_folder / f".s.PGSQL.{fake_port}"))
unix.listen()
by_tcp, by_socket = AsksForPassword(tcp), AsksForPassword(unix)
LINES = {
    "a colon in the password": b"*:*:*:*:a\\:b:c", "a backslash": b"*:*:*:*:a\\\\b\\c", "a backslash at the end": b"*:*:*:*:a\\",
    "an escaped star": b"\\*:*:*:*:no\n*:*:*:*:yes", "not UTF-8": b"caf\xe9:*:*:*:no\n*:*:*:*:caf\xe9",
    "CRLF": b"*:*:*:*:yes\r\n", "a comment": b"#*:*:*:*:no\n*:*:*:*:yes", "an escaped name": b"127.0.0.1:*:pu\\sh:*:yes\n*:*:*:*:late",
    "another port": b"*:1:*:*:no\n*:*:*:*:yes", "a short line": b"*:*:*:no\n*:*:*:*:yes", "localhost": b"localhost:*:*:*:localhost\n*:*:*:*:other",
    "the folder of a socket": bytes(fake_folder) + b":*:*:*:folder\n*:*:*:*:other",
}
for what, lines in LINES.items():
    passfile.write_bytes(lines + b"\n")
    for asker, host in ((by_tcp, "127.0.0.1"), (by_socket, str(fake_folder))):
        sent = []
        for command in (("psql", "-h", host, "-p", fake_port, "-U", "jo", "-d", "push", "-w", "-c", ""),
                        (PUSHCERT, "database", "list", f"postgres://jo@/push?host={host}&port={fake_port}")):
            run(*command, env={**os.environ, "PGPASSWORD": "", "PGPASSFILE": str(passfile)})
            sent.append(asker.heard.get(timeout=20))
        expect(f"PGPASSFILE: {what}, {'a socket' if asker is by_socket else 'TCP'}: as psql", sent[1], sent[0])
run(PUSHCERT, "database", "list", f"postgres://jo@127.0.0.1:{fake_port}/push", env={**os.environb, b"PGPASSWORD": b"caf\xe9"})
expect("PGPASSWORD that is not UTF-8", by_tcp.heard.get(timeout=20), b"caf\xe9")

# --- many at once create the tables and register the same tokens --------------------------------------------

lists = []
for number in range(4):
    lists.append(WORK / f"list-{number}")
    lists[-1].write_text("\n".join(TOKENS[number * 500:number * 500 + 2000]))
imports = [start(PUSHCERT, "database", "import", URL, path, *GROUP) for path in lists]
ends = [process.wait(60) for process in imports]
expect("PostgreSQL: four imports at once", ends, [0] * 4)
expect("PostgreSQL: each token once", psql("SELECT count(*), count(DISTINCT token) FROM pushcert_token"), "3500 3500")
path = WORK / "all"
path.write_text("\n".join(TOKENS[:3500]))
for time_, words in (("2021-01-01", "3500 unchanged (registered then, or later)"), ("", "3500 registered anew")):
    again = database("import", URL, path, *GROUP, *(["--registered", time_] if time_ else []))
    expect(f"PostgreSQL: registered {time_ or 'now'}", (again.returncode, words in again.stdout or again.stdout), (0, True))
psql("UPDATE pushcert_token SET unregistered = 4102444800000")
for time_, words in (("2021-01-01", "3500 still unregistered (since then, or later)"), ("", "3500 registered anew")):
    again = database("import", URL, path, *GROUP, *(["--registered", time_] if time_ else []))
    expect(f"PostgreSQL: unregistered, and registered {time_ or 'now'}", (again.returncode, words in again.stdout or again.stdout), (0, True))
expect("PostgreSQL: all are back", psql("SELECT count(*) FROM pushcert_token WHERE unregistered IS NULL"), "3500")
removed = database("remove", URL, "--tokens", path, *GROUP)
expect("PostgreSQL: all are removed", removed.stdout, f"{NAME}: 3500 tokens removed ({APP}, production)\n")
# --- tokens that are no longer active are removed, but for those that have registered since -------------------

MIXED = ["--app", "com.example.Mixed", "--environment", "production"]
many = [f"{number:064x}" for number in range(300)]  # more than a batch
for registered, tokens in (("2022-01-01", ["aa", "cc", "dd", *many]), ("2024-01-01", ["bb"])):
    path.write_text("\n".join(tokens))
    for url in (URL, f"sqlite:{WORK / 'mixed.db'}"):
        for group in (MIXED, [*MIXED[:3], "sandbox"]):
            expect(f"{url[:8]}: the tokens of {registered}", database("import", url, path, *group, "--registered", registered).returncode, 0)
rows = [("aa", "2023-11-14T22:13:20Z"), ("aa", "2023-11-14T22:13:20Z"), ("bb", "2023-11-14T22:13:20.123Z"), ("cc", ""), ("ee", "2023-11-14T22:13:20Z"),
        *((token, "2022-01-01T00:00:00.001Z" if number % 2 else "2022-01-01T00:00:00Z") for number, token in enumerate(many))]
gone_list = WORK / "gone.csv"
gone_list.write_text("token,since\n" + "".join(f"{token},{since}\n" for token, since in rows))
answers = {}
for url in (URL, f"sqlite:{WORK / 'mixed.db'}"):
    done = database("remove", url, "--tokens", gone_list, *MIXED, "--json")
    counts = {name: json.loads(done.stdout)[name] for name in ("removed", "missing", "kept")}
    answers[url[:8]] = (done.returncode, counts, sorted(line for line in done.stderr.splitlines() if line[:2] in ("bb", "cc")))
expect("removal of what is gone: PostgreSQL", answers["postgres"][:2], (0, {"removed": 151, "missing": 1, "kept": 152}))
expect("removal of what is gone: SQLite says the same", answers["sqlite:/"], answers["postgres"])
left = psql("SELECT token FROM pushcert_token WHERE app = 'com.example.Mixed' AND environment = 'production'").split()
expect("removal of what is gone: what is left", sorted(left), sorted(["bb", "cc", "dd", *many[::2]]))
with sqlite3.connect(WORK / "mixed.db") as connection:
    same = [row[0] for row in connection.execute("SELECT token FROM pushcert_token WHERE environment = 'production'")]
expect("removal of what is gone: SQLite has left the same", sorted(same), sorted(left))
others = psql("SELECT count(*) FROM pushcert_token WHERE app = 'com.example.Mixed' AND environment = 'sandbox'")
expect("removal of what is gone: none of another environment", others, "304")
psql("DELETE FROM pushcert_token WHERE app = 'com.example.Mixed'")
expect("removal of what is gone: of nothing", json.loads(database("remove", URL, "--tokens", gone_list, *MIXED, "--json").stdout)["missing"], len(set(rows)))

# --- what the shards will find ---
database("import", URL, "-", *GROUP, "--registered", "2022-01-01", input="\n".join(TOKENS))
database("import", URL, "-", *GROUP, "--registered", "2024-01-01", input="\n".join(BACK))
database("add", URL, *GROUP[:2], "--environment", "sandbox", "ff")
expect("PostgreSQL: the rows", psql("SELECT environment, count(*), min(token), max(registered) FROM pushcert_token GROUP BY 1 ORDER BY 1 LIMIT 1"),
       f"production {COUNT} {TOKENS[0]} 1704067200000")
expect("PostgreSQL: a page needs no sorting", "Sort" in psql(
    f"EXPLAIN SELECT id FROM pushcert_token WHERE id > 5 AND app = '{APP}' AND environment = 'production' AND unregistered IS NULL ORDER BY id LIMIT 1000"), False)
for wrong in ("'AA', 1700000000000", "'aa', 1700000000"):
    answer = psql(f"INSERT INTO pushcert_token (app, environment, token, registered) VALUES ('{APP}', 'sandbox', {wrong})")
    expect(f"PostgreSQL: {wrong} is refused", "violates check constraint" in answer, True)

# --- four shards, of which one is killed and goes on ----------------------------------------------------------

devices = WORK / "devices"
gone = set(GONE)
devices.write_text("".join(f"{token} unregistered {SINCE}\n" if token in gone else f"{token} known\n" for token in TOKENS))
_, ready = gateway("--tokens", devices)


def push(url, *arguments):
    return [str(word) for word in (
        PUSHCERT, "push", "--yes", ready["client_file"], "--gateway", f"localhost:{ready['address'].rpartition(':')[2]}", "--ca-file", ready["ca_file"], "--environment", "production", "--topic", APP,
        "--alert", "Hello", "--database", url, *arguments)]


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def outcomes(lines):
    return {line["token"]: line["outcome"] for line in lines if "token" in line}


shards = [push(URL, "--shard", f"{number}/{SHARDS}", "--results", WORK / f"shard-{number}") for number in range(SHARDS)]
shards[0] += ["--rate", "5000"]
running = [start(*command) for command in shards]
victim = WORK / "shard-0"
while not victim.exists() or victim.read_text().count('"outcome"') < 500:
    time.sleep(0.05)
running[0].kill()
expect("shards: the ends of the others", [process.wait(120) for process in running[1:]], [1] * (SHARDS - 1))
rest = run(*push(URL, "--shard", f"0/{SHARDS}", "--resume", victim), timeout=120)
expect("shards: the end of the one that was killed", rest.returncode, 1)
found = [outcomes(read(WORK / f"shard-{number}")) for number in range(SHARDS)]
expect("shards: no token twice", sum(map(len, found)), len(set().union(*found)))
together = {token: outcome for part in found for token, outcome in part.items()}
counts = collections.Counter(together.values())
unknown = counts.pop("unknown", 0)
expect("shards: each token has its outcome", (len(together), sum(counts.values()) + unknown), (COUNT, COUNT))
expect("shards: unknown is little, and the killed one's alone", unknown < 2000 and all("unknown" not in part.values() for part in found[1:]), True)
said = {token for token, outcome in together.items() if outcome == "unregistered"}
expect("shards: who is gone", said <= gone and len(gone - said) <= unknown, True)
marked = set(psql(f"SELECT token FROM pushcert_token WHERE unregistered = {SINCE}").split())
expect("shards: what was marked was said", marked <= said - set(BACK), True)
# A batch that was not written when the process was killed is marked by the next run.
final = run(*push(URL, "--json"), timeout=120)
expect("the next run", final.returncode, 1)
summary = json.loads(final.stdout.splitlines()[-1])["summary"]
marked = set(psql(f"SELECT token FROM pushcert_token WHERE unregistered = {SINCE}").split())
expect("the next run: all are marked but those that have registered since", marked == gone - set(BACK), True)
expect("the next run: those that stay", (summary["database"]["still_registered"], summary["unregistered"] - summary["database"]["marked"]),
       (len(BACK), len(BACK)))
expect("the next run: the others", summary["accepted"], COUNT - len(GONE))

# --- the README's Kubernetes Job, as the schema and the Job controller take it ----------------------------------

readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
job = yaml.safe_load(re.search(r"```yaml\n(apiVersion: batch/v1\nkind: Job\n.*?)```", readme, re.S).group(1))
kubernetes_validate.validate(job, kubernetes_validate.latest_version(), strict=True)
spec, pod = job["spec"], job["spec"]["template"]["spec"]
# Without a limit for all pods, one that fails ends no other (Job API: backoffLimitPerIndex, maxFailedIndexes).
expect("the Job: each part is sent, once", (spec["backoffLimitPerIndex"], "backoffLimit" in spec, "maxFailedIndexes" in spec), (0, False, False))
expect("the Job: what a limit for each index demands", (spec["completionMode"], pod["restartPolicy"]), ("Indexed", "Never"))
[container] = pod["containers"]
mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
expect("the Job: its volumes", set(mounts.values()), {volume["name"] for volume in pod["volumes"]})
[variable] = [one["name"] for one in container["env"]]
(WORK / "secret").mkdir()
(WORK / "results").mkdir()
shutil.copy(ready["client_file"], WORK / "secret/push.pem")
psql("UPDATE pushcert_token SET unregistered = NULL")


def start_pod(index, *changes):
    """What a node does: variables in the arguments, volumes, an environment."""
    words = [word.replace("$(JOB_COMPLETION_INDEX)", str(index)) for word in container["args"]]
    words = [str(WORK) + word if any(word.startswith(f"{path}/") for path in mounts) else word for word in words]
    for old, new in changes:
        words[words.index(old)] = new
    where = ("--gateway", f"localhost:{ready['address'].rpartition(':')[2]}", "--ca-file", ready["ca_file"])
    return start(PUSHCERT, *words, *where, env={**os.environ, variable: URL, "JOB_COMPLETION_INDEX": str(index)})


pods = [start_pod(index) for index in range(spec["completions"])]
expect("the Job: pods that 410 fails", [process.wait(120) for process in pods], [1] * spec["completions"])
parts = [outcomes(read(WORK / f"results/{index}.ndjson")) for index in range(spec["completions"])]
expect("the Job: each token, once", (sum(map(len, parts)), len(set().union(*parts))), (COUNT, COUNT))
again = start_pod(0, ("--results", "--resume"))
expect("the Job: with --resume nothing is sent again", (again.wait(120), outcomes(read(WORK / "results/0.ndjson"))), (1, parts[0]))

# --- a database that fails --------------------------------------------------------------------------------------

psql(f"UPDATE pushcert_token SET unregistered = NULL; UPDATE pushcert_token SET registered = {SINCE + 1} WHERE id % 100 <> 51")
few = push(URL, "--json", "--shard", "0/20")
lock = start("psql", "-h", DATA, "-p", PORT, "-U", "jo", "-d", "push", "-q", text=True)
lock.stdin.write("BEGIN; LOCK TABLE pushcert_token IN EXCLUSIVE MODE; SELECT 1;\n")
lock.stdin.flush()
while psql("SELECT count(*) FROM pg_locks WHERE mode = 'ExclusiveLock' AND relation = 'pushcert_token'::regclass") != "1":
    time.sleep(0.05)
locked = run(*few)
lines = [json.loads(line) for line in locked.stdout.splitlines()]
count = sum(outcome == "unregistered" for outcome in outcomes(lines).values())
share = sum(int.from_bytes(hashlib.sha256(token.encode()).digest()[:8], "big") % 20 == 0 for token in TOKENS)
expect("locked: no outcome is lost", len(outcomes(lines)), share)
report = lines[-1]["summary"]
expect("locked: the end", (locked.returncode, "has locked it" in (report["database"]["error"] or "")), (6, True))
expect("locked: all is told", (report["exit_code"], report["database"]["failed"], count > 0), (6, count, True))
lock.stdin.write("COMMIT; BEGIN; LOCK TABLE pushcert_token IN ACCESS EXCLUSIVE MODE; SELECT 1;\n")
lock.stdin.flush()
while psql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'pushcert_token'::regclass") != "1":
    time.sleep(0.05)
locked = database("list", URL)
expect("locked for readers", (locked.returncode, "has locked it, and did not release it within 5 s" in locked.stderr), (3, True))
expect("locked for readers: no query is left", psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pushcert'"), "0")
lock.stdin.close()
lock.wait(10)
psql(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET.replace(chr(39), chr(39) * 2)}'; GRANT SELECT ON pushcert_token, pushcert_schema TO reader")
READER = URL.replace("jo@", "reader@")
expect("a role that may read", database("list", READER).returncode, 0)
for command, url, *rest in (("add", READER, *GROUP, "aa"), ("remove", READER, *GROUP, "aa"), ("add", READER.replace("/push?", "/postgres?"), *GROUP, "aa")):
    done = database(command, url, *rest)
    expect(f"a role that may not write: {command}", (done.returncode, "not allowed" in done.stderr, "GRANT" in done.stderr), (6, True, True))
psql("REVOKE SELECT ON pushcert_token FROM reader")
done = database("list", READER)
expect("a role that may not read", (done.returncode, "not allowed" in done.stderr, "GRANT" in done.stderr), (3, True, True))
psql("CREATE DATABASE foreign_tables", "postgres")
for tables in ("CREATE TABLE pushcert_schema (v int); CREATE TABLE pushcert_token (t int)",
               "DROP TABLE pushcert_schema; CREATE TABLE pushcert_schema (version text, identity text); INSERT INTO pushcert_schema VALUES ('a', 'b')",
               "DROP TABLE pushcert_schema; CREATE TABLE pushcert_schema (version bigint, identity text); INSERT INTO pushcert_schema VALUES (1, 'b')"):
    psql(tables, "foreign_tables")
    done = database("list", URL.replace("/push?", "/foreign_tables?"))
    expect("tables of another program", (done.returncode, "not a database of pushcert" in done.stderr), (3, True))
psql("ALTER DATABASE push SET default_transaction_read_only = on")
expect("read-only: nothing is sent", (run(*few).returncode, run(PUSHCERT, "database", "list", URL).returncode), (6, 0))
psql("ALTER DATABASE push RESET default_transaction_read_only", "postgres")
psql("SET default_transaction_read_only = off; ALTER DATABASE push RESET default_transaction_read_only")
slow = subprocess.Popen(push(URL, "--json", "--rate", "20000"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
time.sleep(1.5)
server.send_signal(signal.SIGINT)
server.wait(20)
server = start_postgres()
out, err = slow.communicate(timeout=120)
lines = [json.loads(line) for line in out.splitlines()]
expect("a restart of the server: the run goes on, or says that it could not", slow.returncode in (1, 5), True)
seen, problem = outcomes(lines), lines[-1]["summary"]["problem"]
expect("a restart of the server: no outcome is lost", len(seen) == COUNT or problem is not None, True)
psql("UPDATE pushcert_schema SET version = 2")
newer = database("list", URL)
expect("a newer schema", (newer.returncode, "a newer pushcert has written it" in newer.stderr), (3, True))

finish()
