"""Writes test/fixtures/goldens/quantized/reading.json: quantized linears made by vllm and compressed-tensors, with the
weights that these say they stand for.

    python tools/goldens/make-reading-goldens.py

Run with vllm 0.20.2 (which brings compressed-tensors 0.15.0.1) and torch 2.11.0 on a CPU. Codes, scales, orders of columns
and packing are the packages' own (`quant_utils.py`, `nvfp4_emulation_utils.py`; `BaseCompressor`, `dequantize`), and so
are the dequantised weights; only names and `quantization_config` are given here, as the formats' writers have them.
"""

import base64
import json
from importlib.metadata import version
from pathlib import Path

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.compressors.nvfp4.helpers import pack_fp4_to_uint8
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.lifecycle.forward import dequantize, quantize
from compressed_tensors.quantization.utils import calculate_qparams
from vllm.model_executor.layers.quantization.utils.nvfp4_emulation_utils import dequantize_to_dtype, ref_nvfp4_quant
from vllm.model_executor.layers.quantization.utils.quant_utils import (
    GroupShape,
    awq_pack,
    gptq_pack,
    gptq_quantize_weights,
    pack_cols,
    quantize_weights,
    scaled_dequantize,
    scaled_quantize,
)
from vllm.scalar_type import scalar_types

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "test" / "fixtures" / "goldens" / "quantized" / "reading.json"
ROWS, COLUMNS, GROUP = 16, 128, 32
NAMES = {
    torch.int32: "I32",
    torch.int64: "I64",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
}


def weights(rows: int = ROWS, columns: int = COLUMNS) -> torch.Tensor:
    """[out, in] of float16 numbers, some large."""
    w = torch.randn(rows, columns, generator=torch.Generator().manual_seed(7)) * 0.05
    w[::5, ::17] *= 6
    return w.half()


def stored(tensor: torch.Tensor) -> dict:
    raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "bytes": base64.b64encode(raw).decode()}


def case(config: dict, parts: dict[str, torch.Tensor], read: torch.Tensor) -> dict:
    return {
        "config": config,
        "parts": {name: stored(tensor) for name, tensor in parts.items()},
        "weights": stored(read),
    }


def gptq(bits: int, group: int, act_order: bool = False) -> dict:
    kind = scalar_types.uint4b8 if bits == 4 else scalar_types.uint8b128
    read, codes, scales, order, _ = gptq_quantize_weights(weights().T.contiguous(), kind, group, act_order)
    if not act_order:
        order = torch.arange(COLUMNS, dtype=torch.int32) // (COLUMNS if group == -1 else group)
    groups = scales.shape[0]
    zeros = torch.full((groups, ROWS), kind.bias - 1, dtype=torch.int32)
    parts = {
        "qweight": gptq_pack(codes, bits, COLUMNS, ROWS),
        "qzeros": pack_cols(zeros, bits, groups, ROWS),
        "scales": scales,
        "g_idx": order.to(torch.int32),
    }
    config = {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": act_order, "sym": True}
    return case(config, parts, read.T)


def asymmetric(layout: str) -> dict:
    read, codes, scales, zeros = quantize_weights(weights().T.contiguous(), scalar_types.uint4, GROUP, zero_points=True)
    pack = awq_pack if layout == "awq" else pack_cols
    parts = {
        "qweight": (awq_pack if layout == "awq" else gptq_pack)(codes, 4, COLUMNS, ROWS),
        "qzeros": pack(zeros.to(torch.int32), 4, scales.shape[0], ROWS),
        "scales": scales,
    }
    common = {"bits": 4, "group_size": GROUP}
    if layout == "awq":
        return case({"quant_method": "awq", "version": "gemm", "zero_point": True, **common}, parts, read.T)
    parts["g_idx"] = torch.arange(COLUMNS, dtype=torch.int32) // GROUP
    config = {"quant_method": "gptq", "checkpoint_format": "gptq_v2", "sym": False, "desc_act": False, **common}
    return case(config, parts, read.T)


def compressed_config(form: str, args: QuantizationArgs) -> dict:
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": json.loads(args.model_dump_json())}},
    }


def compressed(form: str, order: torch.Tensor | None = None, **changes) -> dict:
    args = QuantizationArgs(**{"type": "int", "strategy": "group", "group_size": GROUP, "dynamic": False, **changes})
    w = weights().float()
    along = w if order is None else w[:, torch.argsort(order, stable=True)]
    groups = along.reshape(ROWS, -1, args.group_size or COLUMNS)
    scale, zero = calculate_qparams(groups.amin(2), groups.amax(2), args)
    state = {"weight": w, "weight_scale": scale, "weight_zero_point": zero}
    if order is not None:
        state["weight_g_idx"] = order
    parts = BaseCompressor.get_value_from_registry(form).compress(
        dict(state), QuantizationScheme(targets=["Linear"], weights=args)
    )
    codes = quantize(w, scale, zero, args, dtype=torch.int8, g_idx=order)
    read = dequantize(codes, scale, zero, args, g_idx=order)
    return case(compressed_config(form, args), parts, read)


def fp8(method: str) -> dict:
    shape = {"modelopt": GroupShape(ROWS, COLUMNS), "fp8": GroupShape(8, 64), "row": GroupShape(1, COLUMNS)}[method]
    codes, scales = scaled_quantize(weights().float(), shape, torch.float8_e4m3fn)
    read = scaled_dequantize(codes, scales, shape)
    if method == "modelopt":
        config = {"quant_method": "modelopt", "quant_algo": "FP8"}
        parts = {"weight_scale": scales.reshape(()), "input_scale": torch.ones(())}
    elif method == "fp8":
        config = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [8, 64]}
        parts = {"weight_scale_inv": scales}
    else:
        args = QuantizationArgs(num_bits=8, type="float", strategy="channel", dynamic=False)
        config = compressed_config("float-quantized", args)
        parts = {"weight_scale": scales}
    return case(config, {"weight": codes, **parts}, read)


def nvfp4(method: str) -> dict:
    w = weights().float()
    reciprocal = 6 * 448 / w.abs().max()
    values, scales = ref_nvfp4_quant(w, reciprocal, 16)
    packed = pack_fp4_to_uint8(values)
    stored_scales = scales.to(torch.float8_e4m3fn)
    if method == "modelopt":
        whole = 1 / reciprocal
        parts = {"weight": packed, "weight_scale": stored_scales, "weight_scale_2": whole}
        read = dequantize_to_dtype(packed, stored_scales, whole, torch.float32, swizzle=False)
        return case({"quant_method": "modelopt", "quant_algo": "NVFP4"}, parts, read)
    args = QuantizationArgs(num_bits=4, type="float", strategy="tensor_group", group_size=16, dynamic=False)
    whole = reciprocal.reshape(1)
    parts = {"weight_packed": packed, "weight_scale": stored_scales, "weight_global_scale": whole}
    read = dequantize(values, stored_scales.float(), None, args, global_scale=whole)
    return case(compressed_config("nvfp4-pack-quantized", args), parts, read)


def main() -> None:
    shuffled = (torch.randperm(COLUMNS, generator=torch.Generator().manual_seed(3)) // GROUP).to(torch.int32)
    # A fixed order of the columns in vllm too.
    torch.manual_seed(5)
    cases = {
        "gptq": gptq(4, GROUP),
        "gptq, the whole row": gptq(4, -1),
        "gptq, 8 bits": gptq(8, GROUP),
        "gptq, columns by activation": gptq(4, GROUP, act_order=True),
        "gptq, 8 bits, columns by activation": gptq(8, GROUP, act_order=True),
        "gptq_v2, asymmetric": asymmetric("gptq_v2"),
        "awq": asymmetric("awq"),
        "pack-quantized, asymmetric": compressed("pack-quantized", num_bits=4, symmetric=False),
        "pack-quantized, 8 bits": compressed("pack-quantized", num_bits=8),
        "pack-quantized, columns by activation": compressed(
            "pack-quantized", shuffled, num_bits=4, symmetric=False, actorder="group"
        ),
        "int-quantized": compressed("int-quantized", num_bits=8, strategy="channel", group_size=None),
        "float-quantized, a scale for each row": fp8("row"),
        "fp8 in blocks": fp8("fp8"),
        "FP8 of modelopt": fp8("modelopt"),
        "nvfp4-pack-quantized": nvfp4("compressed-tensors"),
        "NVFP4 of modelopt": nvfp4("modelopt"),
    }
    versions = {name: version(name) for name in ("vllm", "compressed-tensors", "torch")}
    TARGET.write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
