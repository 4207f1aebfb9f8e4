"""What check-vllm-loading.py and check-sglang-loading.py share: the folders they load, and how a loaded model is looked at.

Both programs serve models on a GPU, yet they read a config, choose the scheme of each layer, make the very model they
serve (q, k, v and gate, up fused) and load a folder into it without one. They are told of a device of compute capability
9.0. Then every parameter must have been loaded, and each fused parameter must be its parts from the files, one behind the
other. One process a folder, because both are set up once in a process. Where there is no NVIDIA driver, a library of its
name that answers "no device" to every question is compiled with gcc, as their modules are linked against it.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

INT4 = ["--scheme", "int4", "--group", "32", "--scale-dtype", "float16"]
SMOOTHED = ["--method", "smoothquant", "--calibration", "examples/sample/data/calibration.jsonl", "--samples", "8"]
ATTENTION = ["--exclude", "q_proj", "--exclude", "k_proj", "--exclude", "v_proj"]
FLAGS = [
    INT4,
    [*INT4, "--asymmetric"],
    ["--scheme", "int4", "--group", "row"],
    [*INT4, *ATTENTION],
    ["--scheme", "int8"],
    ["--scheme", "int8", "--activations", "dynamic"],
    SMOOTHED,
    ["--scheme", "fp8"],
    ["--scheme", "fp8", "--block", "tensor"],
    ["--scheme", "fp8", "--block", "128x128"],
    ["--scheme", "nvfp4"],
    [*INT4, "--layout", "gptq"],
    [*INT4, "--layout", "gptq", *ATTENTION],
    [*INT4, "--layout", "gptq_v2", "--asymmetric"],
    ["--scheme", "int8", "--layout", "gptq"],
    [*INT4, "--layout", "awq"],
    [*INT4, "--layout", "awq", "--asymmetric"],
    [*INT4, "--layout", "awq", *ATTENTION],
]
# Llama's layers that run as one, and where their parts stand in the files.
FUSED = {"qkv_proj": ["q_proj", "k_proj", "v_proj"], "gate_up_proj": ["gate_proj", "up_proj"]}



def driver_folder(folder: Path, packages: list) -> str:
    """A folder with a libcuda.so.1 that has the symbols of the modules, each answering CUDA_ERROR_NO_DEVICE."""
    symbols = set()
    for package in packages:
        for module in Path(importlib.util.find_spec(package).origin).parent.rglob("*.so"):
            listing = subprocess.run(["nm", "-D", "--undefined-only", module], capture_output=True, text=True, check=True)
            names = [line.split()[-1].split("@")[0] for line in listing.stdout.splitlines()]
            symbols |= {name for name in names if name.startswith("cu") and name[2:3].isupper()}
    source = folder / "no_driver.c"
    source.write_text("".join(f"int {name}(void) {{ return 100; }}\n" for name in sorted(symbols)))
    library = folder / "libcuda.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library, source], check=True)
    return str(folder)


def tensors_of(folder: str) -> dict:
    from safetensors import safe_open

    tensors = {}
    for file in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            tensors |= {name: opened.get_tensor(name) for name in opened.keys()}
    return tensors


def parts_of(name: str, tensors: dict) -> list:
    """The tensors of the files that belong to one parameter of vLLM."""
    for fused, parts in FUSED.items():
        if f".{fused}." in name:
            return [tensors[name.replace(fused, part)] for part in parts]
    return [tensors[name]]


def is_made_of(parameter, parts: list) -> bool:
    import torch

    bytes_of = lambda tensor: tensor.detach().contiguous().view(torch.uint8)
    same = [part.to(parameter.dtype) for part in parts]
    if len(parts) == 1:
        return torch.equal(bytes_of(parameter).flatten(), bytes_of(same[0]).flatten())
    if parameter.dim() == 1:
        whole = torch.cat([part.flatten() for part in same])
        # The shape of a packed weight is kept once for all parts; only its number of columns is looked at.
        return torch.equal(parameter, whole) or torch.equal(parameter, same[-1])
    # Along the outputs, wherever the layout has them: the other dimension is the same for all parts.
    along = 0 if parameter.shape[1:] == same[0].shape[1:] else 1
    return torch.equal(bytes_of(parameter), bytes_of(torch.cat(same, dim=along)))


def look(model, tensors: dict) -> dict:
    """How the layers of a loaded model are computed, and which parameters are not what the files say."""
    methods = set()
    for name, module in model.named_modules():
        method = getattr(module, "quant_method", None)
        if ".layers." in name and not name.endswith(".attn") and method is not None:
            scheme = getattr(module, "scheme", None)
            methods.add(type(scheme if scheme is not None else method).__name__)
    # Scales of the cache, and what belongs to no file, hang below the attention itself.
    parameters = {name: value for name, value in model.named_parameters() if ".attn." not in name}
    wrong = [name for name, value in parameters.items() if not is_made_of(value, parts_of(name, tensors))]
    return {"methods": sorted(methods), "parameters": len(parameters), "wrong": wrong}


def describe(found: dict) -> str:
    if "refused" in found:
        return f"refused: `{found['refused']}` | –"
    equal = found["parameters"] - len(found["wrong"])
    return f"{', '.join(found['methods'])} | {equal} of {found['parameters']}"


def check(script: str, flags: list, model: Path, environment: dict) -> dict:
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "quantized"
        cli = ["node", ROOT / "dist" / "cli" / "main.js", "quantize", model, folder, *flags, "--json"]
        subprocess.run(cli, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        own = [sys.executable, "-B", script, "--look", str(folder)]
        done = subprocess.run(own, capture_output=True, text=True, env=environment)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    print(done.stderr[-3000:], file=sys.stderr)
    return {"refused": done.stderr.strip().splitlines()[-1].removeprefix("[rank0]: ")}


def run(script: str, name: str, packages: list, load) -> None:
    """The whole of a script: `load(folder)` gives the program's model with the folder's tensors in it."""
    if sys.argv[1:2] == ["--look"]:
        folder = sys.argv[2]
        print(json.dumps(look(load(folder), tensors_of(folder))))
        return
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "examples" / "sample" / "sample-llama"
    rows = []
    with tempfile.TemporaryDirectory() as driver:
        libraries = [driver_folder(Path(driver), packages), os.environ.get("LD_LIBRARY_PATH", "")]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "LD_LIBRARY_PATH": ":".join(filter(None, libraries))}
        for flags in FLAGS:
            found = check(script, flags, model, environment)
            print(" ".join(flags), found, file=sys.stderr)
            rows.append(f"| `{' '.join(flags)}` | {describe(found)} |")
    versions = ", ".join(f"{package} {version(package)}" for package in (packages[0], "torch", "transformers"))
    target = ROOT / "docs" / "results" / f"{packages[0]}-loading.md"
    target.write_text(
        f"# Does {name} load what `quantize` writes?\n\n"
        f"Made by `tools/goldens/{Path(script).name}` with {versions}, from the sample model.\n"
        f"{name} is told of a device of compute capability 9.0, reads the config, chooses how each layer is computed, makes the\n"
        "model it serves and loads the folder into it, on a CPU; its kernels, which need the device, are not run. *Equal*:\n"
        "parameters that hold exactly the bytes of the files, fused layers (q, k, v; gate, up) their parts one behind the other.\n\n"
        f"| Flags | {name} computes layers by | Equal |\n| --- | --- | ---: |\n" + "\n".join(rows) + "\n"
    )
