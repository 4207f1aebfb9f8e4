"""Writes test/fixtures/gguf/oracle.json: what llama.cpp's own converter makes of the tiny models and the sample.

    python tools/goldens/make-gguf-oracle.py LLAMA_CPP

LLAMA_CPP is a checkout of the llama.cpp version that the pinned libraries are (a git bundle of it lies in the npm
package node-llama-cpp, llama/gitRelease.bundle). Run with a Python that has its requirements: torch, transformers,
sentencepiece, numpy, pyyaml; `npx tsx` must work.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "test" / "fixtures" / "gguf"
SAMPLE = ROOT / "examples" / "sample"

# The converter knows pre-tokenizers by digests of published vocabularies, so home-made ones are named to it.
WRAPPER = """
import os, runpy, sys
sys.path[:0] = [os.environ["LLAMA_CPP"], os.environ["LLAMA_CPP"] + "/gguf-py"]
import conversion.base
conversion.base.TextModel.get_vocab_base_pre = lambda self, tokenizer: os.environ["PRE_TOKENIZER"]
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def convert(llama_cpp: Path, script: str, pre_tokenizer: str, arguments: list[str]) -> None:
    environment = {**os.environ, "LLAMA_CPP": str(llama_cpp), "PRE_TOKENIZER": pre_tokenizer}
    command = [sys.executable, "-c", WRAPPER, str(llama_cpp / script), *arguments]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def describe(path: Path) -> dict:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    metadata = {}
    for key, field in reader.fields.items():
        if key.startswith("GGUF."):
            continue
        types = [kind.name.lower() for kind in field.types]
        value = field.contents()
        if types[0] == "array":
            # Vocabularies are long: their digest is as good as their text.
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            value = {"length": len(value), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        metadata[key] = {"type": types, "value": value}
    tensors = {
        tensor.name: {
            "type": tensor.tensor_type.name,
            "shape": [int(size) for size in reversed(tensor.shape)],
            "sha256": hashlib.sha256(tensor.data.tobytes()).hexdigest(),
        }
        for tensor in sorted(reader.tensors, key=lambda tensor: tensor.name)
    }
    return {"metadata": metadata, "tensors": tensors}


def main() -> None:
    llama_cpp = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(llama_cpp / "gguf-py"))
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=llama_cpp, check=True, capture_output=True, text=True).stdout.strip()
    oracle = {"converter": {"project": "ggml-org/llama.cpp", "release": "v0.5.0", "commit": commit}, "models": {}, "adapters": {}}
    with tempfile.TemporaryDirectory() as scratch:
        listing = subprocess.run(
            ["npx", "tsx", str(FIXTURES / "write-tiny-models.ts"), scratch], cwd=ROOT, check=True, capture_output=True, text=True
        )
        models = json.loads(listing.stdout)
        models.append({"id": "sample-llama", "folder": str(SAMPLE / "sample-llama"), "outTypes": ["f16", "bf16"], "preTokenizer": "gpt-2"})
        out = Path(scratch) / "out.gguf"
        for model in models:
            for out_type in model["outTypes"]:
                arguments = [model["folder"], "--outfile", str(out), "--outtype", out_type]
                convert(llama_cpp, "convert_hf_to_gguf.py", model["preTokenizer"], arguments)
                oracle["models"][f"{model['id']} {out_type}"] = describe(out)
        for adapter in ["lora-summarise", "lora-glossary"]:
            arguments = ["--base", str(SAMPLE / "sample-llama"), "--outfile", str(out), "--outtype", "f32", str(SAMPLE / adapter)]
            convert(llama_cpp, "convert_lora_to_gguf.py", "gpt-2", arguments)
            oracle["adapters"][adapter] = describe(out)
    text = json.dumps(oracle, ensure_ascii=False, indent=1, sort_keys=True)
    (FIXTURES / "oracle.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
