"""Writes a random Llama in bfloat16 and a LoRA adapter for it, the same for the same size.

    python make-model.py --gigabytes 2 --model DIR --adapter DIR

The shapes are those of a Llama with a hidden size of 2048; its number of layers makes the size. The adapter is what
peft saves: r = 16, float32, on every linear but lm_head. Prints facts as JSON.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, LlamaConfig

from durable import sync_folder

HIDDEN, INTERMEDIATE, VOCABULARY, HEADS, KEY_VALUE_HEADS, RANK = 2048, 5632, 32000, 16, 8, 16
KEY_VALUE = HIDDEN // HEADS * KEY_VALUE_HEADS
# [out, in] of the linears of a layer.
LINEARS = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (KEY_VALUE, HIDDEN),
    "self_attn.v_proj": (KEY_VALUE, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INTERMEDIATE, HIDDEN),
    "mlp.up_proj": (INTERMEDIATE, HIDDEN),
    "mlp.down_proj": (HIDDEN, INTERMEDIATE),
}
NORMS = ("input_layernorm", "post_attention_layernorm")
BYTES = 2  # of an item


def layer_shapes(layer: int) -> dict[str, tuple[int, ...]]:
    prefix = f"model.layers.{layer}."
    linears = {f"{prefix}{name}.weight": shape for name, shape in LINEARS.items()}
    return {**linears, **{f"{prefix}{name}.weight": (HIDDEN,) for name in NORMS}}


def shapes_of(layers: int) -> dict[str, tuple[int, ...]]:
    shapes = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN)}
    for layer in range(layers):
        shapes |= layer_shapes(layer)
    return {**shapes, "model.norm.weight": (HIDDEN,), "lm_head.weight": (VOCABULARY, HIDDEN)}


def bytes_of(shapes: dict[str, tuple[int, ...]]) -> int:
    return sum(BYTES * torch.Size(shape).numel() for shape in shapes.values())


def layers_for(size: float) -> int:
    fixed, each = bytes_of(shapes_of(0)), bytes_of(layer_shapes(0))
    return max(1, round((size - fixed) / each))


def random(shape: tuple[int, ...], source: torch.Generator, spread: float) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.float32).normal_(0, spread, generator=source)


def write_model(folder: Path, layers: int, shards: int) -> dict[str, int]:
    folder.mkdir(parents=True)
    shapes = shapes_of(layers)
    source = torch.Generator().manual_seed(20261123)
    total = bytes_of(shapes)
    places: dict[str, str] = {}
    shard: dict[str, torch.Tensor] = {}
    index, gathered = 1, 0
    for name, shape in shapes.items():
        shard[name] = (1 + random(shape, source, 0.1) if len(shape) == 1 else random(shape, source, 0.02)).to(torch.bfloat16)
        gathered += BYTES * shard[name].numel()
        if gathered < total * index / shards:
            continue
        file = f"model-{index:05}-of-{shards:05}.safetensors"
        save_file(shard, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(shard, file)
        shard, index = {}, index + 1
    index_file = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index_file, indent=2))
    config = LlamaConfig(
        hidden_size=HIDDEN, intermediate_size=INTERMEDIATE, vocab_size=VOCABULARY, num_hidden_layers=layers,
        num_attention_heads=HEADS, num_key_value_heads=KEY_VALUE_HEADS, tie_word_embeddings=False,
        dtype=torch.bfloat16, architectures=["LlamaForCausalLM"],
    )
    config.save_pretrained(folder)
    GenerationConfig().save_pretrained(folder)
    return {"bytes": total, "tensors": len(shapes), "largestBytes": max(BYTES * torch.Size(s).numel() for s in shapes.values())}


def write_adapter(folder: Path, layers: int) -> None:
    folder.mkdir(parents=True)
    source = torch.Generator().manual_seed(16)
    tensors = {}
    for layer in range(layers):
        for name, (rows, columns) in LINEARS.items():
            prefix = f"base_model.model.model.layers.{layer}.{name}"
            tensors[f"{prefix}.lora_A.weight"] = random((RANK, columns), source, 0.02)
            tensors[f"{prefix}.lora_B.weight"] = random((rows, RANK), source, 0.02)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": 2 * RANK, "lora_dropout": 0.0,
        "bias": "none", "fan_in_fan_out": False, "inference_mode": True, "base_model_name_or_path": "random",
        "target_modules": sorted({name.split(".")[1] for name in LINEARS}),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, required=True)
    arguments = parser.parse_args()
    layers = layers_for(arguments.gigabytes * 1e9)
    facts = write_model(arguments.model, layers, shards=max(2, round(arguments.gigabytes)))
    write_adapter(arguments.adapter, layers)
    sync_folder(arguments.model.parent)
    print(json.dumps({**facts, "layers": layers}))


main()
