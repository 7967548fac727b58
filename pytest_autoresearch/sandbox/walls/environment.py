"""The Python environment that candidate code sees: the judge's import path, few variables."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from ...records import Limits
from ..inside.imports import mappings

PASSED_ON = (
    "LD_LIBRARY_PATH",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "OPENBLAS_NUM_THREADS",
    "TZ",
)
"""What a person has set for speed or place, and which tells nothing secret."""


def environment(limits: Limits, home: Path) -> dict[str, str]:
    """A whole environment, built from nothing; ``env`` of the sandbox marker goes last."""
    found = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home),
        # Without it some libraries ask the machine's list of users.
        "USER": "candidate",
        "LOGNAME": "candidate",
        "LANG": "C.UTF-8",
        # Sets of strings would else have another order in every session.
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Waiting OpenMP threads that spin make a fit ten times slower beside one busy neighbour.
        "OMP_WAIT_POLICY": "PASSIVE",
        # Else torch.cuda.is_available() starts CUDA in the zygote, which then no child can use.
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    }
    names = PASSED_ON if limits.gpu <= 0 else (*PASSED_ON, "CUDA_VISIBLE_DEVICES")
    found |= {name: os.environ[name] for name in names if name in os.environ}
    if limits.gpu <= 0:
        found["CUDA_VISIBLE_DEVICES"] = ""
    return found | dict(limits.env)


def import_path() -> list[str]:
    """Where this process imports from, in that order and without the current folder.

    The sandbox starts without the variables and the user's folder that may have led there.
    """
    return [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str) and entry]


def added_folders() -> list[str]:
    """Folders that ``PYTHONPATH``, ``.pth`` files and finders of editable installs add to the path.

    What ``.pth`` files add stands behind the standard library; what pytest adds, tests' folders for
    instance, stands before it, and is left out.
    """
    found = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    library = os.path.realpath(sysconfig.get_path("stdlib"))
    places = [at for at, path in enumerate(sys.path) if os.path.realpath(path) == library]
    found += sys.path[places[-1] + 1 :] if places else []
    for mapping in mappings():
        found += filter(None, (_holding(name, path) for name, path in mapping.items()))
    return [os.path.abspath(path) for path in found]


def _holding(name: str, path: str) -> str:
    """The folder below which a package or module has its own dotted name as path; else nothing."""
    plain = path.removesuffix(f"{os.sep}__init__.py").removesuffix(".py")
    end = os.sep + name.replace(".", os.sep)
    return plain.removesuffix(end) if plain.endswith(end) else ""
