"""Writes docs/results/vllm-loading.md: does vLLM load what `enginewright quantize` writes?

    python tools/goldens/check-vllm-loading.py [MODEL]

Run with vllm 0.20.2 and what it imports (torch 2.11.0, transformers, compressed-tensors), after the build. MODEL is a
folder of a Llama (default: the sample). vLLM's kernels need a GPU, its reading of a model does not: this script tells
vLLM of a device of compute capability 9.0, lets it read the config, choose the scheme of each layer, make the very
model it serves (q, k, v and gate, up fused) and load the folder into it, on a CPU. Then every parameter must have been
loaded, and each fused parameter must be its parts from the files, one behind the other. One process a folder, because
vLLM is set up once in a process. Where there is no NVIDIA driver, a library of its name that answers "no device" to
every question is compiled with gcc, as vLLM's modules are linked against it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "results" / "vllm-loading.md"

INT4 = ["--scheme", "int4", "--group", "32", "--scale-dtype", "float16"]
ATTENTION = ["--exclude", "q_proj", "--exclude", "k_proj", "--exclude", "v_proj"]
FLAGS = [
    INT4,
    [*INT4, "--asymmetric"],
    ["--scheme", "int4", "--group", "row"],
    [*INT4, *ATTENTION],
    ["--scheme", "int8"],
    ["--scheme", "int8", "--activations", "dynamic"],
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


def driver_folder(folder: Path) -> str:
    """A folder with a libcuda.so.1 that has the symbols of vLLM's modules, each answering CUDA_ERROR_NO_DEVICE."""
    import importlib.util

    package = Path(importlib.util.find_spec("vllm").origin).parent
    symbols = set()
    for module in package.glob("*.so"):
        listing = subprocess.run(["nm", "-D", "--undefined-only", module], capture_output=True, text=True, check=True)
        names = [line.split()[-1].split("@")[0] for line in listing.stdout.splitlines()]
        symbols |= {name for name in names if name.startswith("cu") and name[2:3].isupper()}
    source = folder / "no_driver.c"
    source.write_text("".join(f"int {name}(void) {{ return 100; }}\n" for name in sorted(symbols)))
    library = folder / "libcuda.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library, source], check=True)
    return str(folder)


def pretend_device():
    """Tells vLLM of a device that it may plan for and never touches."""
    import vllm.platforms
    from vllm.platforms.cuda import NonNvmlCudaPlatform
    from vllm.platforms.interface import DeviceCapability

    class Pretended(NonNvmlCudaPlatform):
        @classmethod
        def get_device_capability(cls, device_id=0):
            return DeviceCapability(9, 0)

        @classmethod
        def get_device_name(cls, device_id=0):
            return "a device of compute capability 9.0"

        @classmethod
        def get_device_total_memory(cls, device_id=0):
            return 80 << 30

        @classmethod
        def is_fully_connected(cls, device_ids):
            return True

        @classmethod
        def num_compute_units(cls, device_id=0):
            return 132

    vllm.platforms._current_platform = Pretended()


def load_with_vllm(folder: str):
    """vLLM's model with the folder's tensors in it, and the names of the parameters it loaded."""
    pretend_device()
    import torch
    from safetensors import safe_open
    from vllm.config import DeviceConfig, ModelConfig, VllmConfig, set_current_vllm_config
    from vllm.distributed import init_distributed_environment, initialize_model_parallel
    from vllm.model_executor.model_loader.utils import initialize_model

    tensors = {}
    for file in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            tensors |= {name: opened.get_tensor(name) for name in opened.keys()}
    model_config = ModelConfig(model=folder, tokenizer=folder, dtype="float16", enforce_eager=True)
    config = VllmConfig(model_config=model_config, device_config=DeviceConfig("cpu"))
    with set_current_vllm_config(config), tempfile.NamedTemporaryFile() as meeting:
        init_distributed_environment(1, 0, f"file://{meeting.name}", 0, "gloo")
        initialize_model_parallel(1, 1, backend="gloo")
        torch.set_default_dtype(torch.float16)
        model = initialize_model(vllm_config=config)
        loaded = model.load_weights(iter(tensors.items()))
    return model, loaded, tensors


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


def look(folder: str) -> dict:
    model, loaded, tensors = load_with_vllm(folder)
    methods = set()
    for name, module in model.named_modules():
        method = getattr(module, "quant_method", None)
        if ".layers." in name and not name.endswith(".attn") and method is not None:
            scheme = getattr(module, "scheme", None)
            methods.add(type(scheme if scheme is not None else method).__name__)
    # Scales of the cache, and what belongs to no file, hang below the attention itself.
    parameters = {name: value for name, value in model.named_parameters() if ".attn." not in name}
    missing = sorted(set(parameters) - set(loaded))
    wrong = [name for name, value in parameters.items() if not is_made_of(value, parts_of(name, tensors))]
    return {"methods": sorted(methods), "parameters": len(parameters), "missing": missing, "wrong": wrong}


def check(model: Path, flags: list, work: Path, environment: dict) -> dict:
    folder = work / f"out-{len(list(work.iterdir()))}"
    cli = ["node", ROOT / "dist" / "cli" / "main.js", "quantize", model, folder, *flags, "--json"]
    subprocess.run(cli, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    own = [sys.executable, "-B", __file__, "--look", str(folder)]
    done = subprocess.run(own, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(flags)}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    if sys.argv[1:2] == ["--look"]:
        print(json.dumps(look(sys.argv[2])))
        return
    from importlib.metadata import version

    model = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "examples" / "sample" / "sample-llama"
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "driver").mkdir()
        libraries = [driver_folder(Path(scratch) / "driver"), os.environ.get("LD_LIBRARY_PATH", "")]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "VLLM_LOGGING_LEVEL": "ERROR"}
        environment["LD_LIBRARY_PATH"] = ":".join(filter(None, libraries))
        for flags in FLAGS:
            found = check(model, flags, Path(scratch), environment)
            print(" ".join(flags), found, file=sys.stderr)
            good = found["parameters"] - len({*found["missing"], *found["wrong"]})
            rows.append(f"| `{' '.join(flags)}` | {', '.join(found['methods'])} | {good} of {found['parameters']} |")
    versions = ", ".join(f"{name} {version(name)}" for name in ("vllm", "torch", "transformers", "compressed-tensors"))
    TARGET.write_text(
        "# Does vLLM load what `quantize` writes?\n\n"
        f"Made by `tools/goldens/check-vllm-loading.py` with {versions}, from the sample model. vLLM is told of a device of\n"
        "compute capability 9.0, reads the config, chooses how each layer is computed, makes the model it serves and loads the\n"
        "folder into it, on a CPU; its kernels, which need the device, are not run. *Equal*: parameters that hold exactly the\n"
        "bytes of the files, fused layers (q, k, v; gate, up) their parts one behind the other.\n\n"
        "| Flags | vLLM computes layers by | Equal |\n| --- | --- | ---: |\n" + "\n".join(rows) + "\n"
    )


main()
