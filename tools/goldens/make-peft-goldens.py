"""Writes test/fixtures/goldens/peft: small bases, adapters of every kind that peft saves, and what peft makes of them
by `merge_and_unload`, with and without `safe_merge` (torch 2.11, peft 0.21, transformers 5.17 or later).

    python tools/goldens/make-peft-goldens.py

Each case has adapter/ as peft saved it, and merged.safetensors with the tensors that changed in `default` and `safe`.
"""
import json
import pathlib
import shutil

import peft
import safetensors
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM
from transformers import Qwen2Config, Qwen2ForCausalLM

root = pathlib.Path(__file__).resolve().parents[2] / "test" / "fixtures" / "goldens" / "peft"
small = dict(vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=32, pad_token_id=0, bos_token_id=1, eos_token_id=2)


def bases():
    llama = dict(small)
    yield "llama", LlamaForCausalLM(LlamaConfig(**llama, tie_word_embeddings=False)), torch.bfloat16
    yield "llama-tied", LlamaForCausalLM(LlamaConfig(**llama, tie_word_embeddings=True)), torch.bfloat16
    yield "llama-float", LlamaForCausalLM(LlamaConfig(**llama, tie_word_embeddings=False)), torch.float32
    yield "qwen2", Qwen2ForCausalLM(Qwen2Config(**llama, tie_word_embeddings=False)), torch.float16
    yield "gpt2", GPT2LMHeadModel(GPT2Config(vocab_size=40, n_positions=32, n_embd=32, n_layer=1, n_head=4)), torch.bfloat16
    yield "mixtral", MixtralForCausalLM(MixtralConfig(**llama, num_local_experts=3, num_experts_per_tok=1,
                                                       tie_word_embeddings=False)), torch.bfloat16


linears = ["q_proj", "down_proj"]
# name, base, fields of LoraConfig
cases = [
    ("plain", "llama", dict(target_modules=linears)),
    ("rslora", "llama", dict(target_modules=linears, use_rslora=True, rank_pattern={"down_proj": 2},
                             alpha_pattern={"layers.0.self_attn.q_proj": 3})),
    ("dora", "llama", dict(target_modules=linears, use_dora=True)),
    ("dora-float", "llama-float", dict(target_modules=linears, use_dora=True)),
    ("dora-conv1d", "gpt2", dict(target_modules=["c_attn", "c_proj"], use_dora=True, fan_in_fan_out=True)),
    ("dora-embedding", "llama", dict(target_modules=["embed_tokens"], use_dora=True)),
    ("embedding", "llama", dict(target_modules=["embed_tokens", "q_proj"])),
    ("embedding-tied", "llama-tied", dict(target_modules=["embed_tokens"])),
    ("output-layer", "llama", dict(target_modules=["lm_head"])),
    ("bias-only", "qwen2", dict(target_modules=["q_proj"], bias="lora_only")),
    ("bias-all", "qwen2", dict(target_modules=["q_proj"], bias="all")),
    ("lora-bias", "qwen2", dict(target_modules=["q_proj"], lora_bias=True)),
    ("tokens", "llama", dict(target_modules=["q_proj"], trainable_token_indices=[3, 39, 7])),
    ("tokens-by-module", "llama", dict(target_modules=["q_proj"],
                                       trainable_token_indices={"embed_tokens": [5, 1], "lm_head": [2]})),
    ("tokens-tied", "llama-tied", dict(target_modules=["q_proj"], trainable_token_indices=[3, 39])),
    ("saved-modules", "llama", dict(target_modules=["q_proj"], modules_to_save=["lm_head", "norm"])),
    ("conv1d-square", "gpt2", dict(target_modules=["attn.c_proj", "c_fc"], fan_in_fan_out=True)),
    ("expert-parameters", "mixtral", dict(target_modules=["q_proj"],
                                          target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"])),
]


def randomise(module, seed):
    """Every trained tensor away from its start, so that nothing merges to the identity."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        noise = torch.randn(parameter.shape, generator=generator) * 0.05
        parameter.data += noise.to(parameter.dtype)


def fresh(folder, dtype):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)


def as_saved(model, folder):
    """The tensors as they lie on disk: experts apart, tied names once."""
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safetensors.safe_open(file, "pt") as opened:
            tensors.update({name: opened.get_tensor(name) for name in opened.keys()})
    return tensors


def main():
    shutil.rmtree(root, ignore_errors=True)
    scratch = root / "scratch"
    dtypes = {}
    for index, (name, model, dtype) in enumerate(bases()):
        generator = torch.Generator().manual_seed(100 + index)
        for parameter in model.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
        model.to(dtype).save_pretrained(root / "bases" / name)
        (root / "bases" / name / "generation_config.json").unlink(missing_ok=True)
        dtypes[name] = dtype
    for index, (case, base, fields) in enumerate(cases):
        folder, dtype = root / "bases" / base, dtypes[base]
        torch.manual_seed(index)
        config = LoraConfig(**{"r": 4, "lora_alpha": 6, "lora_dropout": 0, "task_type": "CAUSAL_LM", **fields})
        adapted = get_peft_model(fresh(folder, dtype), config)
        randomise(adapted, index)
        out = root / case
        adapted.save_pretrained(out / "adapter")
        (out / "adapter" / "README.md").unlink(missing_ok=True)
        settings = json.loads((out / "adapter" / "adapter_config.json").read_text())
        settings["base_model_name_or_path"] = f"bases/{base}"
        settings["target_modules"] = sorted(settings["target_modules"])
        (out / "adapter" / "adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n")
        before = as_saved(fresh(folder, dtype), scratch)
        changed = {}
        for mode, safe in [("default", False), ("safe", True)]:
            loaded = peft.PeftModel.from_pretrained(fresh(folder, dtype), out / "adapter")
            after = as_saved(loaded.merge_and_unload(safe_merge=safe), scratch)
            for name, tensor in after.items():
                if name not in before or not torch.equal(before[name], tensor):
                    changed[f"{mode}/{name}"] = tensor.contiguous()
        save_file(changed, out / "merged.safetensors")
        (out / "case.json").write_text(json.dumps({"base": base}) + "\n")
    shutil.rmtree(scratch)
    versions = {"torch": torch.__version__, "peft": peft.__version__, "transformers": transformers.__version__}
    (root / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


main()
