"""What the worked cases need of the harness beyond its contract: frames are cheap to hand over."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pytest_autoresearch.evaluator import Bench
from pytest_autoresearch.records import Objective

OBJECTIVE = Objective(
    name="line",
    nodeid="test_line.py::test_line",
    path="test_line.py",
    metric="rmse",
    direction="minimize",
    editable=("*.py",),
    entry="model.py",
)


def imports(folder: Path, files: dict[str, bytes]) -> tuple[str, ...]:
    """What every process of these files finds imported already."""
    bench = Bench(OBJECTIVE, folder, "model.py", (".",))
    try:
        return bench.sandbox(files).imports
    finally:
        bench.close()


def test_not_every_process_that_is_handed_a_frame_has_to_import_pandas(tmp_path: Path) -> None:
    assert pd.__version__
    assert "pandas" in imports(tmp_path, {"model.py": b"import math"})


def test_a_module_of_the_candidate_named_like_a_library_is_not_imported_for_it(
    tmp_path: Path,
) -> None:
    assert "pandas" not in imports(tmp_path, {"model.py": b"", "pandas.py": b""})
