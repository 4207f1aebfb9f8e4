"""Writes docs/results/sglang-loading.md: does SGLang load what `enginewright quantize` writes? See serving_loading.py.

    python tools/goldens/check-sglang-loading.py [MODEL]

Run with sglang 0.5.16 and what it imports (torch 2.11.0, transformers, sglang-kernel), after the build. MODEL is a folder
of a Llama (default: the sample).
"""

import dataclasses
import json
import tempfile
from pathlib import Path

from serving_loading import FUSED, run, tensors_of


def pretend_device(folder: str) -> None:
    """Tells SGLang of a device that it may plan for and never touches, and of a server with every setting at its default."""
    import torch

    torch.cuda.get_device_capability = lambda *_: (9, 0)
    from sglang.srt.server_args import ServerArgs, set_global_server_args_for_scheduler

    settings = ServerArgs.__new__(ServerArgs)
    for field in dataclasses.fields(ServerArgs):
        given = [field.default] if field.default is not dataclasses.MISSING else []
        made = [field.default_factory()] if field.default_factory is not dataclasses.MISSING else []
        object.__setattr__(settings, field.name, [*given, *made, folder][0])
    settings.device = "cpu"
    set_global_server_args_for_scheduler(settings)


def load(folder: str):
    pretend_device(folder)
    import torch
    from sglang.srt.distributed import init_distributed_environment, initialize_model_parallel
    from sglang.srt.layers.quantization import get_quantization_config
    from sglang.srt.models.llama import LlamaForCausalLM
    from transformers import AutoConfig

    with tempfile.NamedTemporaryFile() as meeting:
        init_distributed_environment(1, 0, f"file://{meeting.name}", 0, "gloo")
        initialize_model_parallel(1)
    asked = json.loads((Path(folder) / "config.json").read_text())["quantization_config"]
    quantization = get_quantization_config(asked["quant_method"]).from_config(asked)
    # As SGLang's own loader does (model_loader/utils.py).
    if not getattr(quantization, "packed_modules_mapping", None):
        quantization.packed_modules_mapping = FUSED
    torch.set_default_dtype(torch.float16)
    model = LlamaForCausalLM(AutoConfig.from_pretrained(folder), quant_config=quantization)
    # Nothing of it may pass for loaded that is not.
    for parameter in model.parameters():
        parameter.data.view(torch.uint8).fill_(0xA5)
    model.load_weights(iter(tensors_of(folder).items()))
    return model


run(__file__, "SGLang", ["sglang", "sgl_kernel"], load)
