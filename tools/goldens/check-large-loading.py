"""Writes docs/results/large-files.md: whether torch reads the large .bin files that `convert` writes.

    python tools/goldens/check-large-loading.py FOLDER

Run with torch 2.11.0 on a CPU, after the build. FOLDER needs 6 GiB of room. The sources are written
by hand: a tensor of five gibibytes that is a hole of the disk but for some values, and more tensors than a plain zip counts.
"""

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "results" / "large-files.md"
HOLE_ITEMS = 5 << 28
RECORDS = 66_000


def begin(header: dict, file: Path):
    text = json.dumps(header).encode()
    handle = file.open("wb")
    handle.write(len(text).to_bytes(8, "little") + text)
    return handle


def write_hole(file: Path) -> dict[int, float]:
    """`hole` F32 of five gibibytes, zero but for what is returned, and `small` behind it."""
    end = 4 * HOLE_ITEMS
    spots = {0: 1.5, (1 << 30) - 1: 2.5, 1 << 30: 3.5, HOLE_ITEMS - 1: 4.5}
    with begin(
        {
            "hole": {"dtype": "F32", "shape": [HOLE_ITEMS], "data_offsets": [0, end]},
            "small": {"dtype": "F32", "shape": [4], "data_offsets": [end, end + 16]},
        },
        file,
    ) as handle:
        start = handle.tell()
        for item, value in spots.items():
            handle.seek(start + 4 * item)
            handle.write(torch.tensor([value]).numpy().tobytes())
        handle.seek(start + end)
        handle.write(torch.arange(4.0).numpy().tobytes())
    return spots


def write_many(file: Path) -> None:
    entries = {f"t{i}": {"dtype": "U8", "shape": [2], "data_offsets": [2 * i, 2 * i + 2]} for i in range(RECORDS)}
    with begin(entries, file) as handle:
        handle.write(b"".join((i & 0xFFFF).to_bytes(2, "little") for i in range(RECORDS)))


def convert(source: Path, target: Path) -> float:
    began = time.monotonic()
    command = ["node", str(ROOT / "dist/cli/main.js"), "convert", str(source), str(target), "--to", "bin", "--json"]
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - began


def require(fact: bool, words: str) -> None:
    if not fact:
        raise SystemExit(words)


def is_zip64(file: Path) -> str:
    """What in the archive is beyond the fields of a plain one, as Python's zipfile reads it."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    facts = {
        "a record": max(entry.file_size for entry in entries) >= 1 << 32,
        "an offset": max(entry.header_offset for entry in entries) >= 1 << 32,
        "the count of records": len(entries) > 0xFFFF,
    }
    return " and ".join(name for name, holds in facts.items() if holds)


def check_hole(work: Path) -> str:
    source, file = work / "hole.safetensors", work / "hole.bin"
    spots = write_hole(source)
    convert(source, file)
    beyond = is_zip64(file)
    for weights_only in (True, False):
        state = torch.load(file, weights_only=weights_only, mmap=True)
        require(list(state) == ["hole", "small"] and state["hole"].shape == (HOLE_ITEMS,), "other tensors")
        require(all(state["hole"][item].item() == value for item, value in spots.items()), "other values")
        require(int(torch.count_nonzero(state["hole"])) == len(spots), "other values")
        require(torch.equal(state["small"], torch.arange(4.0)), "other values")
        del state
    row = f"| one tensor of 5 GiB, and one behind it | {file.stat().st_size:,} | {beyond} | equal, with `mmap` |"
    source.unlink()
    file.unlink()
    return row


def check_many(work: Path) -> str:
    source, file = work / "many.safetensors", work / "many.bin"
    write_many(source)
    convert(source, file)
    beyond = is_zip64(file)
    for weights_only in (True, False):
        for mmap in (True, False):
            state = torch.load(file, weights_only=weights_only, mmap=mmap)
            found = torch.stack([state[f"t{i}"] for i in range(RECORDS)]).reshape(-1)
            bytes_ = source.read_bytes()[-2 * RECORDS :]
            require(len(state) == RECORDS and found.numpy().tobytes() == bytes_, "other values")
    return f"| {RECORDS:,} tensors of 2 bytes | {file.stat().st_size:,} | {beyond} | equal, with and without `mmap` |"


def main() -> None:
    work = Path(sys.argv[1])
    rows = [check_hole(work), check_many(work)]
    lines = [
        "# Does torch load the large files `convert` writes?",
        "",
        "Made by `tools/goldens/check-large-loading.py` with "
        f"torch {torch.__version__.split('+')[0]}, on a CPU: safetensors files written by hand, converted to `.bin`, and",
        "loaded with `weights_only` on and off. *Beyond a plain zip*: what does not fit the fields of a zip without ZIP64, as",
        "Python's `zipfile` reads the archive.",
        "",
        "| Tensors | Bytes of the `.bin` | Beyond a plain zip | torch |",
        "|---|---|---|---|",
        *rows,
        "",
    ]
    TARGET.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
