"""What an existing script is given, and how the number that it prints is found."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from ...exceptions import UsageProblem
from .arguments import admit

NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)\b)"


def contents(files: Mapping[str, bytes | npt.NDArray[Any]]) -> dict[str, bytes]:
    """Contents of the files for a script; arrays in NumPy's own format."""
    found = {}
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise UsageProblem(f"candidate.run(files=…): {name!r} is not a path inside a folder")
        if isinstance(content, bytes):
            found[name] = content
            continue
        array = admit(content, f"candidate.run(files={{{name!r}: …}})")
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise UsageProblem(
                f"candidate.run(files=…): {name!r} is neither bytes nor an array of numbers"
            )
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        found[name] = buffer.getvalue()
    return found


def pattern_of(key: str) -> str:
    """The pattern of ``key: number`` or ``key = number`` at the beginning of a line."""
    return rf"^[ \t]*{re.escape(key)}[ \t]*[:=][ \t]*{NUMBER}"
