"""What docs/writing-experiments.md shows works when it is copied, and keeps what should be kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
import sklearn.ensemble
import sklearn.linear_model

from pytest_autoresearch.records import Record, Status
from pytest_autoresearch.testing import Project, Result

PAGE = (Path(__file__).parent.parent / "docs" / "writing-experiments.md").read_text("utf-8")
# Were they not imported here, every search in this process would do it again.
LOADED = (pd, sklearn.ensemble, sklearn.linear_model)

DEFAULTS = ("conftest.py", "test_line.py", "model.py")
MEMORISER = '''
"""Remembers how often each customer sent something back."""
import pandas as pd
from sklearn.linear_model import LogisticRegression


def rated(orders, rates):
    return orders.customer.map(rates).fillna(rates.mean()).to_frame("rate")


def fit(tables, y, *, seed):
    rates = pd.Series(y).groupby(tables["orders"].customer).mean()
    return rates, LogisticRegression().fit(rated(tables["orders"], rates), y)


def predict(state, X, groups, context):
    rates, model = state
    return model.predict_proba(rated(X, rates))[:, 1]
'''
CENTERED = 'return X - pd.DataFrame(X).groupby(groups).transform("mean").to_numpy()\n'
LIE = 'print("rmse: 0.001") or np.zeros(len(np.load("new.npy")))'
HUNGRY = """    import time
    hoard = np.ones(1 << 25)
    time.sleep(0.2)
    order = np"""
IMPORT_SKLEARN = "from sklearn.linear_model"


@dataclass(frozen=True)
class Patch:
    """What replaces what in the candidate's only file (or all of it), and what is to become of it."""

    changes: Mapping[str, str] = field(default_factory=dict)
    whole: str = ""
    status: Status = Status.KEPT
    reason: str = ""
    trust: str = ""

    def applied(self, text: str) -> str:
        for old, new in self.changes.items():
            assert old in text, f"the page has no {old!r} any more"
            text = text.replace(old, new, 1)
        return self.whole or text


Search = Callable[[Project, list[Patch]], list[Record]]
MEMORISES = Patch(whole=MEMORISER, status=Status.DISCARD)
RATING = Patch({'["amount"]': '["amount", "rating"]'})
PEEKS = Patch(
    {"loans = loans.assign(": "loans = loans.assign(day=loans.day + 30, "}, status=Status.DISCARD
)
CASES = {
    "churn": [Patch({"max_depth=1": "max_depth=8"})],
    "returns": [MEMORISES, Patch({'["price"]': '["price", "age"]'})],
    "search": [
        Patch(
            {"return X\n": CENTERED, IMPORT_SKLEARN: f"import pandas as pd\n{IMPORT_SKLEARN}"},
        )
    ],
    "demand": [Patch({"np.repeat(level[:, None], 12, axis=1)": "last_year"})],
    "wine": [
        Patch(
            {
                "state.predict_proba(X)": "np.ones((len(X), 3))",
                IMPORT_SKLEARN: f"import numpy as np\n{IMPORT_SKLEARN}",
            },
            status=Status.CRASH,
            reason="the chances of a row do not add up to 1",
        ),
        Patch({"C=0.001": "C=1.0"}),
    ],
    "credit": [
        Patch(
            {'["income"]': '["income", "area"]'},
            status=Status.DISCARD,
            reason="constraint adverse_impact >= 0.8 broken",
        ),
        Patch({'["income"]': '["income", "debt"]'}),
    ],
    "loans": [RATING, PEEKS],
    "curve": [Patch({"UNITS = 3": "UNITS = 30"})],
    "script": [
        Patch({"ALPHA = 100.0": "ALPHA = 0.1"}, trust="self-reported"),
        Patch({"np.sqrt(np.mean((predicted - test_y) ** 2))": "1e-3"}, trust="self-reported"),
    ],
    "scored": [
        Patch(
            {'model.predict(np.load("new.npy"))': LIE},
            status=Status.DISCARD,
            trust="joint",
        ),
        Patch({"ALPHA = 100.0": "ALPHA = 0.1"}, trust="joint"),
    ],
    "calls": [Patch({'["weekday"]': '["weekday", "day"]'})],
    "sensors": [
        Patch(
            {"USED = 10": "USED = 20", "    order = np": HUNGRY},
            status=Status.DISCARD,
            reason="constraint peak_memory_mb <= ",
        ),
        Patch({"USED = 10": "USED = 20"}),
    ],
}


def files() -> dict[str, str]:
    """The page's blocks of Python by the path in their first line."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return {re.split(r"[ :\n]", block.removeprefix("# "), maxsplit=1)[0]: block for block in blocks}


def cases() -> list[str]:
    return list(dict.fromkeys(Path(path).parent.name for path in files()))


def project(folder: Path, case: str, frozen: Mapping[str, str] | None = None) -> Project:
    """A repository of the case's files and its patches, after replacements in the frozen test."""
    texts = {path: text for path, text in files().items() if Path(path).parent.name == case}
    for old, new in (frozen or {}).items():
        path = f"experiments/{case}/test_{case}.py"
        assert old in texts[path], f"the page has no {old!r} any more"
        texts[path] = texts[path].replace(old, new)
    made = Project(folder, texts)
    for name in DEFAULTS:
        (made.folder / name).unlink()
    made.commit()
    return made


def add(made: Project, patches: list[Patch]) -> None:
    """Add patches to the project, each made from what those before it leave behind."""
    (path,) = (path for path in made.files if path not in DEFAULTS and "/test_" not in path)
    text = made.files[path]
    for patch in patches:
        after = patch.applied(text)
        made.add_patch(made.diff(path, text, after))
        text = after if patch.status is Status.KEPT else text


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of data outside of git, and a cache of our own."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "order.txt").write_text("\n".join(map(str, reversed(range(20)))))
    monkeypatch.setenv("SENSORS", str(tmp_path / "data"))
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def search(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, surroundings: None
) -> Search:
    """Replay patches in a project, in this process: what the page imports is imported once."""

    def search(made: Project, patches: list[Patch]) -> list[Record]:
        add(made, patches)
        # So many and no more: nobody then has to measure the last champion afresh.
        command = made.command("--autoresearch-experiments", str(len(patches)))
        monkeypatch.chdir(made.folder)
        ended = pytester.runpytest_inprocess(*command[3:])
        assert ended.ret == 0
        return Result(0, "", "", made.folder, made.xml).experiments

    return search


def test_every_case_of_the_page_is_run() -> None:
    assert cases() == list(CASES)
    assert len(files()) == 2 * len(CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_case_keeps_what_is_better_and_nothing_else(
    case: str, tmp_path: Path, search: Search
) -> None:
    patches = CASES[case]
    records = search(project(tmp_path / "p", case), patches)
    for record, patch in zip(records, patches, strict=True):
        assert record.status is patch.status, record.reason
        assert patch.reason in record.reason
        assert record.trust == patch.trust


def test_orders_of_one_customer_on_both_sides_would_let_a_memory_win(
    tmp_path: Path, search: Search
) -> None:
    frozen = {
        "folds.grouped(orders, sent_back, orders.customer, k=3)": (
            "folds.stratified(orders, sent_back, k=3)"
        ),
        "fold.train_groups": "fold.train_X.customer",
        "fold.test_groups": "fold.test_X.customer",
    }
    (record,) = search(project(tmp_path / "p", "returns", frozen), [MEMORISES])
    assert record.status is Status.KEPT


def test_a_lookup_that_is_not_cut_would_let_the_future_win(tmp_path: Path, search: Search) -> None:
    frozen = {'windows.as_of(ratings, window.cut, on="day")': "ratings"}
    made = project(tmp_path / "p", "loans", frozen)
    (record,) = search(made, [Patch({**RATING.changes, **PEEKS.changes})])
    assert record.status is Status.KEPT


def test_a_state_that_does_not_pickle_needs_save_and_load(tmp_path: Path) -> None:
    made = project(tmp_path / "p", "curve")
    path = made.folder / "experiments" / "curve" / "model.py"
    path.write_text(re.sub(r"def save.*?(?=def predict)", "", path.read_text(), flags=re.DOTALL))
    result = made.pytest()
    assert result.returncode == 1
    assert "cannot be pickled" in result.stdout
    assert "define save(state, folder) and load(folder)" in result.stdout


@pytest.mark.usefixtures("surroundings")
def test_a_model_that_got_worse_fails_as_an_ordinary_test(tmp_path: Path) -> None:
    made = project(tmp_path / "p", "sensors")
    folder = made.folder / "experiments" / "sensors"
    measured = made.pytest("--autoresearch", "--autoresearch-experiments", "0", str(folder))
    assert measured.returncode == 0, measured.stdout + measured.stderr
    assert (folder / "sensors.champion.json").exists()
    model = folder / "model.py"
    model.write_text(model.read_text().replace("USED = 10", "USED = 5"))
    result = made.pytest()
    assert result.returncode == 1
    assert "worse than" in result.stdout
