"""What the checks by other implementations share: running commands, counting results, the fixtures' table."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"


class Results:
    """Counts what passed and what failed, and says what failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, is_right, detail=""):
        if is_right:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name} {detail}".rstrip(), flush=True)

    def attempt(self, name, action):
        """Passes when `action` neither raises nor returns False."""
        try:
            self.check(name, action() is not False)
        except Exception as error:  # whatever a peer says against the file is a failure
            output = getattr(error, "stderr", None) or b""
            self.check(name, False, f"{error!r} {output.decode(errors='replace').strip()}")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def run(*command, data=None, environment=None):
    """Runs a command to its end and returns what it printed; raises when it fails."""
    environment = {**os.environ, **(environment or {})}
    return subprocess.run(
        [str(word) for word in command], input=data, capture_output=True, check=True, timeout=60, cwd=ROOT,
        env=environment).stdout


def fixture_rows():
    """(file, arguments, expectation) of every row of fixtures/README.md."""
    for line in (FIXTURES / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            yield cells[0].strip("`"), shlex.split(cells[2].strip("`")), cells[3]
