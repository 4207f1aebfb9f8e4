"""Writes test/fixtures/goldens/statistics/oracle.json: what the sample's linear layers are given for four calibration
texts, by transformers' own forward pass in float32 and sums in float64 (torch 2.11, transformers 5.17 or later).

    python tools/goldens/make-statistics-oracle.py
"""
import json
import pathlib

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

root = pathlib.Path(__file__).resolve().parents[2]
sample = root / "examples" / "sample"
texts = [json.loads(line)["text"] for line in (sample / "data" / "calibration.jsonl").open()][:4]
model = LlamaForCausalLM.from_pretrained(sample / "sample-llama", dtype=torch.float32).eval()
tokenizer = Tokenizer.from_file(str(sample / "sample-llama" / "tokenizer.json"))
modules = ["model.layers.0.self_attn.q_proj", "model.layers.2.self_attn.o_proj",
           "model.layers.3.mlp.gate_proj", "model.layers.5.mlp.down_proj"]
sums = {}


def watch(name):
    def hook(_module, inputs):
        x = inputs[0].detach().reshape(-1, inputs[0].shape[-1]).double().numpy()
        entry = sums.setdefault(name, [0, 0, np.zeros(x.shape[1])])
        entry[0] = entry[0] + x.T @ x
        entry[1] = entry[1] + np.abs(x).sum(axis=0)
        entry[2] = np.maximum(entry[2], np.abs(x).max(axis=0))
    return hook


for name, module in model.named_modules():
    if name in modules:
        module.register_forward_pre_hook(watch(name))
tokens = 0
with torch.no_grad():
    for text in texts:
        ids = tokenizer.encode(text).ids[:512]
        tokens += len(ids)
        model(torch.tensor([ids]))
oracle = {"tokens": tokens, "modules": {
    name: {
        "trace": float(np.trace(gram)),
        "row": [float(v) for v in gram[3, :32]],
        "meanAbs": [float(v) for v in (absolute / tokens)[:32]],
        "amax": [float(v) for v in largest[:32]],
    } for name, (gram, absolute, largest) in sums.items()}}
out = root / "test" / "fixtures" / "goldens" / "statistics" / "oracle.json"
out.write_text(json.dumps(oracle, indent=1) + "\n")
