"""Makes what a contender wrote survive a power cut, so that all of them are measured to the same point."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    for path in [*sorted(folder.rglob("*")), folder, folder.parent]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
