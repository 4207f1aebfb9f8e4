"""Writes docs/results/large-files.md: whether torch reads the large .bin files that `convert` writes.

    python tools/goldens/check-large-loading.py FOLDER OLDER_PYTHON

Run with torch 2.11.0 on a CPU, after the build. FOLDER needs 6 GiB of room. OLDER_PYTHON is an interpreter with torch 1.13
(`pip install torch==1.13.1 'numpy<2'` in Python 3.11 or older), which this script starts on itself with --load; it needs
6 GiB of memory, because that torch has no mmap. The sources are written by hand: a tensor of five gibibytes that is a hole
of the disk but for some values, and more tensors than a plain zip counts.
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
# The values of the hole, by item: at both of its ends, and on both sides of four gibibytes.
SPOTS = {0: 1.5, (1 << 30) - 1: 2.5, 1 << 30: 3.5, HOLE_ITEMS - 1: 4.5}
MANY_BYTES = b"".join((i & 0xFFFF).to_bytes(2, "little") for i in range(RECORDS))


def begin(header: dict, file: Path):
    text = json.dumps(header).encode()
    handle = file.open("wb")
    handle.write(len(text).to_bytes(8, "little") + text)
    return handle


def write_hole(file: Path) -> None:
    """`hole` F32 of five gibibytes, zero but for SPOTS, and `small` behind it."""
    end = 4 * HOLE_ITEMS
    with begin(
        {
            "hole": {"dtype": "F32", "shape": [HOLE_ITEMS], "data_offsets": [0, end]},
            "small": {"dtype": "F32", "shape": [4], "data_offsets": [end, end + 16]},
        },
        file,
    ) as handle:
        start = handle.tell()
        for item, value in SPOTS.items():
            handle.seek(start + 4 * item)
            handle.write(torch.tensor([value]).numpy().tobytes())
        handle.seek(start + end)
        handle.write(torch.arange(4.0).numpy().tobytes())


def write_many(file: Path) -> None:
    entries = {f"t{i}": {"dtype": "U8", "shape": [2], "data_offsets": [2 * i, 2 * i + 2]} for i in range(RECORDS)}
    with begin(entries, file) as handle:
        handle.write(MANY_BYTES)


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


def verify_hole(file: Path, ways: list[dict]) -> None:
    for way in ways:
        state = torch.load(file, **way)
        require(list(state) == ["hole", "small"] and state["hole"].shape == (HOLE_ITEMS,), "other tensors")
        require(all(state["hole"][item].item() == value for item, value in SPOTS.items()), "other values")
        require(int(torch.count_nonzero(state["hole"])) == len(SPOTS), "other values")
        require(torch.equal(state["small"], torch.arange(4.0)), "other values")
        del state


def verify_many(file: Path, ways: list[dict]) -> None:
    for way in ways:
        state = torch.load(file, **way)
        found = torch.stack([state[f"t{i}"] for i in range(RECORDS)]).reshape(-1)
        require(len(state) == RECORDS and found.numpy().tobytes() == MANY_BYTES, "other values")


CHECKS = {
    "one tensor of 5 GiB, and one behind it": (write_hole, verify_hole, [True]),
    f"{RECORDS:,} tensors of 2 bytes": (write_many, verify_many, [True, False]),
}


def verify_plainly(files: list[str]) -> None:
    """Loads the files of CHECKS, in order, with this interpreter's torch and without mmap; says which torch that is."""
    for file, (_, verify, _) in zip(files, CHECKS.values(), strict=True):
        verify(Path(file), [{"weights_only": True}, {"weights_only": False}])
    print(torch.__version__.split("+")[0])


def main() -> None:
    work, older = Path(sys.argv[1]), sys.argv[2]
    rows, files = [], []
    for number, (title, (write, verify, maps)) in enumerate(CHECKS.items()):
        source, file = work / f"{number}.safetensors", work / f"{number}.bin"
        write(source)
        convert(source, file)
        source.unlink()
        verify(file, [{"weights_only": only, "mmap": mapped} for only in (True, False) for mapped in maps])
        how = "with and without `mmap`" if len(maps) == 2 else "with `mmap`"
        rows.append(f"| {title} | {file.stat().st_size:,} | {is_zip64(file)} | equal, {how} | equal |")
        files.append(str(file))
    # The rows are written only if this ends with 0.
    asked = subprocess.run([older, __file__, "--load", *files], check=True, stdout=subprocess.PIPE, text=True)
    for file in files:
        Path(file).unlink()
    TARGET.write_text(render(torch.__version__.split("+")[0], asked.stdout.strip(), rows))


def render(newer: str, older: str, rows: list[str]) -> str:
    lines = [
        "# Does torch load the large files `convert` writes?",
        "",
        f"Made by `tools/goldens/check-large-loading.py FOLDER OLDER_PYTHON` with torch {newer} and torch {older}, on a CPU:",
        "safetensors files written by hand, converted to `.bin`, and loaded with `weights_only` on and off. The older torch has no",
        "`mmap` and reads all into memory. *Beyond a plain zip*: what does not fit the fields of a zip without ZIP64, as Python's",
        "`zipfile` reads the archive.",
        "",
        f"| Tensors | Bytes of the `.bin` | Beyond a plain zip | torch {newer} | torch {older} |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        verify_plainly(sys.argv[2:])
    else:
        main()
