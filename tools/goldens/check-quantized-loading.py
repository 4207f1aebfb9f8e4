"""Writes docs/results/quantize-loading.md: whether others read what `enginewright quantize` writes.

    python tools/goldens/check-quantized-loading.py [MODEL]

Run with torch 2.11.0, transformers 5.23.0 and compressed-tensors 0.20.0 on a CPU, after the build. MODEL is a folder of
a Llama (default: the sample). Folders of compressed-tensors are loaded by transformers and compared, weights and
logits, with a dequantiser written here that knows nothing of that package. gptq and awq have no reader that runs on a
CPU: their dequantiser follows AutoGPTQ's and AutoAWQ's formulas and must find the very weights of the
compressed-tensors folder with the same grid, and for awq the converter of the compressed-tensors package must agree.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from compressed_tensors import __version__ as compressed_tensors_version
from compressed_tensors.entrypoints.convert.converters import AutoAWQConverter
from compressed_tensors.quantization import disable_quantization
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, CompressedTensorsConfig

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "results" / "quantize-loading.md"

INT4 = ["--scheme", "int4", "--group", "32", "--scale-dtype", "float16"]
# Flags, and the folder whose weights must be the same.
FOLDERS = {
    "int4": (INT4, None),
    "int4-asymmetric": ([*INT4, "--asymmetric"], None),
    "int4-row": (["--scheme", "int4", "--group", "row"], None),
    "int4-excluded": ([*INT4, "--exclude", "down_proj"], None),
    "int8": (["--scheme", "int8"], None),
    "int8-dynamic": (["--scheme", "int8", "--activations", "dynamic"], None),
    "fp8-row": (["--scheme", "fp8"], None),
    "fp8-tensor": (["--scheme", "fp8", "--block", "tensor"], None),
    "fp8-blocks": (["--scheme", "fp8", "--block", "128x128"], None),
    "nvfp4": (["--scheme", "nvfp4"], None),
    "gptq": ([*INT4, "--layout", "gptq"], "int4"),
    "gptq_v2": ([*INT4, "--asymmetric", "--layout", "gptq_v2"], "int4-asymmetric"),
    "gptq-int8": (["--scheme", "int8", "--layout", "gptq", "--scale-dtype", "float16"], "int8"),
    "awq": ([*INT4, "--layout", "awq"], "int4"),
    "awq-asymmetric": ([*INT4, "--asymmetric", "--layout", "awq"], "int4-asymmetric"),
}


def unpack(words: torch.Tensor, bits: int, dim: int) -> torch.Tensor:
    """Unsigned codes of I32 words, lowest bits first along `dim`."""
    shifts = torch.arange(0, 32, bits)
    spread = (words.to(torch.int64).unsqueeze(-1) >> shifts) & (2**bits - 1)
    return spread.flatten(1) if dim == 1 else spread.movedim(-1, 1).flatten(0, 1)


def along(scales: torch.Tensor, columns: int) -> torch.Tensor:
    """Scales [rows, groups] for every column."""
    return scales.repeat_interleave(columns // scales.shape[1], dim=1)


def from_packed(part: dict, bits: int) -> torch.Tensor:
    rows, columns = part["weight_shape"].tolist()
    codes = unpack(part["weight_packed"], bits, 1)[:, :columns] - 2 ** (bits - 1)
    if "weight_zero_point" in part:
        zeros = unpack(part["weight_zero_point"], bits, 0)[:rows] - 2 ** (bits - 1)
        codes = codes - along(zeros, columns)
    return codes.float() * along(part["weight_scale"].float(), columns)


def from_float(part: dict) -> torch.Tensor:
    weight, scale = part["weight"].float(), part["weight_scale"].float()
    if scale.dim() == 1:
        return weight * scale
    if scale.shape[1] > 1 or scale.shape[0] < weight.shape[0]:
        scale = scale.repeat_interleave(128, 0).repeat_interleave(128, 1)[: weight.shape[0], : weight.shape[1]]
    return weight * scale


E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def from_nvfp4(part: dict) -> torch.Tensor:
    packed = part["weight_packed"]
    codes = torch.stack((packed & 15, packed >> 4), dim=-1).flatten(1).long()
    scale = part["weight_scale"].float() / part["weight_global_scale"]
    return E2M1[codes] * along(scale, codes.shape[1])


def from_gptq(part: dict, bits: int, version: str) -> torch.Tensor:
    """AutoGPTQ: W[i, o] = scales[g_idx[i], o] * (q - zero), zero stored less one in v1."""
    codes = unpack(part["qweight"], bits, 0)
    zeros = unpack(part["qzeros"], bits, 1) + (1 if version == "gptq" else 0)
    group = part["g_idx"].long()
    return (part["scales"].float()[group] * (codes - zeros[group])).T


def from_awq(part: dict) -> torch.Tensor:
    """AutoAWQ: nibble i of a word belongs to column [0, 2, 4, 6, 1, 3, 5, 7][i]."""
    order = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])

    def columns(words: torch.Tensor) -> torch.Tensor:
        nibbles = unpack(words, 4, 1).reshape(words.shape[0], -1, 8)
        return torch.empty_like(nibbles).index_copy(2, order, nibbles).flatten(1)

    codes, zeros = columns(part["qweight"]), columns(part["qzeros"])
    group = torch.arange(codes.shape[0]) // (codes.shape[0] // zeros.shape[0])
    return (part["scales"].float()[group] * (codes - zeros[group])).T


def dequantize(folder: Path) -> dict[str, torch.Tensor]:
    """Every tensor of the plain model, F32."""
    config = json.loads((folder / "config.json").read_text())["quantization_config"]
    tensors: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(file)
    modules: dict[str, dict] = {}
    for name, tensor in tensors.items():
        module, part = name.rsplit(".", 1)
        modules.setdefault(module, {})[part] = tensor
    plain = {}
    for module, part in modules.items():
        if "qweight" in part and config["quant_method"] == "awq":
            plain[f"{module}.weight"] = from_awq(part)
        elif "qweight" in part:
            plain[f"{module}.weight"] = from_gptq(part, config["bits"], config["checkpoint_format"])
        elif "weight_global_scale" in part:
            plain[f"{module}.weight"] = from_nvfp4(part)
        elif "weight_packed" in part:
            bits = config["config_groups"]["group_0"]["weights"]["num_bits"]
            plain[f"{module}.weight"] = from_packed(part, bits)
        elif "weight_scale" in part:
            plain[f"{module}.weight"] = from_float(part)
        else:
            plain |= {f"{module}.{name}": tensor.float() for name, tensor in part.items()}
    return plain


def logits_of(model, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(ids).logits.float()


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max())


def worst(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    """Largest difference of any weight, in parts of the largest weight of its tensor."""
    return max(difference(a[name], b[name]) / max(float(b[name].abs().max()), 1e-30) for name in b)


def check_loading(folder: Path, model: Path, ids: torch.Tensor, original: torch.Tensor) -> str:
    plain = dequantize(folder)
    reference = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    reference.load_state_dict(plain, strict=True)
    # Two faults of the package when weights stay compressed: for the empty model it forgets to pack zero points
    # (compressors/pack_quantized, the branch for meta tensors), so the shapes differ; and it unpacks nvfp4 to bfloat16
    # whatever the model's dtype is. Dequantizing on load does neither.
    is_faulty = any(word in folder.name for word in ("asymmetric", "nvfp4"))
    how = {"quantization_config": CompressedTensorsConfig(dequantize=True)} if is_faulty else {}
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **how)
    dynamic = difference(logits_of(loaded, ids), logits_of(reference, ids))
    loaded.apply(disable_quantization)
    weights = {name: tensor.float() for name, tensor in loaded.state_dict().items() if name in plain}
    missing = set(plain) - set(weights)
    if missing:
        raise SystemExit(f"{folder}: transformers lacks {sorted(missing)[:3]}")
    ours = logits_of(reference, ids)
    cells = [worst(weights, plain), difference(logits_of(loaded, ids), ours), dynamic, difference(ours, original)]
    return " | ".join(f"{cell:.1e}" for cell in cells)


def check_layout(folder: Path, other: Path) -> str:
    plain, expected = dequantize(folder), dequantize(other)
    cells = [f"{worst(plain, expected):.1e}", "–"]
    config = json.loads((folder / "config.json").read_text())["quantization_config"]
    if config["quant_method"] == "awq":
        converter = AutoAWQConverter.from_autoawq_config(config)
        tensors: dict[str, torch.Tensor] = {}
        for file in sorted(folder.glob("*.safetensors")):
            tensors |= load_file(file)
        modules = [name.removesuffix(".qweight") for name in tensors if name.endswith(".qweight")]
        converted = converter.process(tensors)
        found = {}
        for module in modules:
            part = {key.rsplit(".", 1)[1]: value for key, value in converted.items() if key.startswith(f"{module}.")}
            found[f"{module}.weight"] = from_packed(part, 4)
        cells[1] = f"{worst(found, {name: plain[name] for name in found}):.1e}"
    return " | ".join(cells)


def main() -> None:
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "examples" / "sample" / "sample-llama"
    torch.manual_seed(1)
    torch.set_num_threads(1)
    plain = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    ids = torch.randint(3, plain.config.vocab_size, (1, 48))
    original = logits_of(plain, ids)
    loading, layouts = [], []
    with tempfile.TemporaryDirectory() as work:
        for name, (flags, other) in FOLDERS.items():
            folder = Path(work) / name
            command = ["node", str(ROOT / "dist/cli/main.js"), "quantize", str(model), str(folder), "--json", *flags]
            report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            size = f"{report['bytesBefore'] / report['bytesAfter']:.2f}"
            words = f"`{' '.join(flags)}` | {size}"
            if other is None:
                loading.append(f"| {words} | {check_loading(folder, model, ids, original)} |")
            else:
                layouts.append(f"| {words} | {other} | {check_layout(folder, Path(work) / other)} |")
            print((loading if other is None else layouts)[-1], flush=True)
    TARGET.write_text(render(loading, layouts))


def render(loading: list[str], layouts: list[str]) -> str:
    versions = (
        f"transformers {transformers.__version__}, compressed-tensors {compressed_tensors_version}, "
        f"torch {torch.__version__.split('+')[0]}, on a CPU"
    )
    return "\n".join(
        [
            "# Do others load what `quantize` writes?",
            "",
            f"Made by `tools/goldens/check-quantized-loading.py` with {versions}, from the sample model in float32 and 48 random tokens. Differences are the largest of any element: of weights in parts of the tensor's largest weight, of logits as they are.",
            "",
            "## compressed-tensors, loaded by transformers",
            "",
            "*Weights* and *logits*: what `AutoModelForCausalLM.from_pretrained` made of the folder, against weights that a dequantiser of our own took from it. *Activations*: how far the logits move when inputs are quantized too, as the config asks for. *Lost*: logits of the dequantised weights against the original model.",
            "",
            "Two rows are loaded with `dequantize=True`, because of faults in this version of the package when weights stay compressed: it forgets to pack the zero points of the empty model, so asymmetric folders of any origin do not fit, and it unpacks nvfp4 to bfloat16 whatever the model's dtype. Their differences are one rounding each: 2⁻⁸ to bfloat16, 2⁻¹¹ to float16, the dtype of the asymmetric row's scales.",
            "",
            "| Flags | Times smaller | Weights | Logits | Activations | Lost |",
            "|---|---|---|---|---|---|",
            *loading,
            "",
            "## gptq and awq",
            "",
            "Their readers need a GPU. *Weights*: dequantised by AutoGPTQ's and AutoAWQ's formulas, against the compressed-tensors folder with the same grid. *Converter*: against what the AutoAWQ converter of the compressed-tensors package makes of the folder.",
            "",
            "| Flags | Times smaller | Compared with | Weights | Converter |",
            "|---|---|---|---|---|",
            *layouts,
            "",
        ]
    )


if __name__ == "__main__":
    main()
