"""`call` reaches any function, `run` an existing script; what they may answer is known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_autoresearch.exceptions import (
    CandidateError,
    CandidateExited,
    OverBudget,
    ProtocolError,
    UsageProblem,
)
from pytest_autoresearch.records import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Make

X = np.arange(12.0).reshape(4, 3)
TOOLS = """
import numpy as np
def double(X, *, offset=0.0):
    return X * 2 + offset
def first(X, n):
    return X[:n, :2]
def many(n):
    return np.zeros((n, 2))
def flags(X):
    return X[:, 0] > 2
def total(X):
    return X.sum()
def broken(X):
    return X / 0
"""


def test_a_function_of_any_file_is_called(make: Make) -> None:
    case = make(TOOLS, entry="lab/tools.py", files={"other.py": "def one(X):\n    return [1.0]\n"})
    call = case.candidate.call
    assert call("tools.py:double", X, shape=X.shape, offset=1.0).tolist() == (X * 2 + 1).tolist()
    assert call("/other.py:one", X, shape=(1,)).tolist() == [1.0]
    assert call("tools.py:total", X, shape=()) == 66.0
    flags = call("tools.py:flags", X, shape=(4,), dtype="bool")
    assert flags.dtype == bool
    assert flags.tolist() == [False, True, True, True]
    assert {phase for phase, _, _ in case.ledger.usage} == {"call"}
    assert case.ledger.trusts == []


def test_an_open_dimension_is_announced_within_bounds(make: Make) -> None:
    call = make(TOOLS).candidate.call
    assert call("model.py:first", X, 3, shape=(None, None)).tolist() == X[:3, :2].tolist()
    assert call("model.py:many", 100_000, shape=(None, 2)).shape == (100_000, 2)
    with pytest.raises(
        CandidateError, match=r"^model.py:double gave 3 columns, more than max_columns=2$"
    ):
        call("model.py:double", X, shape=(None, None), max_columns=2)


def test_more_rows_than_the_first_argument_has_are_refused(make: Make) -> None:
    source = "import numpy as np\ndef more(X):\n    return np.zeros(len(X) + 1)\n"
    with pytest.raises(CandidateError, match=r"shape \(5,\), expected \(at most 4,\)"):
        make(source).candidate.call("model.py:more", X, shape=(None,))


def test_an_announcement_past_the_bounds_is_refused(make: Make) -> None:
    source = """
import os, stat, struct, sys
def forge(X):
    frame = sys._getframe(1)
    os.pwrite(frame.f_locals["result"], struct.pack("<8q", SIZE, 0, 0, 0, 0, 0, 0, 0), 0)
    for fd in range(3, 20):
        if os.path.exists(f"/proc/self/fd/{fd}") and stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.write(fd, b"K")
            os._exit(0)
"""
    for size in (5, -1, 1 << 62):
        with pytest.raises(ProtocolError, match="answered with shape"):
            make(source.replace("SIZE", str(size))).candidate.call(
                "model.py:forge", X, shape=(None,)
            )
    found = make(source.replace("SIZE", "4")).candidate.call("model.py:forge", X, shape=(None,))
    assert found.tolist() == [0.0] * 4


def test_values_of_a_call_are_finite(make: Make) -> None:
    with pytest.raises(ProtocolError, match="not finite, the first in row 0"):
        make(TOOLS).candidate.call("model.py:broken", X, shape=(4, 3))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target": "double", "shape": (1,)}, "write it as 'file.py:function'"),
        ({"target": "../x.py:double", "shape": (1,)}, "not a path inside"),
        ({"target": "model.py:double", "shape": (-1,)}, "up to 8 whole numbers"),
        ({"target": "model.py:double", "shape": (1,), "dtype": "object"}, "not a type of real"),
    ],
)
def test_a_wrong_call_is_a_usage_error(make: Make, arguments: Any, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        make(TOOLS).candidate.call(**arguments)


SCRIPT = """
import os, sys
import helper
if __name__ == "__main__":
    assert os.listdir(".") == []
    for step in range(3):
        print(f"val_bpb: {helper.START - step / 10}")
    print("steps =", 3, *sys.argv[1:])
    sys.exit(0)
"""


def test_a_scripts_last_printed_number_counts(make: Make) -> None:
    case = make(SCRIPT, entry="lab/train.py", files={"lab/helper.py": "START = 1.5\n"})
    assert case.candidate.run("train.py", pattern=r"^val_bpb:\s*([\d.]+)") == 1.3
    assert case.candidate.run("train.py", 4, key="val_bpb") == 1.3
    assert case.candidate.run("train.py", key="steps") == 3.0
    assert set(case.ledger.trusts) == {"self-reported"}
    assert case.ledger.usage[0][0] == "run"
    assert "steps = 3 4" in case.ledger.text


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (
            "print('nothing')",
            ProtocolError,
            r"printed nothing that matches [\s\S]* at its end: nothing",
        ),
        ("print('bpb: nan')", ProtocolError, "'nan', not a finite number"),
        ("import sys; print('bpb: 1'); sys.exit(2)", CandidateError, r"ended by sys.exit\(2\)"),
        ("import os; print('bpb: 1'); os._exit(0)", CandidateExited, "exit status 0"),
        ("print('bpb: 1'); 1 / 0", CandidateError, "ZeroDivisionError"),
        ("while True: pass", OverBudget, "over budget"),
    ],
)
def test_a_script_that_fails_has_no_score(
    make: Make, source: str, error: type[Exception], words: str
) -> None:
    case = make(source, entry="train.py", budget=1.0)
    with pytest.raises(error, match=words):
        case.candidate.run("train.py", key="bpb")
    assert len(case.ledger.failures) == 1


def test_a_script_gets_files_and_gives_an_array(make: Make, tmp_path: Path) -> None:
    source = """
import os, numpy as np
X = np.load("data/X.npy")
assert open("note.txt").read() == "hello"
assert os.environ["AUTORESEARCH_SEED"] == "7" and float(os.environ["AUTORESEARCH_SECONDS"]) > 1
assert open(os.environ["AUTORESEARCH_DATA_WORDS"]).read() == "words"
os.makedirs("elsewhere"); os.chdir("elsewhere")
X.sum(axis=1).tofile(os.environ["AUTORESEARCH_OUTPUT"])
"""
    (tmp_path / "words").write_text("words")
    case = make(source, entry="train.py", limits=Limits(data={"words": str(tmp_path / "words")}))
    files: dict[str, Any] = {"data/X.npy": X, "note.txt": b"hello"}
    assert (
        case.candidate.run("train.py", files=files, shape=(4,)).tolist() == X.sum(axis=1).tolist()
    )
    assert case.ledger.trusts == ["joint"]
    with pytest.raises(ProtocolError, match=r"32 bytes to output\.bin, expected 40: float64"):
        case.candidate.run("train.py", files=files, shape=(5,))


@pytest.mark.parametrize(
    "body", ["", "os.symlink('/etc/passwd', out)", "os.mkfifo(out)", "os.mkdir(out)"]
)
def test_only_a_real_file_is_an_answer(make: Make, body: str) -> None:
    source = f"import os\nout = os.environ['AUTORESEARCH_OUTPUT']\n{body}\n"
    with pytest.raises(ProtocolError, match=r"output\.bin"):
        make(source, entry="train.py").candidate.run("train.py", shape=(4,))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "exactly one of pattern=, key= and shape="),
        ({"key": "a", "pattern": "b"}, "exactly one of"),
        ({"shape": (None, 2)}, "all dimensions must be numbers"),
        ({"key": "a", "files": {"../x": b""}}, "not a path inside"),
        ({"key": "a", "files": {"x": "text"}}, "is a str"),
    ],
)
def test_a_wrong_run_is_a_usage_error(make: Make, arguments: Any, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        make("", entry="train.py").candidate.run("train.py", **arguments)
