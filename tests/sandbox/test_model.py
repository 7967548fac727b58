"""`fit` and `predict` run in processes of their own, and what comes back is checked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_autoresearch.exceptions import (
    CandidateError,
    CandidateExited,
    CandidateFailure,
    ProtocolError,
    Stopped,
    UsageProblem,
)
from pytest_autoresearch.records import Limits, Status
from pytest_autoresearch.sandbox import Sandbox
from pytest_autoresearch.sandbox.handing.text import Tail, clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from .conftest import Make

MEAN = """
import numpy as np
def fit(X, y, *, seed):
    return float(np.mean(y))
def predict(state, X):
    return np.full(len(X), state)
"""
ROWS = """
def fit(*args, seed):
    return None
def predict(state, X, **named):
    return X[:, 0]
"""
X = np.arange(60.0).reshape(20, 3)
y = np.arange(20.0)


def fitting(body: str) -> str:
    """A model whose fit has this body."""
    return f"def fit(X, y, *, seed):\n    {body}\ndef predict(state, X):\n    return X[:, 0]\n"


def predicting(body: str) -> str:
    """A model whose predict has this body."""
    lines = "\n    ".join(body.splitlines())
    return (
        "import os, numpy as np\ndef fit(X, y, *, seed):\n    return 1.0\n"
        f"def predict(state, X):\n    {lines}\n"
    )


def test_a_fitted_model_predicts(make: Make) -> None:
    case = make(MEAN)
    found = case.candidate.fit(X, y).predict(X)
    assert found.dtype == np.float64
    assert found.tolist() == [9.5] * 20
    # Two chunks, and some rows among those of fit.
    assert [phase for phase, _, _ in case.ledger.usage] == ["fit", *["predict"] * 4]
    assert all(seconds > 0 and peak > 1 for _, seconds, peak in case.ledger.usage)
    assert case.ledger.failures == []


def test_rows_come_back_in_their_own_order(make: Make) -> None:
    found = make(ROWS).candidate.fit(X, y).predict(X, chunks=3)
    assert found.tolist() == X[:, 0].tolist()


def test_a_process_sees_one_shuffled_chunk_and_keeps_no_state(make: Make) -> None:
    source = predicting(
        "global SEEN\nSEEN = globals().get('SEEN', 0) + 1\nreturn X[:, 0] * 0 + len(X) + SEEN"
    )
    model = make(source).candidate.fit(X, y)
    assert set(model.predict(X, row_independent=False)) == {11.0}
    source = predicting("return np.full(len(X), float((np.diff(X[:, 0]) > 0).all()))")
    model = make(source).candidate.fit(X, y)
    assert set(model.predict(X, chunks=1)) == {0.0}


def test_the_shuffle_is_the_same_next_time_and_another_for_other_rows(make: Make) -> None:
    source = predicting("return np.arange(len(X))")

    def order(rows: npt.NDArray[np.float64]) -> list[float]:
        model = make(source).candidate.fit(X, y)
        return list(model.predict(rows, chunks=1, row_independent=False))

    assert order(X) == order(X)
    assert order(X) != order(X + 1)


def test_several_columns(make: Make) -> None:
    model = make(predicting("return X[:, :2]")).candidate.fit(X, y)
    assert model.predict(X, columns=2).tolist() == X[:, :2].tolist()
    one = make(predicting("return X[:, :1]")).candidate.fit(X, y).predict(X)
    assert one.shape == (20,)


def test_whole_groups_stay_together_and_are_passed_on(make: Make) -> None:
    source = """
import numpy as np
def fit(X, y, *, seed, groups):
    return len(set(groups))
def predict(state, X, *, groups):
    assert (np.diff(groups) != 0).sum() + 1 == len(set(groups))
    return np.array([float((groups == g).sum()) for g in groups]) + 100 * len(set(groups))
"""
    groups = np.repeat(np.arange(5), 4)[::-1].copy()
    model = make(source).candidate.fit(X, y, groups=groups)
    found = model.predict(X, groups=groups, row_independent=False)
    assert set(found % 100) == {4.0}
    assert set(found // 100) == {2.0, 3.0}


def test_group_sizes_in_place_of_ids_are_a_usage_error(make: Make) -> None:
    model = make(ROWS).candidate.fit(X, y)
    with pytest.raises(UsageProblem, match="4 ids for 20 rows: give one group id for each row"):
        model.predict(X, groups=np.array([5, 5, 5, 5]))


def test_the_context_goes_whole_to_each_process(make: Make) -> None:
    source = """
import numpy as np
def fit(X, y, *, seed):
    return None
def predict(state, X, *, context):
    return np.full(len(X), float(context["price"].sum()))
"""
    model = make(source).candidate.fit(X, y)
    assert set(model.predict(X, context={"price": np.ones(9)})) == {9.0}


def test_nothing_to_predict_starts_no_process(make: Make) -> None:
    case = make(MEAN)
    model = case.candidate.fit(X, y)
    assert model.predict(X[:0]).shape == (0,)
    assert model.predict(X[:0], columns=3).shape == (0, 3)
    assert len(case.ledger.usage) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return X[:3, 0]", r"returned shape \(3,\), expected \(15,\)"),
        ("return X", r"returned shape \(15, 3\), expected \(15,\)"),
        ("return X[:, 0] + 1j", "complex128 values; real numbers are expected"),
        ("return [str(row) for row in X]", "values; real numbers are expected"),
    ],
)
def test_a_wrong_answer_is_explained(make: Make, body: str, words: str) -> None:
    with pytest.raises(CandidateError, match=words):
        make(predicting(body)).candidate.fit(X, y).predict(X)


def test_values_that_are_not_finite_are_counted(make: Make) -> None:
    body = "p = X[:, 0].copy()\np[np.isin(X[:, 0], [51, 54, 57])] = np.nan\nreturn p"
    with pytest.raises(ProtocolError) as caught:
        make(predicting(body)).candidate.fit(X, y).predict(X)
    assert str(caught.value) == (
        "predict returned 3 values that are not finite, the first in row 17"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os; os._exit(0)", "without an answer .exit status 0"),
        ("raise SystemExit", "without an answer .exit status 1"),
        ("raise KeyboardInterrupt", "without an answer"),
        ("import os; os.kill(os.getpid(), 11)", "killed by signal 11, SIGSEGV"),
    ],
)
def test_an_exit_is_no_answer(make: Make, body: str, words: str) -> None:
    with pytest.raises(CandidateExited, match=words):
        make(fitting(body)).candidate.fit(X, y)


FORGED = """
import glob, os, stat
for name in os.listdir("/proc/self/fd"):
    try:
        if int(name) > 2 and stat.S_ISSOCK(os.fstat(int(name)).st_mode):
            os.write(int(name), {data})
    except OSError:
        pass
{then}
"""


@pytest.mark.parametrize(
    ("data", "then"),
    [
        ("b'garbage'", ""),
        ("b'K'", ""),
        ("b'K'", "os._exit(1)"),
        ("b'\\xff' * 9000", "os._exit(0)"),
        ("b'E' * 20000", "os._exit(1)"),
        ("b'KE'", "os._exit(0)"),
    ],
)
def test_a_forged_frame_hurts_only_the_forger(make: Make, data: str, then: str) -> None:
    source = FORGED.format(data=data, then=then) + MEAN
    with pytest.raises(ProtocolError, match=r"wire|longer frame"):
        make(source).candidate.fit(X, y)
    assert make(MEAN).candidate.fit(X, y).predict(X)[0] == 9.5


def test_a_good_frame_without_numbers_is_no_answer(make: Make) -> None:
    forged = FORGED.format(data="b'K'", then="os._exit(0)").replace("\n", "\n    ")
    source = f"def fit(X, y, *, seed):\n    pass\ndef predict(state, X):{forged}\n"
    with pytest.raises(ProtocolError, match="answered with shape"):
        make(source).candidate.fit(X, y).predict(X)


def test_an_error_shows_the_candidates_frames_and_nothing_of_ours(make: Make) -> None:
    helper = {"lib/helper.py": "def broken():\n    raise ValueError('no such thing')\n"}
    source = "from helper import broken\ndef fit(X, y, *, seed):\n    broken()\n"
    with pytest.raises(CandidateError) as caught:
        make(source, files=helper, entry="lib/model.py", roots=()).candidate.fit(X, y)
    text = str(caught.value)
    assert text.endswith("ValueError: no such thing")
    assert 'File "lib/helper.py", line 2, in broken' in text
    assert "inside" not in text
    assert "tree0" not in text


def test_a_long_error_is_cut_and_cleaned(make: Make) -> None:
    with pytest.raises(CandidateError) as caught:
        make(fitting("raise ValueError('\\x1b[31m' + 'x' * 100_000)")).candidate.fit(X, y)
    assert len(str(caught.value)) <= 4096
    assert "\x1b" not in str(caught.value)


HOSTILE = """
class Odd(Exception):
    @property
    def __notes__(self):
        raise SystemExit
    def __str__(self):
        raise KeyboardInterrupt
def fit(X, y, *, seed):
    raise Odd
"""


def test_an_error_that_cannot_be_read_is_told_by_its_type(make: Make) -> None:
    with pytest.raises(CandidateError, match=r"^Odd: its text cannot be read$"):
        make(HOSTILE).candidate.fit(X, y)


def test_a_syntax_error_names_file_and_line(make: Make) -> None:
    with pytest.raises(CandidateError, match=r'File "model.py", line 2[\s\S]*SyntaxError'):
        make("import os\ndef fit(:\n").candidate.fit(X, y)


def test_a_missing_entry_is_said(make: Make) -> None:
    case = make(MEAN)
    (case.candidate._tree / "model.py").unlink()
    with pytest.raises(CandidateError, match=r"model\.py is not among the candidate's files"):
        case.candidate.fit(X, y)
    with pytest.raises(CandidateError, match=r"model\.py defines no function fit"):
        make("x = 1").candidate.fit(X, y)


def test_fit_must_accept_a_seed(make: Make) -> None:
    with pytest.raises(CandidateError) as caught:
        make("def fit(X, y):\n    return 1\n").candidate.fit(X, y)
    assert str(caught.value) == (
        "fit(X, y, *, seed) must accept `seed`: without it nothing can measure noise"
    )


def test_what_fit_declares_is_supplied(make: Make, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello")
    source = """
import numpy as np
def fit(X, y, *, seed, seconds, words, report):
    report(1, 0.5)
    return [seed, seconds, len(words.read_text())]
def predict(state, X, *, words):
    return np.tile([*state, len(words.name)], (len(X), 1))
"""
    limits = Limits(data={"words": str(tmp_path / "words.txt")})
    case = make(source, limits=limits, budget=100.0)
    case.ledger.folds_left = 4
    seed, seconds, length, name = case.candidate.fit(X, y).predict(X, columns=4)[0]
    assert (seed, length, name) == (7, 5, 9)
    assert 15 < seconds <= 20


def test_what_the_harness_supplies_cannot_be_given(make: Make) -> None:
    with pytest.raises(UsageProblem, match="the harness itself supplies `seed`"):
        make(MEAN).candidate.fit(X, y, seed=3)


def test_the_seed_decides_the_global_generators(make: Make) -> None:
    source = """
import random
import numpy as np
def fit(X, y, *, seed):
    return [random.random(), np.random.random()]
def predict(state, X):
    return np.tile(state, (len(X), 1))
"""
    case, other = make(source), make(source)
    other.ledger.seed = 8
    first = case.candidate.fit(X, y).predict(X, columns=2)[0]
    again = case.candidate.fit(X, y).predict(X, columns=2)[0]
    assert first.tolist() == again.tolist()
    assert not set(first) & set(other.candidate.fit(X, y).predict(X, columns=2)[0])


def test_a_reported_value_that_is_not_finite_stops_the_run(make: Make) -> None:
    source = """
import time
def fit(X, y, *, seed, report):
    report(1, 0.5)
    report(2, float("nan"))
    time.sleep(60)
"""
    case = make(source)
    with pytest.raises(Stopped, match=r"report\(2, nan\) is not finite") as caught:
        case.candidate.fit(X, y)
    assert caught.value.status is Status.STOPPED


def test_save_and_load_carry_what_does_not_pickle(make: Make) -> None:
    source = """
import numpy as np
def fit(X, y, *, seed):
    return lambda: float(y.sum())
def save(state, folder):
    (folder / "sum.txt").write_text(str(state()))
def load(folder):
    return float((folder / "sum.txt").read_text())
def predict(state, X):
    return np.full(len(X), state)
"""
    assert make(source).candidate.fit(X, y).predict(X)[0] == 190.0


def test_a_state_that_does_not_pickle_is_explained(make: Make) -> None:
    with pytest.raises(CandidateError, match=r"cannot be pickled .* define save\(state, folder\)"):
        make(fitting("return lambda: 1")).candidate.fit(X, y)


def test_the_state_may_be_of_the_candidates_own_classes(make: Make) -> None:
    source = """
import numpy as np
class Model:
    level = 4.0
def fit(X, y, *, seed):
    return Model()
def predict(state, X):
    return np.full(len(X), state.level)
"""
    package = {"lab/__init__.py": "", "lab/models/__init__.py": ""}
    flat = make(source).candidate.fit(X, y).predict(X)
    deep = make(
        "from . import other\n" + source,
        files={**package, "lab/models/other.py": ""},
        entry="lab/models/model.py",
    )
    assert flat[0] == deep.candidate.fit(X, y).predict(X)[0] == 4.0


def test_a_state_is_never_unpickled_by_the_judge(make: Make, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    source = f"""
import os
class Trap:
    def __reduce__(self):
        return (exec, (f"import os; open({str(sprung)!r}, 'a').write(str(os.getppid()) + ' ')",))
def fit(X, y, *, seed):
    return Trap()
def predict(state, X):
    return X[:, 0]
"""
    model = make(source).candidate.fit(X, y)
    assert not sprung.exists()
    model.predict(X)
    assert str(os.getppid()) not in sprung.read_text().split()


def test_a_state_too_large_is_refused(make: Make, tmp_path: Path) -> None:
    limits = Limits(artifact=1 << 20)
    with (
        Sandbox(limits, tmp_path / "small", ["numpy"]) as sandbox,
        pytest.raises(ProtocolError, match="fitted state takes 3 MiB, more than artifact=1 MiB"),
    ):
        make(fitting("return bytes(3 << 20)"), sandbox=sandbox).candidate.fit(X, y)


def test_a_models_folder_goes_with_the_model(make: Make) -> None:
    model = make(MEAN).candidate.fit(X, y)
    folder = model.artifact
    assert folder.is_dir()
    del model
    assert not folder.exists()


def test_a_failure_sticks(make: Make) -> None:
    case = make(predicting("raise ValueError('bad')"))
    model = case.candidate.fit(X, y)
    with pytest.raises(CandidateError) as first:
        model.predict(X)
    calls: list[Callable[[], object]] = [
        lambda: model.predict(X),
        lambda: case.candidate.fit(X, y),
        lambda: case.candidate.call("model.py:fit", X, shape=(1,)),
        lambda: case.candidate.run("model.py", key="x"),
    ]
    for call in calls:
        with pytest.raises(CandidateFailure) as again:
            call()
        assert again.value is first.value
    assert case.ledger.failures == [first.value]
    assert len(case.ledger.usage) == 2


def test_printed_text_is_kept_and_bounded(make: Make) -> None:
    case = make(
        fitting("print('start'); [print('x' * 1000) for _ in range(5000)]; print('\\x1b[1mend')")
    )
    case.candidate.fit(X, y)
    assert len(case.ledger.text) <= 64 << 10
    assert case.ledger.text.endswith("[1mend\n")
    assert "\x1b" not in case.ledger.text


def test_a_flood_takes_no_memory_here() -> None:
    tail = Tail(1000)
    for number in range(10_000):
        tail.add(b"%07d\n" % number)
        assert len(tail._bytes) <= 2008
    assert bytes(tail).endswith(b"0009999\n")
    assert len(bytes(tail)) == 1000


def test_text_that_could_deceive_a_reader_is_cleaned() -> None:
    assert clean("a\tb\r\nc\rd\x07\x1b[0m\u202e\u2066\u200b".encode() + b"\xff") == (
        "a\tb\nc\nd\ufffd\ufffd[0m\ufffd\ufffd\ufffd\ufffd"
    )


def test_candidate_code_sees_its_own_files_first(make: Make) -> None:
    files = {"json.py": "WHO = 'candidate'\n"}
    source = "import json\ndef fit(X, y, *, seed):\n    assert json.WHO == 'candidate'\n"
    # A standard module that the harness has imported already stays what it is.
    with pytest.raises(CandidateError, match="has no attribute 'WHO'"):
        make(source, files=files).candidate.fit(X, y)
    files = {"antigravity.py": "WHO = 'candidate'\n"}
    make(source.replace("json", "antigravity"), files=files).candidate.fit(X, y)


def test_the_world_of_a_candidate_is_small(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    source = """
import os, sys
def fit(X, y, *, seed):
    assert "OPENAI_API_KEY" not in os.environ and os.environ["MINE"] == "1"
    assert os.listdir(".") == [] and os.getcwd() == os.environ["HOME"] == os.environ["TMPDIR"]
    links = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{fd}").partition(":")[0])
        except OSError:
            pass  # the listing itself
    # Standard streams, the reports, the wire, and the arguments, which nobody can change.
    assert sorted(links) == ["/dev/null", "pipe", "pipe", "pipe", "socket"], links
    assert sys.stdin.read() == ""
    assert not [name for name in sys.modules if name.startswith("pytest")]
"""
    with Sandbox(Limits(env={"MINE": "1"}), tmp_path / "room", ["numpy"]) as sandbox:
        make(source, sandbox=sandbox).candidate.fit(X, y)
