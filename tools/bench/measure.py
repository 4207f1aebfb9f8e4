"""Runs one command and prints what it took, as one line of JSON.

    python measure.py MEGABYTES COMMAND [ARGUMENT...]

`peakBytes` is the larger of two figures: the most that one process of the command ever held (the kernel's own
ru_maxrss), and the most that all of them were seen to hold together, asked every 50 ms. All begin alike: what others left
to write is written, the folders among the arguments were read, and MEGABYTES of memory are there. A virtual machine gives memory
that it has not used for seconds back to its host, files in the page cache included, and whoever comes next would pay
for taking it again.
"""

import json
import mmap
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
INTERVAL_SECONDS = 0.05


def children_of(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def resident_bytes(process: int) -> int:
    """Of a process and all below it; pages that several of them share count several times."""
    try:
        own = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
        return own + sum(resident_bytes(child) for child in children_of(process))
    except (OSError, ValueError):
        return 0


class Sampler(threading.Thread):
    def __init__(self, process: int):
        super().__init__(daemon=True)
        self.process = process
        self.most = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(INTERVAL_SECONDS):
            self.most = max(self.most, resident_bytes(self.process))


def settle(megabytes: int, arguments: list[str]) -> None:
    os.sync()
    for path in [path for folder in arguments if Path(folder).is_dir() for path in sorted(Path(folder).iterdir())]:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
    with mmap.mmap(-1, megabytes << 20) as memory:
        for page in range(0, len(memory), PAGE):
            memory[page] = 1


def main() -> None:
    # In a process that is gone afterwards: a child's peak begins with what its parent held.
    settling = os.fork()
    if settling == 0:
        settle(int(sys.argv[1]), sys.argv[2:])
        os._exit(0)
    os.waitpid(settling, 0)
    started = time.monotonic()
    # Its words go to stderr: stdout carries the figures alone.
    child = subprocess.Popen(sys.argv[2:], stdout=sys.stderr)
    sampler = Sampler(child.pid)
    sampler.start()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - started
    sampler.ended.set()
    figures = {
        "exitCode": os.waitstatus_to_exitcode(status),
        "seconds": round(seconds, 4),
        "cpuSeconds": round(usage.ru_utime + usage.ru_stime, 4),
        "peakBytes": max(usage.ru_maxrss * 1024, sampler.most),
    }
    print(json.dumps(figures))


main()
