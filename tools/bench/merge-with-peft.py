"""peft's way: load the model, put the adapter on, merge_and_unload, save_pretrained.

    python merge-with-peft.py BASE ADAPTER TO
"""

import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from durable import sync_folder

base, adapter, target = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, low_cpu_mem_usage=True)
merged = PeftModel.from_pretrained(model, adapter).merge_and_unload()
merged.save_pretrained(target, max_shard_size="1GB")
sync_folder(Path(target))
