"""Writes docs/results/torch-loading.md: whether torch, safetensors and transformers read what `convert` writes.

    python tools/goldens/check-torch-loading.py OLDER_PYTHON

Run with torch 2.11.0, safetensors 0.8.0 and transformers 5.23.0 on a CPU, after the build. OLDER_PYTHON is an
interpreter with torch 1.13 (Debian 12: python3-torch), which this script starts on itself with --load.
Sources are written by safetensors' and torch's own writers, and every tensor that comes out is compared by its bytes.
"""

import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "results" / "torch-loading.md"
GOLDENS = ROOT / "test" / "fixtures" / "goldens" / "torch"

OLD_DTYPES = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64".split()
NEW_DTYPES = "uint16 uint32 uint64 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2".split()


def digest_of(tensor: torch.Tensor) -> str:
    data = tensor.detach().contiguous()
    content = bytes(data.reshape(-1).view(torch.uint8).tolist()) if data.numel() else b""
    return hashlib.sha256(f"{tensor.dtype} {list(tensor.shape)} ".encode() + content).hexdigest()


def digests(state: dict) -> dict[str, str]:
    return {name: digest_of(tensor) for name, tensor in state.items()}


def load_all(files: list[str]) -> None:
    """What this interpreter's torch makes of each file, as JSON on stdout: digests, or the error's name."""
    answers = {}
    for file in files:
        for weights_only in (True, False):
            try:
                answer = digests(torch.load(file, weights_only=weights_only))
            except Exception as error:  # noqa: BLE001 - any refusal is an answer
                answer = type(error).__name__
            answers[f"{file} {weights_only}"] = answer
    print(json.dumps({"torch": torch.__version__, "answers": answers}))


def filled(dtype: torch.dtype, shape: tuple, seed: int) -> torch.Tensor:
    count = 1
    for size in shape:
        count *= size
    width = torch.empty(0, dtype=dtype).element_size()
    top = 2 if dtype == torch.bool else 256
    values = [(seed * 31 + 7 * i) % top for i in range(count * width)]
    return torch.tensor(values, dtype=torch.uint8).view(dtype).reshape(shape)


def of_dtypes(names: list[str]) -> dict[str, torch.Tensor]:
    state = {}
    for seed, name in enumerate(names):
        dtype = getattr(torch, name)
        state[f"{name}.matrix"] = filled(dtype, (3, 5), seed)
        state[f"{name}.vector"] = filled(dtype, (7,), seed + 50)
        state[f"{name}.empty"] = torch.empty((0, 4), dtype=dtype)
        if name != "float4_e2m1fn_x2":
            state[f"{name}.scalar"] = filled(dtype, (), seed + 90)
    return state


def odd_names() -> dict[str, torch.Tensor]:
    names = ["a/b", "é", "\U0001f980", "\uff5e", "__proto__", "0", "10", "9", "", "x" * 300, 'quote"\\', "new\nline"]
    state = {name: torch.tensor([float(index)]) for index, name in enumerate(names)}
    return state | {f"many.{index}": torch.tensor([index]) for index in range(700)}


def convert(source: Path, target: Path, *flags: str) -> dict:
    command = ["node", str(ROOT / "dist/cli/main.js"), "convert", str(source), str(target), "--json", *flags]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


WAYS = list(itertools.product((True, False), repeat=3))


def load_every_way(file: Path) -> dict[str, str]:
    """Digests of a file, after all eight ways of loading it gave the same."""
    from torch.utils.serialization import config

    found = []
    for weights_only, mmap, calculate in WAYS:
        with config.patch({"load.calculate_storage_offsets": calculate}):
            found.append(digests(torch.load(file, weights_only=weights_only, mmap=mmap)))
    if any(answer != found[0] for answer in found):
        raise SystemExit(f"{file}: the ways of loading disagree")
    return found[0]


class Case:
    def __init__(self, title: str, file: Path, expected: dict[str, str], note: str = ""):
        self.title, self.file, self.expected, self.note = title, file, expected, note
        if load_every_way(file) != expected:
            raise SystemExit(f"{title}: torch {torch.__version__} reads other tensors")


def from_safetensors(work: Path) -> tuple[list[Case], list[str]]:
    from safetensors.torch import load_file, save_file

    cases, lines = [], []
    for title, state in {
        "dtypes that torch 1.13 has": of_dtypes(OLD_DTYPES),
        "dtypes since torch 2.1": of_dtypes(NEW_DTYPES),
        "odd names, and many": odd_names(),
    }.items():
        stem = title.replace(" ", "-").replace(",", "")
        source, bin_file, back = work / f"{stem}.safetensors", work / f"{stem}.bin", work / f"{stem}.back.safetensors"
        save_file(state, source, metadata={"format": "pt"})
        report = convert(source, bin_file, "--to", "bin")
        cases.append(Case(title, bin_file, digests(state), "; ".join(report["notices"])))
        convert(bin_file, back, "--to", "safetensors")
        if digests(load_file(back)) != digests(state):
            raise SystemExit(f"{title}: safetensors reads other tensors")
        same = "the same file" if back.read_bytes() == source.read_bytes() else "equal tensors"
        lines.append(f"| {title} | {len(state)} | {same} |")
    return cases, lines


def load_golden(name: str) -> tuple[dict, str]:
    try:
        return torch.load(GOLDENS / name, weights_only=False), ""
    except AttributeError:
        # torch 2.11 saves the newer dtypes in the legacy form, but does not load them: its reader of that form asks
        # UntypedStorage for a dtype. The same tensors lie in the zip form beside it.
        return torch.load(GOLDENS / name.replace("legacy", "zip"), weights_only=False), "torch cannot load this source"


def from_goldens(work: Path) -> tuple[list[Case], list[str]]:
    from safetensors.torch import load_file, save_file

    cases, lines = [], []
    for release in sorted(GOLDENS.glob("torch-*.json")):
        for name, facts in json.loads(release.read_text())["files"].items():
            state, note = load_golden(name)
            for key in facts["root"].split("/") if facts["root"] else []:
                state = state[key]
            root = ["--root", facts["root"]] if facts["root"] else []
            again, safe, reference = work / name, work / f"{name}.safetensors", work / "reference.safetensors"
            convert(GOLDENS / name, again, "--to", "bin", *root)
            cases.append(Case(f"`{name}`", again, digests(state), note))
            convert(GOLDENS / name, safe, "--to", "safetensors", *root)
            if digests(load_file(safe)) != digests(state):
                raise SystemExit(f"{name}: safetensors reads other tensors")
            apart = {key: tensor.detach().contiguous().clone() for key, tensor in state.items()}
            save_file(apart, reference, metadata={"format": "pt"})
            same = "the same file" if safe.read_bytes() == reference.read_bytes() else "equal tensors"
            lines.append(f"| `{name}` | {len(state)} | {same} |")
    return cases, lines


def tied_model(folder: Path, reference: Path) -> torch.nn.Module:
    """A Llama of transformers with tied embeddings, saved by transformers and as torch saves it: both names, one storage."""
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=160, tie_word_embeddings=True, torch_dtype="bfloat16",
    )
    torch.manual_seed(3)
    model = LlamaForCausalLM(config).to(torch.bfloat16).eval()
    model.save_pretrained(reference)
    folder.mkdir()
    for name in ("config.json", "generation_config.json"):
        (folder / name).write_bytes((reference / name).read_bytes())
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return AutoModelForCausalLM.from_pretrained(reference, dtype="auto")


def with_transformers(work: Path) -> list[str]:
    from transformers import AutoModelForCausalLM

    tied = work / "tied"
    model = tied_model(tied, work / "reference")
    ids = torch.arange(3, 43).reshape(1, 40)
    expected = model(ids).logits
    folders = {
        "bin → safetensors": (tied, ["--to", "safetensors"]),
        "bin → safetensors, `--aliases duplicate`": (tied, ["--to", "safetensors", "--aliases", "duplicate"]),
        "bin → safetensors, `--max-shard-size 100kB`": (tied, ["--to", "safetensors", "--max-shard-size", "100kB"]),
        "that → bin": (work / "2", ["--to", "bin"]),
        "that → bin, `--max-shard-size 100kB`": (work / "2", ["--to", "bin", "--max-shard-size", "100kB"]),
    }
    lines = []
    for number, (title, (source, flags)) in enumerate(folders.items()):
        folder = work / str(number)
        report = convert(source, folder, *flags)
        loaded, info = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", output_loading_info=True)
        faults = {kind: sorted(names) for kind, names in info.items() if names}
        if faults:
            raise SystemExit(f"{title}: {faults}")
        if not torch.equal(loaded(ids).logits, expected):
            raise SystemExit(f"{title}: other logits")
        shares = loaded.lm_head.weight.data_ptr() == loaded.model.embed_tokens.weight.data_ptr()
        kept = json.dumps(report["aliases"]).strip("{}").replace('"', "`") or "–"
        lines.append(f"| {title} | {len(report['files'])} | {report['tensors']} | {kept} | equal | {'yes' if shares else 'no'} |")
    return lines


def ask_older(python: str, cases: list[Case]) -> tuple[str, dict]:
    command = [python, __file__, "--load", *[str(case.file) for case in cases]]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer["torch"], answer["answers"]


def main() -> None:
    import safetensors
    import transformers

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        written, plain = from_safetensors(work)
        again, golden = from_goldens(work)
        cases = [*written, *again]
        older, answers = ask_older(sys.argv[1], cases)
        rows = []
        for case in cases:
            found = [answers[f"{case.file} {weights_only}"] for weights_only in (True, False)]
            if isinstance(found[0], dict) and any(answer != case.expected for answer in found):
                raise SystemExit(f"{case.title}: torch {older} reads other tensors")
            old = "equal" if isinstance(found[0], dict) else f"refuses ({found[0]})"
            rows.append(f"| {case.title} | {len(case.expected)} | equal | {old} | {case.note or '–'} |")
        versions = f"torch {torch.__version__.split('+')[0]} and {older}, safetensors {safetensors.__version__}, transformers {transformers.__version__}"
        TARGET.write_text(render(versions, rows, [*plain, *golden], with_transformers(work)))


def render(versions: str, rows: list[str], safe: list[str], models: list[str]) -> str:
    return "\n".join(
        [
            "# Do others load what `convert` writes?",
            "",
            f"Made by `tools/goldens/check-torch-loading.py` with {versions}, on a CPU. Every tensor is compared by dtype, shape and bytes with the source, which torch or safetensors wrote.",
            "",
            "## .bin, loaded by torch",
            "",
            f"The newer torch loads each file in {len(WAYS)} ways: `weights_only` on and off, `mmap` on and off, `calculate_storage_offsets` on and off; the older one with `weights_only` on and off. *Remark*: what `convert` says, or about the source.",
            "",
            "| Source | Tensors | newer torch | older torch | Remark |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "## .safetensors, loaded by safetensors",
            "",
            "*The same file*: byte for byte what safetensors' own `save_file` writes of these tensors.",
            "",
            "| Source | Tensors | Outcome |",
            "|---|---|---|",
            *safe,
            "",
            "## Folders, loaded by transformers",
            "",
            "A Llama with tied embeddings in bfloat16, as torch saves it. No key is missing, unexpected or of another shape, and the logits are, bit for bit, those of the folder that transformers itself saved.",
            "",
            "| Folder | Files | Tensors | Left out and recorded | Logits | Tied |",
            "|---|---|---|---|---|---|",
            *models,
            "",
        ]
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load_all(sys.argv[2:])
    else:
        main()
