"""What is known of parameters: by the call that takes them, else by their names."""

from __future__ import annotations

from .knobs import Family
from .linear import LINEAR
from .other import OTHER
from .torch import TORCH
from .trees import DICTS, TREES

FAMILIES = {**LINEAR, **TREES, **OTHER, **TORCH}


def family(callee: str, *, as_dict: bool = False) -> Family | None:
    """What is known of a call, by its library and its own name: of ``sklearn.svm.SVC`` SVC's.

    With `as_dict` of the dict of parameters that the call takes.
    """
    name = f"{callee.partition('.')[0]}.{callee.rpartition('.')[2]}"
    return DICTS.get(name) or FAMILIES.get(name) if as_dict else FAMILIES.get(name)
