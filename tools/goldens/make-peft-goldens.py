"""Writes test/fixtures/goldens/peft: small bases, adapters of every kind that peft saves, and what peft makes of them
by `merge_and_unload`, with and without `safe_merge` (torch 2.11, peft 0.21, transformers 5.17 or later).

    python tools/goldens/make-peft-goldens.py

Each case has adapter/ as peft saved it, perhaps adapter-2/ that is merged after it, and merged.safetensors with the
tensors that changed in `default` and `safe`. case.json names the base, weights that are not 1, and the one rounding a case
is compared in when that is another than peft's own two.
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
    # As on the hub: the trunk alone, and a config that says nothing about tying.
    yield "gpt2-trunk", GPT2LMHeadModel(GPT2Config(vocab_size=40, n_positions=32, n_embd=32, n_layer=1, n_head=4)), torch.float32


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
    ("trunk", "gpt2-trunk", dict(target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)),
    ("embedding-silent", "gpt2-trunk", dict(target_modules=["wte"])),
]

# name, base, fields of the second adapter's LoraConfig, weights: None for one after the other, else add_weighted_adapter(cat)
pairs = [
    ("sequence", "llama", dict(target_modules=["q_proj", "v_proj"], r=2), None),
    # In float32: the joined adapter is made in the base's dtype, so that its factors would be rounded.
    ("weighted", "llama-float", dict(target_modules=linears, r=2, use_rslora=True), [0.7, -0.3]),
]


def randomise(module, seed):
    """Every trained tensor away from its start, so that nothing merges to the identity."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        noise = torch.randn(parameter.shape, generator=generator) * 0.05
        parameter.data += noise.to(parameter.dtype)


def fresh(folder, dtype, rows=None):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    if rows is not None:
        torch.manual_seed(rows)
        model.resize_token_embeddings(rows)
    return model


def save_base(name, model, folder):
    (model.transformer if name == "gpt2-trunk" else model).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if name != "gpt2-trunk":
        return
    settings = json.loads((folder / "config.json").read_text())
    settings.pop("tie_word_embeddings", None)
    settings["architectures"] = ["GPT2LMHeadModel"]
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n")


def save_adapter(adapted, folder, base):
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    settings = json.loads((folder / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = f"bases/{base}"
    for field in ["target_modules", "target_parameters"]:
        settings[field] = settings[field] and sorted(settings[field])
    (folder / "adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def expert_keys(out, base):
    """An adapter of the experts as transformers 4 named them, one module for each matrix; peft converts it on loading."""
    generator = torch.Generator().manual_seed(77)
    tensors = {}
    for expert in range(3):
        for part, (rows, columns) in {"w1": (48, 32), "w2": (32, 48), "w3": (48, 32)}.items():
            module = f"base_model.model.model.layers.0.block_sparse_moe.experts.{expert}.{part}"
            tensors[f"{module}.lora_A.weight"] = torch.randn(4, columns, generator=generator) * 0.2
            tensors[f"{module}.lora_B.weight"] = torch.randn(rows, 4, generator=generator) * 0.2
    out.mkdir(parents=True)
    save_file(tensors, out / "adapter_model.safetensors")
    config = LoraConfig(r=4, lora_alpha=6, target_modules=["w1", "w2", "w3"], task_type="CAUSAL_LM", inference_mode=True)
    config.base_model_name_or_path = f"bases/{base}"
    config.save_pretrained(out)
    settings = json.loads((out / "adapter_config.json").read_text())
    settings["target_modules"] = sorted(settings["target_modules"])
    (out / "adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def as_on_disk(tensors, base):
    if base != "gpt2-trunk":
        return tensors
    return {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}


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
        save_base(name, model.to(dtype), root / "bases" / name)
        dtypes[name] = dtype

    def golden(case, base, models, more=None):
        """`models`: mode → what makes the merged model."""
        before = as_on_disk(as_saved(fresh(root / "bases" / base, dtypes[base]), scratch), base)
        changed = {}
        for mode, make in models.items():
            for name, tensor in as_on_disk(as_saved(make(), scratch), base).items():
                if name not in before or not torch.equal(before[name], tensor):
                    changed[f"{mode}/{name}"] = tensor.contiguous()
        save_file(changed, root / case / "merged.safetensors")
        (root / case / "case.json").write_text(json.dumps({"base": base, **(more or {})}) + "\n")

    def merge(model, adapter, safe):
        return peft.PeftModel.from_pretrained(model, adapter).merge_and_unload(safe_merge=safe)

    def train(case, base, fields, seed, rows=None, name="adapter"):
        torch.manual_seed(seed)
        config = LoraConfig(**{"r": 4, "lora_alpha": 6, "lora_dropout": 0, "task_type": "CAUSAL_LM", **fields})
        adapted = get_peft_model(fresh(root / "bases" / base, dtypes[base], rows), config)
        randomise(adapted, seed)
        save_adapter(adapted, root / case / name, base)
        return root / case / name

    modes = {"default": False, "safe": True}
    for index, (case, base, fields) in enumerate(cases):
        adapter = train(case, base, fields, index)
        folder, dtype = root / "bases" / base, dtypes[base]
        golden(case, base, {mode: lambda safe=safe: merge(fresh(folder, dtype), adapter, safe) for mode, safe in modes.items()})

    base, case = "llama", "resized"
    folder, dtype = root / "bases" / base, dtypes[base]
    adapter = train(case, base, dict(target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"]), 50, rows=44)
    with safetensors.safe_open(adapter / "adapter_model.safetensors", "pt") as opened:
        saved = {key: opened.get_tensor(key) for key in opened.keys()}
    if not any(".modules_to_save." in key or ".original_module." in key for key in saved):
        raise SystemExit(f"peft no longer writes the extra names: {sorted(saved)}")
    golden(case, base, {mode: lambda safe=safe: merge(fresh(folder, dtype, 44), adapter, safe) for mode, safe in modes.items()})

    base, case = "mixtral", "expert-modules"
    adapter = root / case / "adapter"
    expert_keys(adapter, base)
    folder, dtype = root / "bases" / base, dtypes[base]
    # Fused, the deltas of all experts are cast to the parameter's dtype in both modes; apart, only safe_merge does that.
    golden(case, base, {"safe": lambda: merge(fresh(folder, dtype), adapter, True)})

    for index, (case, base, fields, weights) in enumerate(pairs):
        folder, dtype = root / "bases" / base, dtypes[base]
        first = train(case, base, dict(target_modules=linears), 60 + index)
        second = train(case, base, fields, 70 + index, name="adapter-2")
        if weights is None:
            golden(case, base, {mode: lambda safe=safe: merge(merge(fresh(folder, dtype), first, safe), second, safe)
                                for mode, safe in modes.items()})
            continue

        def weighted():
            model = peft.PeftModel.from_pretrained(fresh(folder, dtype), first, adapter_name="first")
            model.load_adapter(second, adapter_name="second")
            model.add_weighted_adapter(["first", "second"], weights, "both", combination_type="cat")
            model.set_adapter("both")
            return model.merge_and_unload()

        golden(case, base, {"default": weighted}, {"weights": weights, "rounding": "once"})
    shutil.rmtree(scratch)
    versions = {"torch": torch.__version__, "peft": peft.__version__, "transformers": transformers.__version__}
    (root / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


main()
