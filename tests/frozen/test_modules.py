"""What the evaluation imports is found without importing or parsing anything."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pytest_autoresearch.frozen.modules import sources_of
from pytest_autoresearch.records import Objective

OBJECTIVE = Objective("it", "sub/test_it.py::test_it", "sub/test_it.py", "m", "maximize", ("m.py",))
FILES = {
    "sub/test_it.py": "import os, json\nimport one.two as x\nfrom three import (\n    four,  # five\n    six,\n)\n",
    "sub/conftest.py": "def late():\n    from .near import thing\n",
    "one/__init__.py": "from . import inner\n",
    "one/two.py": "",
    "one/inner.py": "from ..sub2 import far\n",
    "one/unused.py": "",
    "three/four/__init__.py": "",
    "three/six.py": "import numpy\n",
    "three/seven.py": "",
    "sub/near.py": "",
    "sub2/far.py": "",
    "json/__init__.py": "",
    "model.py": "",
}


@pytest.fixture
def item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.Item:
    """An item without fixtures or plugins, in a repository of `FILES` that is on the import path."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / path).write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "sub"), str(tmp_path), *sys.path])
    manager = SimpleNamespace(get_plugins=list)
    return cast("pytest.Item", SimpleNamespace(config=SimpleNamespace(pluginmanager=manager)))


def test_imports_are_followed_from_file_to_file(item: pytest.Item, tmp_path: Path) -> None:
    found = sources_of(item, OBJECTIVE, tmp_path)
    assert dict(found.files) == {
        "one/__init__.py": "sub/test_it.py",
        "one/inner.py": "one/__init__.py",
        "one/two.py": "sub/test_it.py",
        "sub/near.py": "sub/conftest.py",
        "sub2/far.py": "one/inner.py",
        "three/four/__init__.py": "sub/test_it.py",
        "three/six.py": "sub/test_it.py",
    }
    assert {"numpy", "json", "one.two"} <= set(found.names)
    assert {"", "sub"} <= set(found.roots)


def test_nothing_is_imported_for_it(item: pytest.Item, tmp_path: Path) -> None:
    before = set(sys.modules)
    sources_of(item, OBJECTIVE, tmp_path)
    assert {name for name in set(sys.modules) - before if name in ("one", "three", "sub2")} == set()


def test_a_file_that_hides_a_library_is_part_of_the_evaluation(
    item: pytest.Item, tmp_path: Path
) -> None:
    assert "wave" not in sys.modules
    (tmp_path / "sub/wave.py").write_text("")
    (tmp_path / "one/two.py").write_text("import wave\n")
    assert "sub/wave.py" in sources_of(item, OBJECTIVE, tmp_path).files


def test_an_environment_in_the_repository_is_no_part_of_it(
    item: pytest.Item, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "venv/lib").mkdir(parents=True)
    (tmp_path / "venv/lib/wave.py").write_text("")
    (tmp_path / "one/two.py").write_text("import wave\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "venv/lib"), *sys.path])
    assert "venv/lib/wave.py" in sources_of(item, OBJECTIVE, tmp_path).files
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    assert "venv/lib/wave.py" not in sources_of(item, OBJECTIVE, tmp_path).files
