"""Loads the candidate's code from its own tree and calls what the judge asked for."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import runpy
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from . import attempts, imports
from .imports import Complaint as Complaint

Order = Mapping[str, Any]
Report = Callable[[int, float], None]

DIMS = struct.Struct("<8q")
"""The shape that comes before the numbers, in a fixed 64 bytes."""

STATE = "state.pickle"
NEEDS_SEED = "fit(X, y, *, seed) must accept `seed`: without it nothing can measure noise"


def obey(order: Order, args: Any, kwargs: Any, result: int, report: Report) -> None:
    """Do what the order says; the numbers, if any, are written to ``result``."""
    if order["op"] == "canary":
        _write(order, "canary", attempts.succeeded(order["target"]), result)
        return
    if order["op"] == "preflight":
        # Nothing of the candidate's is imported: what it is called is said before any of it has run.
        _write_bytes(
            order,
            importlib.import_module(f"{__package__}.preflight.main").answer(order, *args),
            result,
        )
        return
    # Folders that no process has seen yet: there are no import caches to invalidate, which takes 2 ms.
    imports.enter(order["tree"], order["roots"], order["entry"])
    if order["op"] == "run":
        _run(order)
        return
    if order["op"] == "import" and not imports.names_function(order["tree"], order["entry"], "fit"):
        # A script, which would train while it is imported.
        return
    module = imports.load(order["tree"], order["entry"], order["roots"])
    if order["op"] == "check":
        for name in order["functions"]:
            _needed(module, name, order["entry"])
    elif order["op"] == "analyse":
        _analyse(_needed(module, "analyse", "the analysis"), args)
    elif order["op"] == "fit":
        _fit(order, module, args, kwargs, report)
    elif order["op"] == "predict":
        state = _restore(order, module)
        function = _needed(module, "predict", order["entry"])
        _write(order, "predict", function(state, *args, **kwargs, **_data(function, order)), result)
    elif order["op"] == "import":
        _write_bytes(order, _strangers(order), result)
    else:
        function = _needed(module, order["function"], order["entry"])
        value = function(*args, **kwargs, **_seed(function, order), **_data(function, order))
        _write(order, order["function"], value, result)


def _needed(module: ModuleType, name: str, path: str) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if not callable(function):
        raise Complaint(f"{path} defines no function {name}")
    return function  # type: ignore[no-any-return]


def _fit(order: Order, module: ModuleType, args: Any, kwargs: Any, report: Report) -> None:
    function = _needed(module, "fit", order["entry"])
    names = _parameters(function)
    if "seed" not in names:
        raise Complaint(NEEDS_SEED)
    offered = {"seconds": order["seconds"], "report": report, **_paths(order)}
    supplied = {name: value for name, value in offered.items() if name in names}
    state = function(*args, **kwargs, seed=order["seed"], **supplied)
    _save(order, module, state)


def _parameters(function: Callable[..., Any]) -> set[str]:
    """The names that a function takes by keyword."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return set()
    return {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def _paths(order: Order) -> dict[str, Path]:
    return {name: Path(path) for name, path in order["data"].items()}


def _data(function: Callable[..., Any], order: Order) -> dict[str, Path]:
    """The data paths that a function declares by name."""
    paths = _paths(order)
    names = _parameters(function) if paths else set()
    return {name: path for name, path in paths.items() if name in names}


def _seed(function: Callable[..., Any], order: Order) -> dict[str, int]:
    """The seed, for a function that declares it."""
    return {"seed": order["seed"]} if "seed" in _parameters(function) else {}


def _save(order: Order, module: ModuleType, state: Any) -> None:
    folder = Path(order["artifact"])
    if callable(save := getattr(module, "save", None)):
        save(state, folder)
        return
    try:
        with open(folder / STATE, "wb") as file:
            pickle.dump(state, file, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise Complaint(
            f"what fit returned cannot be pickled ({type(error).__name__}: {error}); return "
            f"something else, or define save(state, folder) and load(folder) in {order['entry']}"
        ) from None


def _restore(order: Order, module: ModuleType) -> Any:
    folder = Path(order["artifact"])
    if callable(loader := getattr(module, "load", None)):
        return loader(folder)
    if not (folder / STATE).is_file():
        raise Complaint(f"{order['entry']} defines save(state, folder) but no load(folder)")
    with open(folder / STATE, "rb") as file:
        return pickle.load(file)


def _analyse(function: Callable[..., Any], args: Any) -> None:
    """What an analysis returns stands behind what it printed; None is nothing."""
    found = function(*args)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if found is not None:
        _print(str(found) + "\n")


def _print(text: str) -> None:
    """Written to the pipe itself: the candidate may have put something else in the place of ``print``."""
    view = memoryview(text.encode("utf-8", "backslashreplace"))
    while view:
        view = view[os.write(1, view[: 1 << 16]) :]


def _strangers(order: Order) -> bytes:
    """Where modules of the order's names came from that are none of the tree's, in lines."""
    found = imports.strangers(order["tree"], order["names"]).items()
    return "".join(f"{name}\t{file}\n" for name, file in found).encode("utf-8", "replace")


def _run(order: Order) -> None:
    """Run a script as ``python train.py`` would; an exit status of 0 is a good end."""
    path = Path(order["tree"], order["entry"])
    if not path.is_file():
        raise Complaint(f"{order['entry']} is not among the candidate's files")
    sys.path.insert(0, str(path.parent))
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise Complaint(f"{order['entry']} ended by sys.exit({ended.code!r})") from None


def _write(order: Order, name: str, value: Any, result: int) -> None:
    """Write an answer as the judge expects it: its shape, then its numbers."""
    import numpy as np

    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "biufO":
        raise Complaint(f"{name} returned {array.dtype} values; real numbers are expected")
    casting: Any = "unsafe" if array.dtype.kind == "O" else "same_kind"
    array = _shaped(order, name, array).astype(order["dtype"], order="C", casting=casting)
    _write_at(result, DIMS.pack(*array.shape, *[0] * (8 - array.ndim)), 0)
    if array.size:
        _write_at(result, memoryview(array.reshape(-1)).cast("B"), DIMS.size)


def _write_bytes(order: Order, data: bytes, result: int) -> None:
    """Write as much of some bytes as the judge takes; without NumPy, which may not be loaded yet."""
    data = data[: order["most"][0]]
    _write_at(result, DIMS.pack(len(data), *[0] * 7), 0)
    _write_at(result, data, DIMS.size)


def _shaped(order: Order, name: str, array: Any) -> Any:
    """The array in the announced shape; a column may come with or without its second axis."""
    wanted = order["shape"]
    if len(wanted) == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    fits = array.ndim == len(wanted) and all(
        size <= most if want is None else size == want
        for size, want, most in zip(array.shape, wanted, order["most"], strict=True)
    )
    if not fits:
        raise Complaint(_misfit(order, name, array.shape))
    return array


def _misfit(order: Order, name: str, shape: tuple[int, ...]) -> str:
    """A table that is only too wide is a table of too many features: named as the test names it."""
    if len(shape) == len(order["shape"]) == 2 and order["shape"][1] is None:
        columns, most = shape[1], order["most"][1]
        if columns > most:
            return f"{order['entry']}:{name} gave {columns} columns, more than max_columns={most}"
    return f"{name} returned shape {shape}, expected {_expected(order)}"


def _expected(order: Order) -> str:
    sizes = [
        f"at most {most}" if want is None else str(want)
        for want, most in zip(order["shape"], order["most"], strict=True)
    ]
    if len(sizes) == 1:
        return f"({sizes[0]},)"
    return f"({', '.join(sizes)})"


def _write_at(file: int, data: bytes | memoryview, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view[: 1 << 30], offset)
        view, offset = view[written:], offset + written
