#!/usr/bin/env python3
"""The completion scripts in the shells that they are for, and the manual pages as mandoc reads them.

    shells.py PUSHCERT

Needs bash, zsh, fish and mandoc.
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import os
import pty
import re
import select
import time

need("bash", "zsh", "fish", "mandoc")

FOLDER = WORK / "shells"
(FOLDER / "folder").mkdir(parents=True)
(FOLDER / "aps.cer").touch()
(FOLDER / "a b.p12").touch()

# Programs of these names must not run while a line is completed: parts of the names of values.
RAN = FOLDER / "ran"
PROGRAMS = FOLDER / "programs"
PROGRAMS.mkdir()
for name in ("PORT", "REASON]", "TEAMID", "FILE", "ARGUMENT][@COURSE]"):
    program = PROGRAMS / name
    program.write_text(f"#!/bin/sh\necho {name} >> '{RAN}'\n")
    program.chmod(0o755)
PATH = f"{PROGRAMS}:{os.environ['PATH']}"

# What stands after "pushcert", the word that is completed, and some of what must be offered, and must not.
CASES = (
    ("", ["convert", "expiry", "wizard"], ["completions"]),
    ("convert --certs ", ["leaf", "ca", "all", "none"], ["aps.cer"]),
    ("pack --for ", ["keychain", "modern", "java"], ["aps.cer"]),
    ("expiry --format ", ["nagios", "junit"], ["aps.cer"]),
    ("convert --key a", ["aps.cer"], []),
    ("convert a", ["aps.cer"], []),
    ("convert --passin e", ["env:"], ["aps.cer"]),
    ("convert a.p12 --key ", ["aps.cer", "a b.p12"], []),
    ("expiry a", ["aps.cer", "a b.p12"], []),
    ("rehearse --cert a", ["aps.cer", "a b.p12"], []),
    ("rehearse --key f", ["folder"], []),
    ("help con", ["convert"], ["aps.cer"]),
    ("generate completions ", ["bash", "fish", "zsh"], ["aps.cer"]),
    ("generate man ", ["convert", "database-add"], ["aps.cer"]),
    ("example ", ["php", "objective-c"], ["aps.cer"]),
    ("convert ", ["aps.cer", "a b.p12", "folder"], ["--help"]),
    ("inspect ", ["aps.cer", "a b.p12"], ["--help"]),
    ("expiry ", ["aps.cer", "a b.p12"], ["--help"]),
    ("check ", ["aps.cer", "a b.p12"], ["--help"]),
    ("compare aps.cer ", ["aps.cer", "a b.p12"], ["--help"]),
    ("convert --passin=e", ["env:"], ["aps.cer"]),
    ("check --gateway ", [], ["aps.cer"]),
    ("push --database ", [], ["aps.cer"]),
    ("check --expect ", [], ["aps.cer"]),
    ("gateway --listen ", [], ["aps.cer"]),
    ("gateway --p8-key ", [], ["aps.cer"]),
    ("gateway --fault ", ["alert", "goaway"], ["aps.cer"]),
    ("check push.pem --expect ", ["accepted", "refused", "rejected"], ["aps.cer"]),
    ("device --gateway ", [], ["aps.cer"]),
    ("convert a.p12 -oap", ["aps.cer"], []),
    ("convert a.p12 -of", ["folder"], []),
    ("check push.pem --expect rejected:c", ["certificate_revoked"], ["aps.cer", "certificate_", "BadDeviceToken"]),
    ("check push.pem --expect ", ["rejected"], ["rejected:revoked"]),
    ("gateway --fault alert:c", ["certificate_expired"], ["aps.cer", "close-tcp"]),
    ("gateway --fault answer:BadD", ["BadDeviceToken"], ["aps.cer"]),
    ("gateway --fault=alert:u", ["unknown_ca"], ["aps.cer"]),
    ("convert a.p12 --passin cmd:a", [], ["aps.cer", "a b.p12"]),
    ("convert a.p12 --passin fd:a", [], ["aps.cer", "a b.p12"]),
    ("convert a.p12 --passin file:ap", ["aps.cer"], []),
    ("convert a.p12 --passin env:HOM", ["HOME"], ["aps.cer"]),
    ("convert a.p12 --passin=env:HOM", ["HOME"], ["aps.cer"]),
)


def script(shell):
    result = run(PUSHCERT, "generate", "completions", shell)
    expect(f"the script for {shell} is printed", result.returncode, 0)
    path = FOLDER / f"script.{shell}"
    path.write_text(result.stdout)
    return path


class Shell:
    """A shell at a terminal, where lines are typed."""

    PROMPT = "@@ "

    def __init__(self, *command, **environment):
        self.shown = b""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(FOLDER)
            os.execvpe(command[0], command, dict(os.environ, TERM="dumb", PS1=self.PROMPT, COLUMNS="200", PATH=PATH, **environment))

    def type(self, text):
        os.write(self.terminal, text.encode())

    def see(self, text):
        """Waits for a text, and returns what came before it."""
        limit = time.monotonic() + 30
        while text not in self.shown:
            if time.monotonic() > limit:
                sys.exit(f"FAIL  the shell does not show {text!r}: {self.shown!r}")
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.shown += os.read(self.terminal, 65536)
        before, _, self.shown = self.shown.partition(text)
        return before.decode(errors="replace")

    def end(self):
        self.type("exit\n")
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass
        os.close(self.terminal)
        os.waitpid(self.child, 0)


def words_of(listed):
    """Returns the names in a list; those with a blank are shown as they would be typed."""
    listed = listed.replace("\\ ", "\0").replace("a b.p12", "a\0b.p12")
    return shortened([word.replace("\0", " ").rstrip("/") for word in re.split(r"\s+", listed)])


def shortened(words):
    """Adds to words that have a colon or -o at their beginning what stands behind that: some shells list it alone."""
    return words + [word.rsplit(":", 1)[1] for word in words if ":" in word] + [word[2:] for word in words if word.startswith("-o")]


def in_bash(path, typed, offered):
    """Types the line at a prompt, and the tabulator key: a key after it lists what readline would offer."""
    shell = Shell("bash", "--norc", "--noprofile", "-i", HISTFILE="/dev/null", INPUTRC="/dev/null")
    shell.type("bind 'set completion-query-items 0'; bind 'set page-completions off'; bind 'set bell-style none'; "
               f"stty -echo; source '{path}'; "
               "bind '\"\\C-t\": possible-completions'; echo re''ady\n")
    shell.see(b"ready\r\n@@ ")
    shell.type(f"pushcert {typed}\x14\x15echo do''ne\n")
    listed = shell.see(b"done\r\n")
    shell.end()
    return words_of(listed)


def completed_in_bash(path, typed):
    """Types the line and the tabulator key, and returns what stands in it then, up to a mark that is typed behind it."""
    shell = Shell("bash", "--norc", "--noprofile", "-i", HISTFILE="/dev/null", INPUTRC="/dev/null")
    shell.type(f"stty -echo; source '{path}'; pushcert() {{ printf '<%s>' \"$@\"; echo; }}; echo re''ady\n")
    shell.see(b"ready\r\n@@ ")
    shell.type(f"pushcert {typed}\tX\necho do''ne\n")
    seen = shell.see(b"done\r\n")
    shell.end()
    return re.findall("<([^>]*)>", seen)


def in_fish(path, typed, offered):
    command = f'source {path}; complete -C "pushcert {typed}"'
    environment = dict(os.environ, HOME=str(FOLDER), XDG_CONFIG_HOME=str(FOLDER))
    result = subprocess.run(["fish", "--no-config", "-c", command], capture_output=True, text=True, cwd=FOLDER, env=environment)
    return shortened([line.split("\t")[0].split("=")[-1].replace("\\ ", " ").rstrip("/") for line in result.stdout.splitlines()])


def in_zsh(path, typed, offered):
    """Types the line at a prompt, and the tabulator key: zsh completes nowhere else."""
    shell = Shell("zsh", "-f", ZDOTDIR=str(FOLDER))
    setup = (f"PS1=; fpath=({FOLDER} $fpath); autoload -U compinit; compinit -u -D; source {path}; compdef _pushcert pushcert; "
             "zstyle ':completion:*' list-prompt ''; zstyle ':completion:*' verbose no; setopt LIST_AMBIGUOUS; LISTMAX=1000; "
             "bindkey '^I' list-choices; echo re''ady")
    shell.type(setup + "\n")
    shell.see(b"ready\r\n")
    shell.type(f"pushcert {typed}\t")
    # What is typed before the list is there would end it.
    limit = time.monotonic() + 20
    while any(word.encode() not in shell.shown for word in offered) and time.monotonic() < limit:
        if select.select([shell.terminal], [], [], 0.1)[0]:
            shell.shown += os.read(shell.terminal, 65536)
    if not offered:
        # Nothing is waited for: what is listed comes before the answer to the next line.
        time.sleep(0.3)
    shell.type("\x15echo do''ne\n")
    listed = shell.see(b"done\r\n")
    expect(f"zsh runs nothing to complete \"pushcert {typed}\": {listed!r}", "not found" in listed, False)
    shell.end()
    return words_of(listed)


for shell, complete in (("bash", in_bash), ("fish", in_fish), ("zsh", in_zsh)):
    path = script(shell)
    for typed, offered, not_offered in CASES:
        found = complete(path, typed, offered)
        missing = [word for word in offered if word not in found]
        surplus = [word for word in not_offered if word in found]
        expect(f"{shell} completes \"pushcert {typed}\": missing {missing}, surplus {surplus}", (missing, surplus), ([], []))

bash = FOLDER / "script.bash"
for typed, words in (
    ("convert ap", ["convert", "aps.cer", "X"]),
    ("convert fol", ["convert", "folder/X"]),
    ("convert a\\ ", ["convert", "a b.p12", "X"]),
    ("convert -- ap", ["convert", "--", "aps.cer", "X"]),
    ("convert -o out.pem ap", ["convert", "-o", "out.pem", "aps.cer", "X"]),
    ("inspect --key=ap", ["inspect", "--key=aps.cer", "X"]),
    ("convert --passin en", ["convert", "--passin", "env:X"]),
    ("convert --passin=en", ["convert", "--passin=env:X"]),
    ("convert --passin st", ["convert", "--passin", "stdin", "X"]),
    ("convert --passin file:ap", ["convert", "--passin", "file:aps.cer", "X"]),
    ("explain ", ["explain", "X"]),
    ("csr ", ["csr", "-X"]),
    ("databa", ["database", "X"]),
    ("help database a", ["help", "database", "add", "X"]),
    ("help generate c", ["help", "generate", "completions", "X"]),
    ("help convert a", ["help", "convert", "aX"]),
    ("convert a.p12 -oap", ["convert", "a.p12", "-oaps.cer", "X"]),
    ("convert a.p12 -ofol", ["convert", "a.p12", "-ofolder/X"]),
    ("convert a.p12 -oa\\ ", ["convert", "a.p12", "-oa b.p12", "X"]),
    ("convert --passin env:HOM", ["convert", "--passin", "env:HOME", "X"]),
    ("convert --passin cmd:ap", ["convert", "--passin", "cmd:apX"]),
    ("convert --passin fd:ap", ["convert", "--passin", "fd:apX"]),
    ("check a.pem --expect rejected:certificate_r", ["check", "a.pem", "--expect", "rejected:certificate_revoked", "X"]),
    ("gateway --fault alert:unknown_", ["gateway", "--fault", "alert:unknown_ca", "X"]),
):
    expect(f"bash completes \"pushcert {typed}\"", completed_in_bash(bash, typed), words)

script_of_zsh = FOLDER / "script.zsh"
sourced = subprocess.run(["zsh", "-f", "-c", f"source '{script_of_zsh}'"], capture_output=True, text=True)
expect("without compinit the script for zsh says what to do", ("source them after" in sourced.stderr, "not found" in sourced.stderr),
       (True, False))
shell = Shell("zsh", "-f", ZDOTDIR=str(FOLDER))
shell.type(f"PS1=; autoload -U compinit; compinit -u -D; source '{script_of_zsh}'; pushcert() {{ printf '<%s>' $@; echo; }}; echo re''ady\n")
shell.see(b"ready\r\n")
for typed, words in (("en", "env:X"), ("file:ap", "file:aps.cer><X"), ("st", "stdin><X")):
    shell.type(f"pushcert convert --passin {typed}\tX\necho do''ne\n")
    seen = shell.see(b"done\r\n")
    expect(f"zsh completes --passin {typed}: {seen!r}", f"<convert><--passin><{words}>" in seen, True)
shell.end()

expect("no program ran while lines were completed", RAN.exists(), False)

pages = WORK / "man1"
pages.mkdir()
expect("the manual pages are written", run(PUSHCERT, "generate", "man", "--folder", pages).returncode, 0)
names = {page.stem for page in pages.iterdir()}
for page in sorted(pages.iterdir()):
    lint = run("mandoc", "-T", "lint", "-W", "warning", page)
    expect(f"mandoc reads {page.name}: {lint.stdout}", lint.returncode, 0)
    # Bold letters are printed twice.
    text = re.sub(".\b", "", run("mandoc", "-T", "ascii", page).stdout)
    expect(f"{page.name} has a synopsis and no sign for a hard space", ("SYNOPSIS" in text, "\u00a0" in text), (True, False))
    missing = [name for name in re.findall(r"(pushcert[a-z-]*)\(1\)", text) if name not in names]
    expect(f"{page.name} refers to pages that exist: {missing}", missing, [])
    printed = re.sub(".\b", "", run("mandoc", "-T", "utf8", page).stdout)
    lines = {line.strip() for line in printed.splitlines()}
    _, _, notes = run(PUSHCERT, *page.stem.split("-")[1:], "--help").stdout.partition("Examples:\n")
    broken = [line for line in notes.splitlines() if line.startswith("  ") and line.strip() not in lines]
    expect(f"{page.name} has the recipes of --help as they are: {broken}", broken, [])
finish()
