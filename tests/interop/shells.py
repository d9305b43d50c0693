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
    ("check --gateway ", [], ["aps.cer"]),
    ("push --database ", [], ["aps.cer"]),
    ("check --expect ", [], ["aps.cer"]),
    ("gateway --listen ", [], ["aps.cer"]),
    ("gateway --p8-key ", [], ["aps.cer"]),
    ("gateway --fault ", [], ["aps.cer"]),
    ("device --gateway ", [], ["aps.cer"]),
)


def script(shell):
    result = run(PUSHCERT, "generate", "completions", shell)
    expect(f"the script for {shell} is printed", result.returncode, 0)
    path = FOLDER / f"script.{shell}"
    path.write_text(result.stdout)
    return path


def in_bash(path, typed, offered):
    """Calls the function as bash does, with the words of the line."""
    words = f"{typed}''" if typed.endswith(" ") or not typed else typed
    command = (f'source "{path}"; COMP_WORDS=(pushcert {words}); '
               'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="pushcert $1"; COMP_POINT=${#COMP_LINE}; '
               '_pushcert pushcert "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; printf "%s\\n" "${COMPREPLY[@]}"; '
               # What "complete -o default" does where the function has nothing.
               '[ ${#COMPREPLY[@]} = 0 ] && grep -q -- "-o default" "$0" && compgen -f -- "${COMP_WORDS[COMP_CWORD]}"')
    # A function that is called by hand has no options to change; whether it wants to tells that folders get their slash.
    command = f'compopt() {{ wanted="$*"; }}; {command}; echo "compopt $wanted" >&2'
    result = subprocess.run(["bash", "--norc", "-c", command, str(path), typed], capture_output=True, text=True, cwd=FOLDER)
    return result.stdout.splitlines()


def in_fish(path, typed, offered):
    command = f'source {path}; complete -C "pushcert {typed}"'
    environment = dict(os.environ, HOME=str(FOLDER), XDG_CONFIG_HOME=str(FOLDER))
    result = subprocess.run(["fish", "--no-config", "-c", command], capture_output=True, text=True, cwd=FOLDER, env=environment)
    return [line.split("\t")[0].replace("\\ ", " ").rstrip("/") for line in result.stdout.splitlines()]


def in_zsh(path, typed, offered):
    """Types the line at a prompt, and the tabulator key: zsh completes nowhere else."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(FOLDER)
        os.execvpe("zsh", ["zsh", "-f"], dict(os.environ, TERM="dumb", PS1="", ZDOTDIR=str(FOLDER), COLUMNS="200", PATH=PATH))
    shown = b""

    def see(text):
        nonlocal shown
        limit = time.monotonic() + 30
        while text not in shown:
            if time.monotonic() > limit:
                sys.exit(f"FAIL  zsh does not show {text!r}: {shown!r}")
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 65536)
        before, _, shown = shown.partition(text)
        return before

    setup = (f"PS1=; fpath=({FOLDER} $fpath); autoload -U compinit; compinit -u -D; source {path}; compdef _pushcert pushcert; "
             "zstyle ':completion:*' list-prompt ''; zstyle ':completion:*' verbose no; setopt LIST_AMBIGUOUS; LISTMAX=1000; "
             "bindkey '^I' list-choices; echo re''ady")
    os.write(terminal, setup.encode() + b"\n")
    see(b"ready\r\n")
    os.write(terminal, f"pushcert {typed}\t".encode())
    # What is typed before the list is there would end it.
    limit = time.monotonic() + 20
    while any(word.encode() not in shown for word in offered) and time.monotonic() < limit:
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 65536)
    if not offered:
        # Nothing is waited for: what is listed comes before the answer to the next line.
        time.sleep(0.3)
    os.write(terminal, b"\x15echo do''ne\n")
    listed = see(b"done\r\n").decode(errors="replace")
    expect(f"zsh runs nothing to complete \"pushcert {typed}\": {listed!r}", "not found" in listed, False)
    os.write(terminal, b"exit\n")
    os.close(terminal)
    os.waitpid(child, 0)
    # Names with a blank are shown as they would be typed.
    listed = listed.replace("\\ ", "\0").replace("a b.p12", "a\0b.p12")
    return [word.replace("\0", " ").rstrip("/") for word in re.split(r"\s+", listed)]


for shell, complete in (("bash", in_bash), ("fish", in_fish), ("zsh", in_zsh)):
    path = script(shell)
    for typed, offered, not_offered in CASES:
        found = complete(path, typed, offered)
        missing = [word for word in offered if word not in found]
        surplus = [word for word in not_offered if word in found]
        expect(f"{shell} completes \"pushcert {typed}\": missing {missing}, surplus {surplus}", (missing, surplus), ([], []))

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
finish()
