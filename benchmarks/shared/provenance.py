"""What a number depends on besides the code: versions and the machine."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

import selfpaced


def versions() -> dict[str, str]:
    """Return the versions of Python and the packages."""
    found = {name: version(name) for name in ("torch", "numpy", "scikit-learn")}
    return {"selfpaced": selfpaced.__version__, "python": platform.python_version(), **found}


def machine() -> dict[str, str | int]:
    """Return the processor, its cores, and how many threads torch uses."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        cpu = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), cpu)
    return {"cpu": cpu, "cores": os.cpu_count() or 0, "threads": torch.get_num_threads()}
