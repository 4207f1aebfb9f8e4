"""Asks torch itself for .bin files in both of its forms, and writes down what is in them.

Run once with each torch that the fixtures pin: 2.11.0 (from PyPI) and 1.13.0 (Debian 12, python3-torch).
    python make-torch-goldens.py test/fixtures/goldens/torch
"""
import collections, hashlib, json, platform, sys
from pathlib import Path
import torch

folder = Path(sys.argv[1])
version = torch.__version__.split("+")[0].replace("a0", "")
prefix = "torch-" + ".".join(version.split(".")[:2])
recent = hasattr(torch, "uint16")

names = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL", torch.complex64: "C64",
}
for member, dtype in [
    ("uint16", "U16"), ("uint32", "U32"), ("uint64", "U64"), ("float8_e4m3fn", "F8_E4M3"),
    ("float8_e5m2", "F8_E5M2"), ("float8_e4m3fnuz", "F8_E4M3FNUZ"), ("float8_e5m2fnuz", "F8_E5M2FNUZ"),
    ("float8_e8m0fnu", "F8_E8M0"), ("float4_e2m1fn_x2", "F4"),
]:
    if hasattr(torch, member):
        names[getattr(torch, member)] = dtype


def filled(dtype, shape, seed):
    """Bytes of a simple rule reinterpreted, so that every dtype gets odd bit patterns, NaN among them."""
    count = 1
    for size in shape:
        count *= size
    width = torch.empty(0, dtype=dtype).element_size()
    values = [(seed * 31 + 7 * i) % (2 if dtype == torch.bool else 256) for i in range(count * width)]
    return torch.tensor(values, dtype=torch.uint8).view(dtype).reshape(shape)


def every_dtype():
    state = collections.OrderedDict()
    for seed, (dtype, name) in enumerate(names.items()):
        state[f"{name}.matrix"] = filled(dtype, (2, 3), seed)
        state[f"{name}.vector"] = filled(dtype, (5,), seed + 50)
    return state


def views():
    shared = torch.arange(48, dtype=torch.float32)
    half = torch.arange(24, dtype=torch.float16).reshape(2, 3, 4)
    state = collections.OrderedDict()
    state["whole"] = shared
    state["first"] = shared[:8]
    state["overlapping"] = shared[4:16].reshape(3, 4)
    state["stepped"] = shared[1::3]
    state["corner"] = shared.reshape(6, 8)[2:5, 1:7]
    state["transposed"] = half.transpose(0, 2)
    state["permuted"] = half.permute(1, 2, 0)
    state["expanded"] = torch.tensor([[5.0], [6.0]]).expand(2, 3)
    state["one, expanded"] = torch.tensor(1.5, dtype=torch.float64).expand(4)
    state["scalar"] = torch.tensor(-0.0)
    state["empty"] = torch.empty(0, 3, dtype=torch.bfloat16)
    state["empty view"] = shared[48:]
    state["i32 column"] = torch.arange(6, dtype=torch.int32).reshape(3, 2)[:, 1]
    state["complex, transposed"] = filled(torch.complex64, (2, 3), 3).t()
    state["bool, stepped"] = torch.tensor([True, False, True, True])[::2]
    return state


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = torch.nn.Embedding(6, 4)
        self.norm = torch.nn.BatchNorm1d(4)
        self.lm_head = torch.nn.Linear(4, 6, bias=False)
        self.lm_head.weight = self.embed_tokens.weight


def parameters():
    """Not detached: Parameters, one of them with an attribute of its own, and a tensor with one."""
    state = collections.OrderedDict()
    state["parameter"] = torch.nn.Parameter(torch.ones(2, 2, dtype=torch.float16))
    state["frozen"] = torch.nn.Parameter(torch.arange(3.0), requires_grad=False)
    state["again"] = state["parameter"]
    marked = torch.arange(4.0)
    marked.tensor_model_parallel = True
    state["marked tensor"] = marked
    if recent:
        state["marked parameter"] = torch.nn.Parameter(torch.arange(5.0))
        state["marked parameter"].tensor_model_parallel = True
    return state


def checkpoint():
    return {
        "epoch": 3,
        "model": {"state_dict": collections.OrderedDict(w=torch.arange(6.0).reshape(2, 3))},
        "optimizer": {"state": {0: {"step": torch.tensor(2.0), "exp_avg": torch.zeros(2, 3)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]},
        "args": ["--seed", "1"],
    }


def raw(tensor):
    data = tensor.detach().contiguous()
    return bytes(data.reshape(-1).view(torch.uint8).tolist()) if data.numel() else b""


def describe(state):
    found = {}
    for name, tensor in state.items():
        dtype, shape = names[tensor.dtype], list(tensor.shape)
        if dtype == "F4":
            shape[-1] *= 2
        found[name] = {"dtype": dtype, "shape": shape, "sha256": hashlib.sha256(raw(tensor)).hexdigest()}
    return found


torch.manual_seed(7)
module = Tied()
with torch.no_grad():
    for p in module.parameters():
        p.copy_(torch.arange(p.numel(), dtype=torch.float32).reshape(p.shape) / 7)
cases = {
    "dtypes": (every_dtype(), None), "views": (views(), None), "module": (module.state_dict(), None),
    "parameters": (parameters(), None), "checkpoint": (checkpoint(), "model/state_dict"),
}
files = {}
for case, (state, root) in cases.items():
    for form in ["zip", "legacy"]:
        name = f"{prefix}-{case}-{form}.bin"
        torch.save(state, folder / name, _use_new_zipfile_serialization=form == "zip")
        inner = state
        for key in root.split("/") if root else []:
            inner = inner[key]
        files[name] = {"root": root, "tensors": describe(inner)}

refused = {}


def refuse(case, value, words):
    name = f"{prefix}-refused-{case}.bin"
    torch.save(value, folder / name)
    refused[name] = words


refuse("complex128", {"w": torch.ones(2, dtype=torch.complex128)}, "which safetensors has no dtype for")
refuse("quantized", {"w": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, "_rebuild_qtensor")
refuse("sparse", {"w": torch.eye(2).to_sparse()}, "_rebuild_sparse_tensor")
refuse("module", torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear")
if recent:
    refuse("conjugated", {"w": torch.ones(2, dtype=torch.complex64).conj()}, "lazy conjugation")

facts = {"torch": torch.__version__, "python": platform.python_version(), "files": files, "refused": refused}
(folder / f"{prefix}.json").write_text(json.dumps(facts, indent=1) + "\n")
print(facts["torch"], len(files), "files")
