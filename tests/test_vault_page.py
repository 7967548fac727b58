"""What docs/vault.md shows of cutting off a vault works when it is copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_autoresearch.testing import Project

PAGE = (Path(__file__).parent.parent / "docs" / "vault.md").read_text("utf-8")
OBJECTIVE, CUSTOMERS, TIME = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
MODEL = """
from sklearn.linear_model import LogisticRegression

USED = 1


def fit(X, y, *, seed):
    return LogisticRegression(random_state=seed).fit(X.to_numpy()[:, :USED], y)


def predict(state, X):
    return state.predict_proba(X.to_numpy()[:, :USED])[:, 1]
"""
TABLE = """
@pytest.fixture(scope="session")
def table():
    rng = np.random.default_rng(0)
    found = pd.DataFrame(rng.normal(size=(2400, 3)), columns=["calls", "fee", "age"])
    found["day"] = np.sort(rng.integers(720, size=2400))
    return found.assign(left=(found.calls + found.fee > rng.logistic(size=2400)).astype(int))
"""
IMPORTS = "import numpy as np\nimport pandas as pd\nimport pytest\n"
METRIC = "from sklearn.metrics import roc_auc_score\n"


@pytest.mark.parametrize("fixtures", [CUSTOMERS, IMPORTS + TIME + TABLE], ids=["customers", "time"])
def test_a_vault_cut_off_as_the_page_shows_is_looked_into(tmp_path: Path, fixtures: str) -> None:
    files = {"test_churn.py": METRIC + fixtures + "\n\n" + OBJECTIVE, "model.py": MODEL}
    made = Project(tmp_path / "p", files)
    for name in ("conftest.py", "test_line.py"):
        (made.folder / name).unlink()
    made.commit()
    made.replace("USED = 1", "USED = 2", description="one more column")
    result = made.search("--autoresearch-experiments", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 kept of 1 experiment" in result.stdout
    assert re.search(r"vault gain \+0\.\d+ \+/- 0\.\d+, gap .*, look 1 of 3", result.stdout)
