"""What torch and safetensors themselves do with the hostile corpus, one sandboxed process a file.

usage: python3 check-hostile-files.py CORPUS_FOLDER OUTPUT.md
The corpus: npx tsx test/fixtures/hostile/write-corpus.ts CORPUS_FOLDER. Made with torch 2.11.0, safetensors 0.8.0.
Each file is opened in a forked child with 4 GiB of memory and 60 s, in a folder of its own; the payloads create a canary
there and do nothing else.
"""

import json
import os
import pathlib
import resource
import signal
import sys
import tempfile
import time
import warnings

import safetensors
import torch

CANARY = "this-file-must-not-exist"
SECONDS = 60


def open_file(path, mode):
    if path.suffix == ".safetensors":
        with safetensors.safe_open(str(path), "np") as file:
            return f"accepted, {len(file.keys())} tensors"
    found = torch.load(str(path), weights_only=mode == "weights_only", map_location="cpu")
    return f"accepted, {len(found) if hasattr(found, '__len__') else type(found).__name__} entries"


def answer_in_child(path, mode, folder):
    """Runs in a child that may be killed at any time; its answer is a file."""
    os.chdir(folder)
    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (4 << 30), used + (4 << 30)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    try:
        answer = open_file(path, mode)
    except BaseException as problem:
        answer = f"refused: {type(problem).__name__}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    pathlib.Path("answer").write_text(answer + (f" ({peak} MiB)" if peak > 1024 else ""))


def open_with(path, mode):
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            os.setsid()
            answer_in_child(path, mode, folder)
            os._exit(0)
        end = time.monotonic() + SECONDS
        done, status = os.waitpid(child, os.WNOHANG)
        while done == 0 and time.monotonic() < end:
            time.sleep(0.01)
            done, status = os.waitpid(child, os.WNOHANG)
        if done == 0:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            answer = f"does not end in {SECONDS} s"
        elif os.WIFSIGNALED(status):
            answer = f"dies of signal {os.WTERMSIG(status)}"
        else:
            written = pathlib.Path(folder) / "answer"
            answer = written.read_text() if written.exists() else "ends the process"
        ran = (pathlib.Path(folder) / CANARY).exists()
    return answer + (" — **its code ran**" if ran else "")


def main():
    corpus, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    cases = json.loads((corpus / "cases.json").read_text())
    rows = []
    for case in cases:
        if case["kind"] not in ("safetensors", "bin"):
            continue
        (file,) = (corpus / case["name"]).iterdir()
        modes = ["weights_only", "everything"] if case["kind"] == "bin" else [""]
        answers = [open_with(file, mode) for mode in modes]
        rows.append((case["name"], case["failure"], answers[0], answers[1] if len(answers) > 1 else ""))
    lines = [
        "# Hostile files, and what the reference readers do with them",
        "",
        "Made by `tools/goldens/check-hostile-files.py` with "
        f"torch {torch.__version__.split('+')[0]}, safetensors {safetensors.__version__}: every safetensors and `.bin` case of",
        "`test/fixtures/hostile`, each opened in a process of its own with 4 GiB of memory and 60 s. enginewright refuses all of",
        "them by the name in the second column, runs nothing, and stays below 512 MiB and 20 s",
        "(`test/conformity/hostile-*.test.ts`).",
        "",
        "| case | enginewright | safetensors, or torch with `weights_only=True` | torch with `weights_only=False` |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]
    out.write_text("\n".join(lines))


main()
