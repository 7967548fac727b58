"""What a score depends on besides the code: processor, GPU, threads, versions of libraries."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from ..records import Fingerprint

__all__ = ["Fingerprint", "distributions", "measure"]

OTHER_NAMES = {
    "Crypto": "pycryptodome",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "faiss": "faiss-cpu",
    "imblearn": "imbalanced-learn",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
"""Distributions that are called otherwise than the module that they install."""
CPU = Path("/proc/cpuinfo")
GPUS = Path("/proc/driver/nvidia/gpus")
PATIENCE = 10.0
"""Seconds that nvidia-smi may take."""
MOST_MODULES = 200


def measure(
    imports: Iterable[str], gpus: int = 0, variables: Mapping[str, str] | None = None
) -> Fingerprint:
    """This machine's fingerprint, in milliseconds; no library is imported for it.

    ``imports`` are dotted names of modules that the code uses; those of the project itself, and what
    is not installed, have no version. GPUs are looked for only where ``gpus`` is more than 0.
    ``variables`` are environment variables that candidates get besides this process's.
    """
    return Fingerprint(
        device=_processor(),
        gpu=_gpu() if gpus > 0 else "",
        threads=_threads({**os.environ, **(variables or {})}),
        packages=_packages(imports),
    )


def _processor() -> str:
    """The model that the kernel names; on processors without a name what it tells of them."""
    try:
        lines = CPU.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    facts = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    arm = " ".join(f"{key} {facts[key]}" for key in ("CPU implementer", "CPU part") if key in facts)
    return facts.get("model name") or f"{platform.machine()} {arm}".strip()


def _gpu() -> str:
    """The models of NVIDIA's GPUs, sorted; empty where there is none."""
    found = [line.partition(":")[2].strip() for line in _described() if line.startswith("Model:")]
    return ", ".join(sorted(set(found or _asked())))


def _described() -> list[str]:
    """The lines in which the driver describes the GPUs."""
    lines: list[str] = []
    for path in GPUS.glob("*/information"):
        try:
            lines += path.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
    return lines


def _asked() -> list[str]:
    """The names that nvidia-smi prints, for containers that do not show the driver's files."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _threads(variables: Mapping[str, str]) -> int:
    """How many threads a numerical library takes when nobody tells it."""
    told = variables.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(told) if told.isdecimal() and int(told) else len(os.sched_getaffinity(0))


def distributions(imports: Iterable[str]) -> list[str]:
    """What the distributions behind imports are called, installed or not; not those of Python itself."""
    modules = {name.partition(".")[0] for name in imports} - sys.stdlib_module_names
    return [
        OTHER_NAMES.get(module, module.replace("_", "-")).lower()
        for module in sorted(modules)[:MOST_MODULES]
    ]


def _packages(imports: Iterable[str]) -> dict[str, str]:
    """Version by name of the distributions behind imports, and of Python."""
    found = {"python": platform.python_version()}
    for name in distributions(imports):
        try:
            found[name] = metadata.version(name)
        except (metadata.PackageNotFoundError, ValueError):
            continue
    return dict(sorted(found.items()))
