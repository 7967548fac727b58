"""The warm process: imports the libraries once, then forks a candidate's process for every job.

It holds no data and never runs a parallel region: after one, every OpenMP region of a forked child
hangs for ever.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import socket
import struct
import sys
import traceback
from typing import Any, NoReturn

from .nursery import Nursery


def main(order: dict[str, Any]) -> NoReturn:
    """Import, say so, then fork until the judge is gone."""
    status = 1
    try:
        control = socket.socket(fileno=order["control"])
        sys.path[:] = order["path"]
        leave_repository(order["repository"])
        skipped = import_all(order["libraries"])
        sys.stdout.flush()
        gc.collect()
        gc.freeze()
        text = json.dumps({"skipped": skipped}).encode()
        control.sendall(struct.pack("<I", len(text)) + text)
        Nursery(control).serve()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def leave_repository(repository: str) -> None:
    """Drop import paths and finders (editable installs) that lead into the repository.

    What lies below the Python environment stays, also when that lies in the repository (``.venv``).
    """
    if not repository:
        return
    sys.path[:] = [entry for entry in sys.path if not _inside(entry, repository)]
    sys.meta_path[:] = [one for one in sys.meta_path if not _maps_into(one, repository)]


def _inside(path: str, repository: str) -> bool:
    real = os.path.realpath(path)
    environment = {os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}
    if any(_below(real, prefix) for prefix in environment if _below(prefix, repository)):
        return False
    return _below(real, repository)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _maps_into(finder: Any, repository: str) -> bool:
    """Whether an import finder of setuptools' editable installs leads into the repository."""
    module = sys.modules.get(getattr(finder, "__module__", ""))
    mapping = getattr(module, "MAPPING", None)
    if not isinstance(mapping, dict):
        return False
    return any(_inside(str(path), repository) for path in mapping.values())


def import_all(names: list[str]) -> dict[str, str]:
    """Import each; return what could not be, with the reason."""
    skipped: dict[str, str] = {}
    for name in names:
        try:
            if _is_module(name):
                importlib.import_module(name)
        except Exception as error:
            skipped[name] = f"{type(error).__name__}: {error}"[:300]
    if "numpy" in sys.modules:
        # NumPy loads this part when it is first used, which would be in every child.
        importlib.import_module("numpy.random")
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        raise SystemExit("importing the libraries started CUDA, which no forked process can use")
    return skipped


def _is_module(name: str) -> bool:
    """``from sklearn import svm`` names a module, ``from numpy import array`` does not."""
    parent, _, last = name.rpartition(".")
    if not parent:
        return True
    module = importlib.import_module(parent)
    return hasattr(module, "__path__") and importlib.util.find_spec(f"{parent}.{last}") is not None
