#!/usr/bin/env python3
"""A line that is being typed while the window is resized, in a terminal that breaks lines anew (tmux) and in one that does
not, and answers nothing (pyte).

    resizing.py PUSHCERT
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import codecs
import fcntl
import pty
import re
import select
import struct
import termios
import unicodedata

import pyte

need("tmux")

FOLDER = WORK / "a-folder-with-a-name-that-is-longer-than-a-window" / "another-folder-with-a-long-name"
FOLDER.mkdir(parents=True)
FILE = FOLDER / "证书证书证书.p12"
shutil.copy(FIXTURES / "p12/keychain.p12", FILE)
# What is above the question, and must stay there.
ABOVE = [f"above{number}" for number in range(1, 10)]
ROWS = 24
WAIT = 10


def script(arguments, above):
    folder = Path(tempfile.mkdtemp(dir=WORK))
    path = folder / "script"
    path.write_text(f"cd '{folder}'; printf '%s\\n' {' '.join(above)}\nexec '{PUSHCERT}' {arguments}\n")
    return path


class Tmux:
    """A pane of tmux, which breaks lines anew."""

    def __init__(self, arguments, columns, above):
        self.log = WORK / f"log{time.monotonic_ns()}"
        self.log.touch()
        self.socket = str(WORK / f"tmux{time.monotonic_ns()}")
        # It begins when its output is being written down.
        command = f"read start; clear; sh '{script(arguments, above)}'; read end"
        self.run("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", ROWS, command)
        self.run("set", "-g", "status", "off")
        self.run("set", "-g", "window-size", "manual")
        self.run("resize-window", "-x", columns, "-y", ROWS)
        self.run("pipe-pane", f"exec cat >> '{self.log}'")
        self.terminal = os.open(self.run("display", "-p", "#{pane_tty}").strip(), os.O_RDONLY | os.O_NOCTTY)
        self.type("\r")

    def run(self, *words):
        result = run("tmux", "-S", self.socket, *words)
        if result.returncode:
            finish(f"tmux {words}: {result.stderr}")
        return result.stdout

    def output(self):
        return self.log.read_text(errors="replace")

    def type(self, text):
        for part in re.findall("\r|\x1b\\[D|[^\r\x1b]+", text):
            named = {"\r": ["Enter"], "\x1b[D": ["Left"]}.get(part)
            self.run("send-keys", *(named or ["-l", part]))

    def resize(self, columns, rows):
        self.run("resize-window", "-x", columns, "-y", rows)
        wait(lambda: os.get_terminal_size(self.terminal).columns == columns)

    def screen(self):
        return self.run("capture-pane", "-p", "-S", "-").rstrip("\n").split("\n")

    def end(self):
        self.run("kill-server")
        os.close(self.terminal)


class Pyte:
    """A screen of pyte, which cuts lines off, and leaves questions about the cursor without an answer."""

    def __init__(self, arguments, columns, above):
        self.log = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.shown = pyte.Screen(columns, ROWS)
        self.stream = pyte.Stream(self.shown)
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execvpe("sh", ["sh", "-c", f"read start; sh '{script(arguments, above)}'; read end"], dict(os.environ, TERM="xterm"))
        self.set_size(columns, ROWS)
        self.type("\r")

    def read(self):
        while select.select([self.terminal], [], [], 0)[0]:
            text = self.decoder.decode(os.read(self.terminal, 65536))
            self.log += text
            self.stream.feed(text)

    def output(self):
        self.read()
        return self.log

    def type(self, text):
        os.write(self.terminal, text.encode())

    def set_size(self, columns, rows):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.read()
        self.shown.resize(rows, columns)
        self.set_size(columns, rows)

    def screen(self):
        self.read()
        return self.shown.display

    def end(self):
        os.kill(self.process, 9)
        os.close(self.terminal)
        os.waitpid(self.process, 0)


def wait(is_so):
    """Waits until something is so, and returns whether it is."""
    limit = time.monotonic() + WAIT
    while not is_so():
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


def width(text):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def plain(lines):
    return "".join(lines).replace(" ", "")


class Question:
    """A question that is being answered."""

    def __init__(self, terminal, columns, above, arguments, before, prompt):
        self.name = f"{terminal.__name__}, {prompt.rstrip(': ')}"
        self.terminal, self.columns, self.prompt, self.typed = terminal(arguments, columns, above), columns, prompt, ""
        for question, answer in before:
            self.see(question)
            self.terminal.type(answer + "\r")
        self.see(prompt)
        # All that shows but the question and its answer.
        self.above = plain(self.terminal.screen()).removesuffix(plain([prompt]))

    def see(self, text, start=0):
        if not wait(lambda: text in self.terminal.output()[start:]):
            finish(f"{self.name}: {text!r} does not show: {self.terminal.output()!r}")

    def shows(self, when):
        """The question and the text stand there once, and all that was above."""
        wanted = self.above + plain([self.prompt, self.typed])
        wait(lambda: plain(self.terminal.screen()) == wanted)
        expect(f"{self.name}: {when}", plain(self.terminal.screen()), wanted)

    def type(self, text, typed):
        start = len(self.terminal.output())
        self.terminal.type(text)
        self.typed = typed
        wait(lambda: len(self.terminal.output()) > start)
        self.shows(f"{text!r} is typed at {self.columns} columns")

    def resize(self, columns, rows=ROWS):
        start = len(self.terminal.output())
        all_of_it = width(self.prompt + self.typed)
        is_redrawn = all_of_it >= min(columns, self.columns)
        self.terminal.resize(columns, rows)
        if is_redrawn and columns != self.columns:
            end = (self.prompt + self.typed)[-3:]
            if not wait(lambda: end in self.terminal.output()[start:]):
                expect(f"{self.name}: the line is drawn at {columns} columns", False, True)
        self.shows(f"{all_of_it} columns, from {self.columns} to {columns}, {rows} rows")
        self.columns = columns

    def answer(self, shown):
        start = len(self.terminal.output())
        self.terminal.type("\r")
        self.see(shown, start)
        expect(f"{self.name}: the answer is taken whole", True, True)
        self.terminal.end()


MAIL = "jo.with.a.name.that.is.long@department.of.a.company.example.com"
CSR = ("csr --country DE --name Jo", (), "E-mail address: ")
WIZARD = ("wizard", (("Number, 1 to 3", "2"),), "Where is it? ")
LEFT = "\x1b[D"

for terminal in (Tmux, Pyte):
    for above in (ABOVE, ABOVE + [f"more{number}" for number in range(14)]):
        if terminal is Pyte and len(above) > ROWS - 8:
            continue
        # Narrower, wider, and typed on.
        for columns, others in ((80, (40, 80)), (80, (30, 20, 50, 120, 80)), (40, (100, 40, 25)), (100, (60, 99, 79, 80, 78, 100)), (30, (29, 31, 30))):
            question = Question(terminal, columns, above, *CSR)
            question.type(MAIL[:-4], MAIL[:-4])
            for other in others:
                question.resize(other)
            question.type(".", MAIL[:-3])
            question.type("com", MAIL)
            question.answer("emailAddress=" + MAIL)
    # The exact margin: at first, after, and with what is typed behind it, key by key.
    for columns, count in ((40, 24), (40, 64), (80, 24), (30, 44)):
        question = Question(terminal, columns, ABOVE, *CSR)
        question.type(MAIL[:count], MAIL[:count])
        for other in (40, 20, 80, 30, 60):
            question.resize(other)
        question.resize(columns)
        for end in range(count + 1, min(count + 5, len(MAIL)) + 1):
            question.type(MAIL[end - 1], MAIL[:end])
        question.resize(25)
        question.resize(70)
        question.terminal.end()
    # A cursor within the text, and a row that becomes two.
    for steps in (5, 35, 62):
        question = Question(terminal, 80, ABOVE, *CSR)
        question.type(MAIL + LEFT * steps, MAIL)
        for other in (40, 20, 70, 80, 41):
            question.resize(other)
        question.type("x", MAIL[:-steps] + "x" + MAIL[-steps:])
        question.resize(90)
        question.terminal.end()
    # A line that still fits when the window becomes wider, and does not when more is typed.
    question = Question(terminal, 20, ABOVE, *CSR)
    question.type("jo", "jo")
    question.resize(40)
    question.type("@example.company.com", "jo@example.company.com")
    question.resize(30)
    question.type(".uk", "jo@example.company.com.uk")
    if terminal is Tmux:
        question.resize(100, 10)
        question.resize(50, 24)
    question.answer("emailAddress=jo@example.company.com.uk")
    # The wizard, and wide characters.
    question = Question(terminal, 80, (), *WIZARD)
    question.type(str(FILE)[:-4], str(FILE)[:-4])
    if terminal is Tmux:
        for other in (40, 41, 37, 80, 120, 50):
            question.resize(other)
    else:
        # It cuts the list above off.
        for other in (100, 80, 120, 90):
            question.resize(other)
    question.type(".p12", str(FILE))
    question.answer(f"$ pushcert inspect '{FILE}'")


def is_again_after_a_stop():
    """Ctrl-Z and `fg` in an interactive shell: the question stands there again, with what was typed, and is answered."""
    socket = str(WORK / "tmux-stop")

    def tmux(*words):
        result = run("tmux", "-S", socket, *words)
        if result.returncode:
            finish(f"tmux {words}: {result.stderr}")
        return [line.rstrip() for line in result.stdout.rstrip("\n").split("\n")]

    def shown(is_so, what):
        wait(lambda: is_so(tmux("capture-pane", "-p")))
        lines = tmux("capture-pane", "-p")
        expect(f"stopped, and continued: {what}", is_so(lines) or lines, True)

    tmux("-f", "/dev/null", "new-session", "-d", "-c", WORK, "-x", 80, "-y", ROWS, "PS1='%% ' HISTFILE= bash --norc -i")
    shown(lambda lines: "%%" in lines, "a shell")
    tmux("send-keys", f"{PUSHCERT} csr --country DE --name Jo", "Enter")
    shown(lambda lines: lines[-1] == "E-mail address:", "the question")
    tmux("send-keys", "-l", "jo@x.com")
    shown(lambda lines: lines[-1] == "E-mail address: jo@x.com", "the text")
    tmux("send-keys", "C-z")
    shown(lambda lines: any("Stopped" in line for line in lines) and lines[-1] == "%%", "the shell again")
    tmux("send-keys", "clear; fg", "Enter")
    shown(lambda lines: lines[-1] == "E-mail address: jo@x.com", "the question and the text again")
    tmux("send-keys", "-l", ".uk")
    shown(lambda lines: lines[-1] == "E-mail address: jo@x.com.uk", "more of the text")
    tmux("send-keys", "Enter")
    shown(lambda lines: any("emailAddress=jo@x.com.uk" in line for line in lines), "the answer")
    tmux("kill-server")


is_again_after_a_stop()
finish()
