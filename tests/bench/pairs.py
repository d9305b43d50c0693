#!/usr/bin/env python3
"""Times commands as whole processes, in turn, and compares the first with each of the others pair by pair.

    pairs.py RUNS 'COMMAND' 'COMMAND' ...

Prints for each the median wall time and the peak memory, and for the others the median of the ratios
first/other, which holds when the machine's speed drifts. Commands are split as a shell splits words; what
they print is thrown away. Needs GNU time.
"""

import os
import shlex
import statistics
import subprocess
import sys
import time

QUIET = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDWR, 0) for number in (0, 1, 2)]


def measure(words):
    start = time.perf_counter()
    process = os.posix_spawnp(words[0], words, os.environ, file_actions=QUIET)
    _, status = os.waitpid(process, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit(f"{shlex.join(words)}: ended with {os.waitstatus_to_exitcode(status)}")
    return wall


def peak_memory(words):
    """Returns the peak in KiB; as a child of GNU time's, for a child of Python's begins with the peak of Python."""
    words = ["/usr/bin/time", "--format=%M", *words]
    return int(subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True).stderr.split()[-1])


def main():
    runs, commands = int(sys.argv[1]), [shlex.split(command) for command in sys.argv[2:]]
    peaks = [peak_memory(words) for words in commands]  # and a warm-up
    rounds = [[measure(words) for words in commands] for _ in range(runs)]
    for index, words in enumerate(commands):
        walls = [run[index] for run in rounds]
        ratio = ""
        if index:
            ratio = f", first/this {statistics.median(run[0] / run[index] for run in rounds):.2f}"
        print(f"  {statistics.median(walls) * 1000:8.2f} ms median, {peaks[index] / 1024:6.1f} MiB peak{ratio}  {shlex.join(words)}")


main()
