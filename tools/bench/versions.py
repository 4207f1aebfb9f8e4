"""Prints the versions of what the contenders are made of, as JSON."""

import json
import platform
from importlib.metadata import version

names = ("torch", "peft", "transformers", "safetensors")
print(json.dumps({"Python": platform.python_version(), **{name: version(name) for name in names}}))
