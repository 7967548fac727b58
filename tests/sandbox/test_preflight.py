"""What would fail anyway is said before the budget starts, and the same code is known by its shape."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_autoresearch.evaluator import Bench
from pytest_autoresearch.exceptions import Interrupted
from pytest_autoresearch.records import Limits, Objective
from pytest_autoresearch.runs.opening import _beside
from pytest_autoresearch.sandbox import Answer, Job, Meter, Sandbox, materialise, pack
from pytest_autoresearch.sandbox.preflight import WARM, Finding, Preflight
from pytest_autoresearch.sandbox.walls.tiers import Tier
from pytest_autoresearch.scratch import sweep

MODEL = """
import numpy as np

DEPTH = 3


def fit(X, y, *, seed):
    return {"depth": DEPTH}


def predict(state, X):
    return np.zeros(len(X))
"""
FILES = {"model.py": MODEL.encode(), "features.py": b"def double(X):\n    return 2 * X\n"}

Look = Callable[..., Finding]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(Limits(), tmp_path_factory.mktemp("preflight"), ["numpy", WARM]) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def preflight(sandbox: Sandbox) -> Preflight:
    return Preflight(sandbox, "model.py", ["."])


@pytest.fixture
def look(preflight: Preflight) -> Look:
    """``look("DEPTH = 3", "DEPTH = 5")``: of a candidate in whose model this stands for that."""

    def look(
        old: str = "",
        new: str = "",
        *,
        champion: str = MODEL,
        files: dict[str, bytes] | None = None,
    ) -> Finding:
        assert old in champion
        base = {**FILES, "model.py": champion.encode()}
        text = champion.replace(old, new, 1) if old else champion
        return preflight.look({**base, "model.py": text.encode(), **(files or {})}, base)

    return look


def test_nothing_is_said_of_a_good_patch(look: Look) -> None:
    assert look("DEPTH = 3", "DEPTH = 5").problem == ""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("DEPTH = 3", "DEPTH = = 3", "model.py:4: SyntaxError: invalid syntax: DEPTH = = 3"),
        ("DEPTH = 3", "return 3", "model.py:4: SyntaxError: 'return' outside function"),
        (
            "    return {",
            "    x = 1\n   return {",
            "model.py:9: IndentationError: unindent does not match",
        ),
        ("DEPTH = 3", "DEPTH = '\0'", "source code string cannot contain null bytes"),
        (
            "DEPTH = 3",
            f"DEPTH = {'(' * 999}3{')' * 999}",
            "model.py:4: SyntaxError: too many nested parentheses",
        ),
    ],
)
def test_a_file_that_does_not_parse_is_named_with_its_line(
    look: Look, old: str, new: str, problem: str
) -> None:
    assert problem in look(old, new).problem


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("import numpy as np\n", "", "model.py:11: undefined name 'np'"),
        ('{"depth": DEPTH}', "XGBRegressor(seed)", "model.py:8: undefined name 'XGBRegressor'"),
        (
            '    return {"depth": DEPTH}',
            "    state = DEPTH\n    DEPTH = 4\n    return state",
            "model.py:8: local variable 'DEPTH'",
        ),
    ],
)
def test_a_name_that_nobody_defines_is_named_with_its_line(
    look: Look, old: str, new: str, problem: str
) -> None:
    assert problem in look(old, new).problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DEPTH = 3", "import os, sys\nunused = 1\nDEPTH = 3"),
        ("def fit(X, y, *,", 'def fit(X: "np.NoSuchThing", y: "Nobody", *,'),
        ('return {"depth"', 'local: Nobody = 3\n    return {"depth"'),
        (
            "import numpy as np",
            "from __future__ import annotations\nimport numpy as np\nx: Nobody = 3",
        ),
        ("import numpy as np", "from numpy import *\nimport numpy as np\nx = zeros(3)"),
        ("DEPTH = 3", "try:\n    unicode\nexcept NameError:\n    unicode = str\nDEPTH = 3"),
        ("DEPTH = 3", "DEPTH = 3\nclass A: pass"),
        ("DEPTH = 3", "DEPTH = [n for n in range(9)][3]\nif (m := DEPTH) > 2: del m"),
    ],
)
def test_nothing_of_style_is_said_nor_of_names_that_are_never_looked_up(
    look: Look, old: str, new: str
) -> None:
    assert look(old, new).problem == ""


def test_a_name_that_the_champion_lacks_too_is_no_problem_of_the_patch(look: Look) -> None:
    champion = f"{MODEL}\n\ndef never_called():\n    return nobody\n"
    assert look("DEPTH = 3", "DEPTH = 5", champion=champion).problem == ""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("def predict(", "def forecast(", "model.py no longer defines predict"),
        ("*, seed", "**options", "must accept `seed`"),
        (
            "(X, y, *, seed)",
            "(X, y, weights, *, seed)",
            "model.py:7: fit(X, y, weights, *, seed) needs weights",
        ),
        ("(X, y, *, seed)", "(X, y, *, seed, depth)", "needs depth, which nobody passes"),
        ("(X, y, *, seed)", "(X, *, seed)", "takes fewer arguments than it is given"),
        (
            "(state, X)",
            "(state, X, seed)",
            "predict(state, X, seed) needs seed, which nobody passes",
        ),
    ],
)
def test_an_entry_that_can_no_longer_be_called_as_the_champions_is_told_with_both_signatures(
    look: Look, old: str, new: str, problem: str
) -> None:
    told = look(old, new).problem
    assert problem in told
    assert "which the champion's does" in told or "seed" in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(X, y, *, seed)", "(X, y, seed)"),
        ("(X, y, *, seed)", "(features, target, *, seed, seconds, report)"),
        ("(X, y, *, seed)", "(*given, seed=0, **more)"),
        ("(X, y, *, seed)", "(X, y, weights=None, *, seed, depth=3)"),
        (
            "def fit(X, y, *, seed):",
            "def filled(f):\n    return lambda X, y, *, seed: f(X, y, 3, seed)\n\n"
            "@filled\ndef fit(X, y, depth, seeds):",
        ),
        (
            "def predict(state, X):",
            "predict = lambda state, X:  0 if X is None else X\ndef old(state, X):",
        ),
        ("def predict(state, X):", "from features import double as predict\ndef old(state, X):"),
        ("def fit(", "if DEPTH:\n    def helper(): pass\nelse:\n    def fit(): pass\n\ndef fit("),
    ],
)
def test_what_can_still_be_called_is_left_alone(look: Look, old: str, new: str) -> None:
    assert look(old, new).problem == ""


def test_a_parameter_with_a_default_may_go(look: Look) -> None:
    champion = MODEL.replace("(X, y, *, seed)", "(X, y, depth=3, *, seed, rate=0.1)")
    assert look("depth=3, *, seed, rate=0.1", "*, seed", champion=champion).problem == ""


def test_a_value_of_a_functions_name_is_none_that_is_called(look: Look) -> None:
    champion = MODEL.replace("DEPTH = 3", "DEPTH = 3\nlogits = []")
    assert look("logits = []", "logits = [1]", champion=champion).problem == ""
    assert look("logits = []", "", champion=champion).problem == ""


def test_what_the_champion_needs_has_to_be_taken(look: Look) -> None:
    champion = MODEL.replace("(state, X)", "(state, X, *, groups)")
    told = look(", *, groups", "", champion=champion).problem
    assert "predict(state, X) takes no groups, which it is given" in told


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "import nosuchlibrary",
            "model.py:5: ModuleNotFoundError: No module named 'nosuchlibrary'",
        ),
        ("DEPTH = {}['gone']", "model.py:5: KeyError: 'gone'"),
        ("import sys; sys.exit(0)", "the import of model.py: the process ended without an answer"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
    ],
)
def test_an_entry_that_cannot_be_imported_is_told_as_its_run_would_tell(
    look: Look, line: str, problem: str
) -> None:
    assert problem in look("DEPTH = 3", f"DEPTH = 3\n{line}").problem


def test_a_function_that_is_none_in_the_end_is_missed(look: Look) -> None:
    changed = f"{MODEL}\nfit = None\n"
    assert look(MODEL, changed).problem == "model.py defines no function fit"


def test_an_import_that_breaks_elsewhere_is_found_there(look: Look) -> None:
    told = look("DEPTH", "import features\nDEPTH", files={"features.py": b"x = 1\ny = 1 / 0\n"})
    assert told.problem == "features.py:2: ZeroDivisionError: division by zero"


def test_a_script_is_parsed_and_not_run(preflight: Preflight, tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    base = {"model.py": f"print('training')\nopen({str(mark)!r}, 'w')\n".encode()}
    found = preflight.look({"model.py": base["model.py"] + b"import nosuchlibrary\n"}, base)
    assert found.problem == ""
    assert not mark.exists()


def test_nothing_is_imported_where_that_is_for_the_experiment(sandbox: Sandbox) -> None:
    apart = Preflight(sandbox, "model.py", ["."], imports=False)
    broken = {**FILES, "model.py": b"import nosuchlibrary\n" + FILES["model.py"]}
    assert apart.look(broken, FILES).problem == ""
    assert "invalid syntax" in apart.look({**FILES, "model.py": b"def fit(:"}, FILES).problem


def test_an_import_that_asks_for_processes_is_left_to_its_run(walled: Tier, tmp_path: Path) -> None:
    forks = {**FILES, "model.py": b"import os\nos.fork()\n" + FILES["model.py"]}
    with Sandbox(Limits(), tmp_path, tier=walled) as sandbox:
        assert Preflight(sandbox, "model.py", ["."]).look(forks, FILES).problem == ""


def test_an_import_that_takes_too_long_is_left_to_its_run(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_autoresearch.sandbox.preflight.SECONDS", 1.0)
    found = look("DEPTH = 3", "DEPTH = 3\nwhile True: pass")
    assert found.problem == ""
    assert found.shape


def test_what_is_imported_cannot_change_what_the_code_is_called(look: Look) -> None:
    forger = "import os, sys\nfor fd in range(3, 99):\n    try: os.pwrite(fd, b'x' * 999, 0)\n    except OSError: pass\n"
    plain = look("DEPTH = 3", f"{forger}DEPTH = 3")
    again = look("DEPTH = 3", f"# another comment\n{forger}DEPTH = 3")
    assert plain.shape == again.shape != look().shape


def test_the_deadline_ends_it(preflight: Preflight) -> None:
    with pytest.raises(Interrupted):
        preflight.look(FILES, FILES, deadline=time.monotonic() - 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DEPTH = 3", "DEPTH   =   3  # three"),
        ("DEPTH = 3", "DEPTH = (3)\n\n"),
        ("import numpy as np", '"""A model."""\nimport numpy as np'),
        ("seed):\n    return", 'seed):\n    """Fit it."""\n    return'),
        ('{"depth": DEPTH}', "{'depth':\n        DEPTH}"),
        ("DEPTH = 3", "DEPTH = 3\npass"),
    ],
)
def test_formatting_comments_and_docstrings_are_no_part_of_the_shape(
    look: Look, old: str, new: str
) -> None:
    assert look(old, new).shape == look().shape


@pytest.mark.parametrize(
    ("old", "new"),
    [("DEPTH = 3", "DEPTH = 4"), ("DEPTH = 3", "DEPTH = 3.0"), ('"depth"', '"Depth"')],
)
def test_whatever_else_differs_is(look: Look, old: str, new: str) -> None:
    assert look(old, new).shape != look().shape


def test_other_files_count_by_their_bytes_and_all_by_their_paths(look: Look) -> None:
    shapes = {
        look(files=files).shape
        for files in (
            {},
            {"notes.txt": b"a = 1"},
            {"notes.txt": b"a  =  1"},
            {"b/notes.txt": b"a = 1"},
            {"extra.py": b""},
            {"features.py": b"def double(X:\n"},
            {"features.py": b"def double(X:\n\n"},
        )
    }
    assert len(shapes) == 7
    assert "" not in shapes


def test_a_file_that_no_parser_survives_costs_no_experiment(preflight: Preflight) -> None:
    deep = b"x = " + b"-" * 200_000 + b"1\n"
    found = preflight.look({**FILES, "features.py": deep}, FILES)
    assert found.problem == "" or found.problem.startswith("features.py:1: ")


def test_a_large_file_of_data_is_left_to_its_run_and_known_by_its_bytes(
    preflight: Preflight,
) -> None:
    large = b"x = nobody\n" * 200_000
    first, second = (
        preflight.look({**FILES, "data.py": text}, FILES) for text in (large, large + b"\n")
    )
    assert first.problem == ""
    assert first.shape != second.shape


def test_two_sandboxes_work_in_two_threads_at_once(walled: Tier, tmp_path: Path) -> None:
    found: dict[str, list[str]] = {}

    def work(name: str) -> None:
        with Sandbox(Limits(), tmp_path / name, tier=walled) as sandbox:
            preflight = Preflight(sandbox, "model.py", ["."])
            bad = {**FILES, "model.py": f"import {name}\n".encode() + FILES["model.py"]}
            found[name] = [preflight.look(bad, FILES).problem for _ in range(4)]

    def fit(name: str) -> None:
        tree = tmp_path / f"{name}-tree"
        with Sandbox(Limits(), tmp_path / name, tier=walled) as sandbox:
            tree = tmp_path / name / "tree"
            materialise(
                {"model.py": b"import time\ndef wait(n):\n    time.sleep(0.05)\n    return [n]\n"},
                tree,
            )
            answer = Answer((1,), (1,))
            order = {
                **{"op": "call", "tree": str(tree), "roots": ["."], "entry": "model.py"},
                **{"function": "wait", "seed": 0, "data": {}, "env": {}, "argv": []},
                **{"shape": answer.shape, "most": answer.most, "dtype": answer.dtype},
            }
            job = Job("wait", order, pack("wait", (7,), {}), answer)
            results = [sandbox.run(job, Meter(60.0)) for _ in range(6)]
            found[name] = [
                str(one.failure or float(one.array[0])) for one in results if one.array is not None
            ]

    threads = [
        threading.Thread(target=work, args=["first"]),
        threading.Thread(target=fit, args=["other"]),
    ]
    for thread in threads:
        thread.start()
    fit("here")
    for thread in threads:
        thread.join(120)
    assert found["first"] == ["model.py:1: ModuleNotFoundError: No module named 'first'"] * 4
    assert found["other"] == found["here"] == ["7.0"] * 6


OBJECTIVE = Objective(
    name="line",
    nodeid="test_line.py::test_line",
    path="test_line.py",
    metric="rmse",
    direction="minimize",
    editable=("*.py",),
    entry="model.py",
    limits=Limits(processes=True, exec=True),
)


def test_a_bench_beside_another_one_gives_no_candidate_processes(tmp_path: Path) -> None:
    bench = Bench(OBJECTIVE, tmp_path, "model.py", (".",), apart=True)
    try:
        assert bench.preflight(FILES, FILES).problem == ""
        assert not bench.limits.processes
        assert not bench.limits.exec
    finally:
        bench.close()


def test_what_a_bench_beside_another_one_leaves_is_swept_with_the_other(tmp_path: Path) -> None:
    main = Bench(OBJECTIVE, tmp_path, "model.py", (".",))
    beside = _beside(main)
    try:
        assert beside.preflight(FILES, FILES).problem == ""
        assert beside.folder.is_dir()
        # As after `kill -9`: processes and locks are gone, folders are not.
        for bench in (beside, main):
            if bench._sandbox is not None:
                bench._sandbox.close()
            os.close(bench._scratch._lock)  # type: ignore[arg-type]
            bench._scratch._lock = None
        sweep([str(main.folder)])
        assert not beside.folder.exists()
    finally:
        beside.close()
        main.close()


def test_a_bench_that_only_checks_imports_nothing_for_preflights(tmp_path: Path) -> None:
    for preflights in (True, False):
        bench = Bench(OBJECTIVE, tmp_path, "model.py", (".",), preflights=preflights)
        try:
            assert (WARM in bench.sandbox(FILES).imports) is preflights
        finally:
            bench.close()
