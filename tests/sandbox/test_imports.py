"""A file is imported as its project would import it: one module object, from the candidate's tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_autoresearch.exceptions import CandidateError

if TYPE_CHECKING:
    from .conftest import Make

X = np.zeros((4, 2))
y = np.zeros(4)
PREDICT = """
def fit(X, y, *, seed):
    return VALUE
def predict(state, X):
    return X[:, 0] + state
"""


def value(make: Make, source: str, files: dict[str, str], entry: str, *roots: str) -> float:
    """What an entry's VALUE is."""
    case = make(source + PREDICT, files=files, entry=entry, roots=(*roots, "."))
    return float(case.candidate.fit(X, y).predict(X)[0])


@pytest.mark.parametrize("inits", [True, False], ids=["packages", "namespaces"])
@pytest.mark.parametrize("roots", [("src",), ()], ids=["src", "flat"])
def test_relative_and_absolute_imports_find_the_same_module(
    make: Make, inits: bool, roots: tuple[str, ...]
) -> None:
    base = "/".join((*roots, "acme/shop"))
    source = """
import acme.shop.features as absolute
from .. import features as relative
from ..features import VALUE
from . import constants
assert absolute is relative
assert __name__ == "acme.shop.models.entry"
"""
    files = {f"{base}/features.py": "VALUE = 3.0\n", f"{base}/models/constants.py": ""}
    if inits:
        folders = (base, f"{base}/models", base.removesuffix("/shop"))
        files |= {f"{folder}/__init__.py": "" for folder in folders}
    assert value(make, source, files, f"{base}/models/entry.py", *roots) == 3


def test_an_entry_that_is_a_package_is_imported_once_by_its_name(make: Make) -> None:
    source = 'import sys\nassert __name__ == "acme"\nVALUE = 1.0\n'
    assert value(make, source, {}, "src/acme/__init__.py", "src") == 1


def test_neighbours_in_a_plain_folder_know_each_other_and_the_entry(make: Make) -> None:
    files = {
        "work/features.py": "from model import START\nVALUE = START + 1\n",
        "work/more/extra.py": "",
    }
    source = """
START = 2.0
import model, sys
from features import VALUE
from . import features
import work.more.extra
assert sys.modules[__name__] is model is sys.modules["model"]
"""
    assert value(make, source, files, "work/model.py") == 3


@pytest.mark.parametrize("folder", ["my-work/v1.2", "json", "code"])
def test_a_folder_whose_name_cannot_be_imported_holds_an_entry(make: Make, folder: str) -> None:
    files = {f"{folder}/features.py": "VALUE = 3.0\n"}
    assert value(make, "from features import VALUE\n", files, f"{folder}/model.py") == 3


def test_modules_of_a_package_do_not_stand_before_libraries(make: Make) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/this.py": "raise AssertionError('imported in place of the library')\n",
        "shop/features.py": "VALUE = 3.0\n",
    }
    source = "import this\nfrom features import VALUE\nassert this.s\n"
    assert value(make, source, files, "shop/model.py") == 3


def test_a_package_in_a_folder_that_is_no_root_finds_itself(make: Make) -> None:
    files = {"libs/shop/__init__.py": "", "libs/shop/features.py": "VALUE = 3.0\n"}
    assert value(make, "from shop.features import VALUE\n", files, "libs/shop/model.py") == 3


def test_a_file_elsewhere_is_called_with_its_own_neighbours(make: Make) -> None:
    files = {
        "other/shop/__init__.py": "",
        "other/shop/near.py": "VALUE = 3.0\n",
        "other/shop/far.py": "from .near import VALUE\ndef f():\n    return [VALUE]\n",
    }
    case = make("", files=files, entry="work/model.py", roots=(".",))
    assert case.candidate.call("/other/shop/far.py:f", shape=(1,)) == [3.0]


def test_a_fault_in_a_package_above_is_the_candidates(make: Make) -> None:
    files = {"shop/__init__.py": "1 / 0\n"}
    with pytest.raises(CandidateError, match=r"(?s)shop/__init__.py.*ZeroDivisionError"):
        value(make, "VALUE = 3.0", files, "shop/model.py")
