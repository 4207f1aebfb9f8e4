"""The plain script of the field: load a file whole, save it in the other format, load it again and compare.

    python convert-with-torch.py FROM TO bin|safetensors

Follows bindings/python/convert.py of huggingface/safetensors: torch.load, save_file, and a reload that must equal.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from durable import sync_folder


def load(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)


def save(tensors: dict[str, torch.Tensor], path: Path) -> None:
    if path.suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata={"format": "pt"})
    else:
        torch.save(tensors, path)


def convert(source: Path, target: Path) -> None:
    tensors = load(source)
    save(tensors, target)
    again = load(target)
    if tensors.keys() != again.keys() or not all(torch.equal(tensors[name], again[name]) for name in tensors):
        raise SystemExit(f"{target} differs from {source}")


def renamed(name: str, kind: str) -> str:
    if kind == "bin":
        return name.replace("model", "pytorch_model", 1).replace(".safetensors", ".bin")
    return name.replace("pytorch_model", "model", 1).replace(".bin", ".safetensors")


def main() -> None:
    source, target, kind = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    target.mkdir()
    for path in sorted(source.iterdir()):
        if path.suffix in (".safetensors", ".bin"):
            convert(path, target / renamed(path.name, kind))
        elif path.name.endswith(".index.json"):
            index = json.loads(path.read_text())
            index["weight_map"] = {name: renamed(file, kind) for name, file in index["weight_map"].items()}
            (target / renamed(path.name, kind)).write_text(json.dumps(index, indent=2))
        else:
            shutil.copy(path, target)
    sync_folder(target)


main()
