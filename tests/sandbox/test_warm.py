"""Libraries are imported once, unless that leaves a process whose children cannot compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox, chosen, libraries

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoresearch.sandbox.walls.tiers import Tier

    from .conftest import Make

X = np.random.default_rng(0).random((200, 4))
y = X[:, 0]
BUSY = """
# What a module does that warms its threads up while it is imported.
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
HistGradientBoostingRegressor(max_iter=1).fit(np.ones((50, 2)), np.arange(50.0))
"""
BOOSTED = """
import sys
from sklearn.ensemble import HistGradientBoostingRegressor
def fit(X, y, *, seed):
    print("busy" in sys.modules)
    return HistGradientBoostingRegressor(max_iter=3).fit(X, y)
def predict(state, X):
    return state.predict(X)
"""
WARM = """
def attempt():
    return [float(WARM)]
"""


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "busy.py").write_text(BUSY)
    monkeypatch.syspath_prepend(folder)
    return "busy"


def test_imports_that_ran_threads_are_noticed_and_left_to_each_process(
    make: Make, walled: Tier, tmp_path: Path, busy: str
) -> None:
    pytest.importorskip("sklearn")
    with Sandbox(Limits(), tmp_path / "room", ["numpy", busy], tier=walled) as sandbox:
        case = make(BOOSTED, sandbox=sandbox)
        assert case.candidate.fit(X, y).predict(X).shape == (200,)
        assert "parallel region of libgomp" in sandbox.cold
        assert case.ledger.text.startswith("False\n")


def test_imports_that_ran_none_are_kept(make: Make, walled: Tier, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    imports = libraries({"model.py": BOOSTED.encode()})
    with Sandbox(Limits(), tmp_path, imports, tier=walled) as sandbox:
        case = make(BOOSTED, sandbox=sandbox)
        case.candidate.fit(X, y)
        assert case.ledger.text == "False\n"
        case = make("import sys\nWARM = 'sklearn' in sys.modules\n" + WARM, sandbox=sandbox)
        assert case.candidate.call("model.py:attempt", shape=(1,)) == [1.0]
        assert sandbox.cold == ""


def test_a_person_may_choose_what_is_imported() -> None:
    assert chosen({}) is None
    assert chosen({"AUTORESEARCH_IMPORTS": ""}) == ()
    assert chosen({"AUTORESEARCH_IMPORTS": "numpy, torch.nn\npandas"}) == (
        *("numpy", "torch.nn", "pandas"),
    )


@pytest.mark.parametrize("name", ["numpy;os", "os.system('true')", "1st", "a..b", "-c"])
def test_what_is_no_name_of_a_module_is_refused(name: str) -> None:
    with pytest.raises(UsageProblem, match="is not the name of a module"):
        chosen({"AUTORESEARCH_IMPORTS": f"numpy {name}"})


def test_torch_brings_what_its_optimizers_import() -> None:
    for source in (b"import torch\n", b"from torch.nn import functional\n"):
        assert "torch._dynamo" in libraries({"model.py": source})
    assert libraries({"model.py": b"import numpy\n"}) == ("numpy",)
    assert libraries({"model.py": b"import torch\n"}, own=["torch"]) == ()
