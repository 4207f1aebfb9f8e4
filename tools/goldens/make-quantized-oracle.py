"""Writes test/fixtures/goldens/quantized/oracle.json: what the compressed-tensors package makes of a tiny model.

    python tools/goldens/make-quantized-oracle.py

Made with compressed-tensors 0.20.0 and torch 2.11.0 on a CPU. The model is a Llama of two layers whose weights come
from a formula (test/fixtures/weights/formula-model.ts has the same), so only digests need to be kept: of every tensor
of every scheme, from the package's own `calculate_qparams`, `generate_gparam` and compressors. Weights are F32 because
the package divides in the weight's own dtype; with others it rounds once more than the formula asks for.
"""

import hashlib
import json
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


def model() -> dict[str, torch.Tensor]:
    names = [f"model.layers.{layer}.{linear}" for layer in range(LAYERS) for linear in LINEARS]
    return {name: formula_weights(seed, LINEARS[name.split(".", 3)[3]]) for seed, name in enumerate(names)}


def arguments(**changes) -> QuantizationArgs:
    return QuantizationArgs(**{"num_bits": 4, "type": "int", "symmetric": True, "dynamic": False, **changes})


# name -> (format, arguments, flags of `enginewright quantize`)
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
    state = {"weight": weight.clone()}
    if form == "nvfp4-pack-quantized":
        state["weight_global_scale"] = generate_gparam(shared.min(), shared.max())
    if args.strategy == "tensor":
        low, high = shared.min().reshape(1), shared.max().reshape(1)
    scale, zero = calculate_qparams(low, high, args, global_scale=state.get("weight_global_scale"))
    state |= {"weight_scale": scale, "weight_zero_point": zero}
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    return BaseCompressor.get_value_from_registry(form).compress(state, scheme)


def describe(tensor: torch.Tensor) -> dict:
    raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return {"shape": list(tensor.shape), "sha256": hashlib.sha256(raw).hexdigest()}


def main() -> None:
    weights = model()
    oracle: dict = {"weights": {name: describe(weight)["sha256"] for name, weight in weights.items()}, "schemes": {}}
    for scheme, (form, args) in SCHEMES.items():
        oracle["schemes"][scheme] = {
            f"{name}.{part}": describe(tensor)
            for name in weights
            for part, tensor in sorted(quantize(name, weights, form, args).items())
        }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(oracle, indent=1) + "\n")


if __name__ == "__main__":
    main()
