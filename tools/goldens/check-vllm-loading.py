"""Writes docs/results/vllm-loading.md: does vLLM load what `enginewright quantize` writes? See serving_loading.py.

    python tools/goldens/check-vllm-loading.py [MODEL]

Run with vllm 0.20.2 and what it imports (torch 2.11.0, transformers, compressed-tensors), after the build. MODEL is a
folder of a Llama (default: the sample).
"""

import os
import tempfile

from serving_loading import run, tensors_of


def pretend_device():
    """Tells vLLM of a device that it may plan for and never touches."""
    import vllm.platforms
    from vllm.platforms.cuda import NonNvmlCudaPlatform
    from vllm.platforms.interface import DeviceCapability

    class Pretended(NonNvmlCudaPlatform):
        @classmethod
        def get_device_capability(cls, device_id=0):
            return DeviceCapability(9, 0)

        @classmethod
        def get_device_name(cls, device_id=0):
            return "a device of compute capability 9.0"

        @classmethod
        def get_device_total_memory(cls, device_id=0):
            return 80 << 30

        @classmethod
        def is_fully_connected(cls, device_ids):
            return True

        @classmethod
        def num_compute_units(cls, device_id=0):
            return 132

    vllm.platforms._current_platform = Pretended()


def load(folder: str):
    pretend_device()
    import torch
    from vllm.config import DeviceConfig, ModelConfig, VllmConfig, set_current_vllm_config
    from vllm.distributed import init_distributed_environment, initialize_model_parallel
    from vllm.model_executor.model_loader.utils import initialize_model

    model_config = ModelConfig(model=folder, tokenizer=folder, dtype="float16", enforce_eager=True)
    config = VllmConfig(model_config=model_config, device_config=DeviceConfig("cpu"))
    with set_current_vllm_config(config), tempfile.NamedTemporaryFile() as meeting:
        init_distributed_environment(1, 0, f"file://{meeting.name}", 0, "gloo")
        initialize_model_parallel(1, 1, backend="gloo")
        torch.set_default_dtype(torch.float16)
        model = initialize_model(vllm_config=config)
        loaded = model.load_weights(iter(tensors_of(folder).items()))
    missing = {name for name, _ in model.named_parameters() if ".attn." not in name} - set(loaded)
    if missing:
        raise SystemExit(f"vLLM found nothing for {sorted(missing)}")
    return model


os.environ["VLLM_LOGGING_LEVEL"] = "ERROR"
run(__file__, "vLLM", ["vllm"], load)
