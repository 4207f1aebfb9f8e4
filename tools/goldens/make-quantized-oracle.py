"""Writes test/fixtures/goldens/quantized/oracle.json: what the compressed-tensors package makes of a tiny model, and what
the three conventions of symmetric integers make of a small matrix.

    python tools/goldens/make-quantized-oracle.py

Made on a CPU; the file names the versions. The model is a Llama of two layers whose weights come from a formula
(test/fixtures/weights/formula-model.ts has the same, with its rows of small numbers and of zeros), so only digests need to
be kept: of every tensor of every scheme, from the package's own `calculate_qparams`, `generate_gparam` and compressors.

Models are F32, BF16 and F16. Scales are the package's for weights of that dtype, to the bit. Codes are those of its Triton
kernels (`_quantize_kernel`), which divide in float32 whatever the dtype; its fallback for a CPU divides in the weight's own
dtype and so rounds once more. Therefore weights and scales are handed to the compressors as float32 numbers.

The conventions are computed here, literally: full, amax / 2^(bits - 1), halves away from zero and divided before the
scale is rounded (TensorRT-LLM, cutlass_preprocessors.cpp); restricted, amax / (2^(bits - 1) - 1) (ModelOpt); centred,
amax / ((2^bits - 1) / 2) (compressed-tensors). Quotients are float32, their rounding is exact.
"""

import base64
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "test" / "fixtures" / "goldens" / "quantized" / "oracle.json"

HIDDEN, INTERMEDIATE, KEYS, LAYERS = 128, 256, 64, 2
LINEARS = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (KEYS, HIDDEN),
    "self_attn.v_proj": (KEYS, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INTERMEDIATE, HIDDEN),
    "mlp.up_proj": (INTERMEDIATE, HIDDEN),
    "mlp.down_proj": (HIDDEN, INTERMEDIATE),
}
DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


def formula_weights(seed: int, shape: tuple[int, int]) -> torch.Tensor:
    """Hashed indexes as numbers in ±0.05, one in 101 six times as large; exact in float64, rounded once to float32."""
    x = np.arange(shape[0] * shape[1], dtype=np.uint64) + np.uint64(seed * 1_000_003)
    mask = np.uint64(0xFFFFFFFF)
    for _ in range(2):
        x = (x ^ (x >> np.uint64(16))) * np.uint64(0x45D9F3B) & mask
    x = x ^ (x >> np.uint64(16))
    value = (x.astype(np.float64) / 2**31 - 1) * 0.05
    value = np.where(x % np.uint64(101) == 0, value * 6, value)
    return torch.from_numpy(value.astype(np.float32)).reshape(shape)


def with_odd_rows(weight: torch.Tensor) -> torch.Tensor:
    """Rows of numbers so small that a scale of theirs leaves some dtypes, a row of zeros, and groups of zeros."""
    weight = weight.clone()
    for row, factor in ((1, 1e-6), (2, 1e-9), (3, 1e-30)):
        weight[row] = (weight[row].double() * factor).float()
    weight[4] = 0
    weight[5, 32:64] = 0
    weight[6, 16:32] = (weight[6, 16:32].double() * 1e-9).float()
    return weight


def model(dtype: torch.dtype) -> dict[str, torch.Tensor]:
    names = [f"model.layers.{layer}.{linear}" for layer in range(LAYERS) for linear in LINEARS]
    # The second layer is left as it is.
    layers = [(name, formula_weights(seed, LINEARS[name.split(".", 3)[3]])) for seed, name in enumerate(names)]
    return {name: (with_odd_rows(w) if ".0." in name else w).to(dtype) for name, w in layers}


def scaled_model() -> dict[str, torch.Tensor]:
    """A layer of zeros and one whose linears differ in size, so that every scale of a tensor is another number."""
    weights = {}
    for seed, (name, weight) in enumerate(model(torch.float32).items()):
        weights[name] = (weight.double() * (1 + 0.173 * seed)).float() if ".1." in name else torch.zeros_like(weight)
    return weights


def arguments(**changes) -> QuantizationArgs:
    return QuantizationArgs(**{"num_bits": 4, "type": "int", "symmetric": True, "dynamic": False, **changes})


# name -> (format, arguments)
SCHEMES = {
    "int4-group-32": ("pack-quantized", arguments(strategy="group", group_size=32)),
    "int4-group-32-asymmetric": ("pack-quantized", arguments(strategy="group", group_size=32, symmetric=False)),
    "int4-row": ("pack-quantized", arguments(strategy="channel")),
    "int8-row": ("pack-quantized", arguments(num_bits=8, strategy="channel")),
    "int8-row-asymmetric": ("pack-quantized", arguments(num_bits=8, strategy="channel", symmetric=False)),
    "int8-row-dynamic": ("int-quantized", arguments(num_bits=8, strategy="channel")),
    "fp8-row": ("float-quantized", arguments(num_bits=8, type="float", strategy="channel")),
    "fp8-tensor": ("float-quantized", arguments(num_bits=8, type="float", strategy="tensor")),
    "fp8-128x128": (
        "float-quantized",
        arguments(num_bits=8, type="float", strategy="block", block_structure=[128, 128]),
    ),
    "nvfp4": (
        "nvfp4-pack-quantized",
        arguments(type="float", strategy="tensor_group", group_size=16, scale_dtype=torch.float8_e4m3fn),
    ),
}


def extremes(weight: torch.Tensor, args: QuantizationArgs) -> tuple[torch.Tensor, torch.Tensor]:
    """Smallest and largest weight of everything that shares a scale."""
    rows, columns = weight.shape
    strategy = str(getattr(args.strategy, "value", args.strategy))
    if strategy == "tensor":
        return weight.min().reshape(1), weight.max().reshape(1)
    if strategy == "channel":
        return weight.amin(1, keepdim=True), weight.amax(1, keepdim=True)
    if strategy in ("group", "tensor_group"):
        groups = weight.reshape(rows, columns // args.group_size, args.group_size)
        return groups.amin(2), groups.amax(2)
    height, width = args.block_structure
    padding = (0, -columns % width, 0, -rows % height)
    padded = torch.nn.functional.pad(weight, padding)
    blocks = padded.reshape(padded.shape[0] // height, height, padded.shape[1] // width, width)
    return blocks.amin((1, 3)), blocks.amax((1, 3))


# Linears that engines run as one; they have to share the scale of the whole tensor.
FUSED = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))


def partners(name: str) -> list[str]:
    stem, own = name.rsplit(".", 1)
    return [f"{stem}.{other}" for group in FUSED if own in group for other in group] or [name]


def quantize(name: str, weights: dict[str, torch.Tensor], form: str, args: QuantizationArgs) -> dict[str, torch.Tensor]:
    weight = weights[name]
    shared = torch.cat([weights[other].flatten() for other in partners(name)])
    low, high = extremes(weight, args)
    state = {"weight": weight.float()}
    if form == "nvfp4-pack-quantized":
        state["weight_global_scale"] = global_scale(shared)
    if args.strategy == "tensor":
        low, high = shared.min().reshape(1), shared.max().reshape(1)
    scale, zero = calculate_qparams(low, high, args, global_scale=state.get("weight_global_scale"))
    state |= {"weight_scale": scale.float(), "weight_zero_point": zero}
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    parts = BaseCompressor.get_value_from_registry(form).compress(state, scheme)
    return parts if form == "nvfp4-pack-quantized" else parts | {"weight_scale": scale}


def global_scale(weights: torch.Tensor) -> torch.Tensor:
    """The package's; but where binary16 ends it takes 1, and we the quotient in float32."""
    scale = generate_gparam(weights.min(), weights.max())
    if weights.dtype == torch.float16 and scale == 1:
        return generate_gparam(weights.float().min(), weights.float().max())
    return scale


def packed(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


DIVISORS = {
    "full": lambda bits: 2 ** (bits - 1),
    "restricted": lambda bits: 2 ** (bits - 1) - 1,
    "centred": lambda bits: (2**bits - 1) / 2,
}


def away_from_zero(quotients: np.ndarray) -> np.ndarray:
    return np.trunc(quotients.astype(np.float64) + np.copysign(0.5, quotients))


def integers(weights: np.ndarray, bits: int, convention: str, dtype: torch.dtype) -> tuple[np.ndarray, torch.Tensor]:
    """Codes [rows, columns] and scales [rows], one row a group."""
    half = 2 ** (bits - 1)
    scale = np.abs(weights).max(1) / np.float32(DIVISORS[convention](bits))
    stored = torch.from_numpy(scale).to(dtype)
    if convention == "restricted":
        stored[torch.from_numpy(scale) == 0] = 1
    if convention == "centred":
        stored[stored == 0] = torch.finfo(dtype).eps
    divisor = scale if convention == "full" else stored.float().numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = np.where(divisor[:, None] > 0, weights / divisor[:, None], np.float32(0))
    rounded = away_from_zero(quotients) if convention == "full" else np.rint(quotients)
    return np.clip(rounded, -half, half - 1).astype(np.int8), stored


def convention_rows(bits: int) -> np.ndarray:
    """For each convention a row whose scale is exactly 1 and which is halves else; then rows of any numbers."""
    halves = (np.arange(63) % 29 - 14) / 2 if bits == 4 else (np.arange(63) - 31) * 4 + 0.5
    exact = [[sign * divisor(bits), *halves] for divisor in DIVISORS.values() for sign in (1, -1)]
    any_numbers = formula_weights(77 + bits, (6, 64)).numpy().copy()
    any_numbers[3] *= np.float32(1e-6)
    any_numbers[4] = 0
    any_numbers[5] = np.abs(any_numbers[5])
    return np.concatenate([np.array(exact, dtype=np.float32), any_numbers])


def conventions() -> list[dict]:
    return [convention_case(bits, convention) for bits in (4, 8) for convention in DIVISORS]


def convention_case(bits: int, convention: str) -> dict:
    rows = convention_rows(bits)
    stored = {}
    for name, dtype in DTYPES.items():
        codes, scales = integers(rows, bits, convention, dtype)
        stored[name] = {"codes": packed(codes), "scales": packed(scales.reshape(-1).view(torch.uint8).numpy())}
    return {
        "bits": bits,
        "convention": convention,
        "shape": list(rows.shape),
        "weights": packed(rows),
        "stored": stored,
    }


def describe(tensor: torch.Tensor) -> dict:
    raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return {"shape": list(tensor.shape), "sha256": hashlib.sha256(raw).hexdigest()}


def describe_schemes(weights: dict[str, torch.Tensor]) -> dict:
    return {
        scheme: {
            f"{name}.{part}": describe(tensor)
            for name in weights
            for part, tensor in sorted(quantize(name, weights, form, args).items())
        }
        for scheme, (form, args) in SCHEMES.items()
    }


def main() -> None:
    models = {name: model(dtype) for name, dtype in DTYPES.items()} | {"scaled": scaled_model()}
    oracle = {
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("compressed-tensors", "torch", "numpy")},
        },
        "models": {
            name: {
                "weights": {module: describe(weight)["sha256"] for module, weight in weights.items()},
                "schemes": describe_schemes(weights),
            }
            for name, weights in models.items()
        },
        "conventions": conventions(),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(oracle, indent=1) + "\n")


if __name__ == "__main__":
    main()
