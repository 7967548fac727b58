"""Literals are found where they stand, and no file can hurt the process that asks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.exceptions import HarnessFault
from pytest_autoresearch.sandbox import grammar, reading
from pytest_autoresearch.sandbox.grammar import read_literals
from pytest_autoresearch.sandbox.walls import launch, tiers

SOURCE = '''"""Says 0.5 and C=2."""
RATE = 1e-3  # größer
größe = 'ü'; shift = -1.5
params: dict[str, float] = {"learning_rate": 0.1, "trees": {"num_leaves": 31}}
params["max_depth"] = 7


@retry(times=3)
def fit(X, y: Annotated[int, 4], *, seed, depth=6, share: float = (0.25)):
    """Says 0.7."""
    assert depth == 5 and f"{depth:3}"
    blend = 0.7 * a + 2 * b
    low = 0.1 if depth > 3 else 0.2
    net = MLP(hidden=(64, 32), penalty="l2", bias=True, weight=None, steps=1_000,)
    rows = X[:10, 3]
    return sk.Ridge(alpha=- 0.5).fit(X[0], Dropout(0.3), mask=0x10)


class Config:
    width: int = 8


if __name__ == "__main__":
    fit(depth=99)
'''


def found(source: str | bytes) -> list[dict[str, Any]]:
    data = source.encode() if isinstance(source, str) else source
    return [one for one in read_literals({"model.py": data}) if one["sort"] == "literal"]


def triples(source: str) -> list[tuple[str, str, str]]:
    return [(one["where"], one["name"], one["text"]) for one in found(source)]


def test_named_literals_are_found_and_nothing_else() -> None:
    assert triples(SOURCE) == [
        ("", "RATE", "1e-3"),
        ("", "shift", "-1.5"),
        ("params", "learning_rate", "0.1"),
        ("params.trees", "num_leaves", "31"),
        ("", "max_depth", "7"),
        ("fit", "depth", "6"),
        ("fit", "share", "0.25"),
        ("fit", "blend", "0.7"),
        ("fit", "low", "0.1"),
        ("fit", "low", "0.2"),
        ("fit.MLP", "hidden", "64"),
        ("fit.MLP", "hidden", "32"),
        ("fit.MLP", "penalty", '"l2"'),
        ("fit.MLP", "bias", "True"),
        ("fit.MLP", "weight", "None"),
        ("fit.MLP", "steps", "1_000"),
        ("fit.sk.Ridge", "alpha", "- 0.5"),
        ("fit.Dropout", "p", "0.3"),
        ("Config", "width", "8"),
    ]


def test_values_kinds_and_roles_are_told() -> None:
    told = {one["name"]: (one["kind"], one["value"], one["role"]) for one in found(SOURCE)}
    assert told["RATE"] == ("float", 0.001, "variable")
    assert told["alpha"] == ("float", -0.5, "keyword")
    assert told["num_leaves"] == ("int", 31, "entry")
    assert told["depth"] == ("int", 6, "default")
    assert told["blend"] == ("float", 0.7, "local")
    assert told["penalty"] == ("str", "l2", "keyword")
    assert told["bias"] == ("bool", True, "keyword")
    assert told["weight"] == ("none", None, "keyword")


@pytest.mark.parametrize(
    "data",
    [
        SOURCE.encode(),
        b"\xef\xbb\xbf" + SOURCE.encode(),
        SOURCE.replace("\n", "\r\n").encode(),
        SOURCE.replace("    ", "\t").encode(),
        SOURCE.rstrip("\n").encode(),
        SOURCE.replace("\n\n", "\n\x0c\n").encode(),
    ],
    ids=["plain", "bom", "crlf", "tabs", "no newline at the end", "form feeds"],
)
def test_spans_are_byte_offsets_whatever_the_file_looks_like(data: bytes) -> None:
    literals = found(data)
    assert len(literals) == 19
    for one in literals:
        assert data[one["start"] : one["end"]].decode() == one["text"]


HOSTILE = {
    "a_open.py": b"x = (",
    "b_deep.py": b"x = " + b"(" * 20_000 + b"1" + b")" * 20_000,
    "c_minus.py": b"x = " + b"-" * 50_000 + b"1",
    "d_null.py": b"x = 'a\0b'\ny = 0.5\n",
    "e_huge.py": b"x = 0.5\n" * (grammar.MAX_FILE // 8 + 1),
    "f_latin.py": b"# caf\xe9\nx = 0.5\n",
    "g_digits.py": b"x = " + b"9" * 10_000 + b"\n",
    "h_far.py": b"x = 1e999\n",
    "i_text.txt": b"x = 0.5\n",
    "j_empty.py": b"",
    "k_name.py": b"x = {'a\\nb': 0.5, '" + b"n" * 200 + b"': 0.5}\n",
}


def test_no_file_keeps_the_others_from_being_read() -> None:
    literals = read_literals(HOSTILE | {"z_good.py": b"rate = 0.5\n"})
    read = [one for one in literals if one["sort"] == "literal"]
    assert [(one["path"], one["text"]) for one in read] == [("z_good.py", "0.5")]
    unread = {one["path"] for one in literals if one["sort"] == "unread"}
    assert {"a_open.py", "b_deep.py", "c_minus.py", "e_huge.py", "f_latin.py"} <= unread
    assert not unread & {"i_text.txt", "j_empty.py", "k_name.py", "z_good.py"}


SLOW = b"x = 1.0" + b" + 1.0" * 20_000 + b"\n"


def test_a_file_that_keeps_the_parser_busy_is_given_up() -> None:
    found = read_literals({"slow.py": SLOW}, seconds=0.5)
    assert found == [{"sort": "unread", "path": "slow.py"}]


def test_a_busy_parser_leaves_time_for_the_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FILE_SECONDS", 0.3)
    slow, *_ = read_literals({"a_slow.py": SLOW, "b_good.py": b"rate = 0.5\n"}, seconds=6.0)
    assert slow["path"] == "b_good.py"


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Lets a script of ours answer in the child's place."""
    script = tmp_path / "child.py"
    script.write_text(f"import sys\nout = sys.stdout.buffer\n{body}\nout.flush()\n")
    monkeypatch.setattr(launch, "INSIDE", script)


GOOD = [4, 7, "float", 0.5, "x", "", "variable"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, -1),
        (0, 7),
        (0, True),
        (1, 99),
        (1, 7.0),
        (2, "complex"),
        (2, "int"),
        (3, float("nan")),
        (3, float("inf")),
        (3, "0.5"),
        (3, None),
        (4, ""),
        (4, "a\nb"),
        (4, "x" * 200),
        (5, 3),
        (6, "root"),
    ],
)
def test_an_answer_that_is_not_as_promised_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, value: object
) -> None:
    def answer(entry: list[Any]) -> list[dict[str, Any]]:
        whole = {"literals": [entry], "sites": [], "cuts": [], "names": []}
        line = b"ready\n" + json.dumps(whole).encode() + b"\n"
        stand_in(tmp_path, monkeypatch, f"out.write({line!r})")
        return found("x = 0.5\n")

    assert [one["text"] for one in answer(GOOD)] == ["0.5"]
    assert answer([*GOOD[:place], value, *GOOD[place + 1 :]]) == []


SITE = [7, -1, ", ", ", ", "", "", "sklearn.svm.SVC", "fit.SVC", ["C"], 0]
CUT = [0, 7, 4, 7, "element", "", ""]
NAME = [[[0, 1]], "torch.x", "fit"]


@pytest.mark.parametrize(
    ("sort", "good", "place", "value"),
    [
        ("sites", SITE, 0, 9),
        ("sites", SITE, 0, "7"),
        ("sites", SITE, 1, -2),
        ("sites", SITE, 1, 8),
        ("sites", SITE, 2, "; import os #"),
        ("sites", SITE, 3, " " * 300),
        ("sites", SITE, 4, None),
        ("sites", SITE, 5, "`"),
        ("sites", SITE, 6, ""),
        ("sites", SITE, 7, "a\nb"),
        ("sites", SITE, 8, ["C"] * 200),
        ("sites", SITE, 8, [1]),
        ("sites", SITE, 9, -1),
        ("cuts", CUT, 0, 5),
        ("cuts", CUT, 1, 6),
        ("cuts", CUT, 1, 99),
        ("cuts", CUT, 2, 7),
        ("cuts", CUT, 4, "all"),
        ("cuts", CUT, 5, "x" * 200),
        ("names", NAME, 0, []),
        ("names", NAME, 0, [[0, 2]]),
        ("names", NAME, 0, [[0, 1], [0, 1]]),
        ("names", NAME, 0, [[0, 99]]),
        ("names", NAME, 1, "torch.y"),
        ("names", NAME, 2, 3),
    ],
)
def test_neither_is_one_about_what_to_add_or_cut(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sort: str,
    good: list[Any],
    place: int,
    value: object,
) -> None:
    def answer(entry: list[Any]) -> list[str]:
        whole: dict[str, Any] = {
            **{"literals": [], "sites": [], "cuts": [], "names": []},
            sort: [entry],
        }
        line = b"ready\n" + json.dumps(whole).encode() + b"\n"
        stand_in(tmp_path, monkeypatch, f"out.write({line!r})")
        return [one["sort"] for one in read_literals({"model.py": b"x = 0.5\n"})]

    assert answer(good) == [sort.rstrip("s")]
    assert answer([*good[:place], value, *good[place + 1 :]]) == ["unread"]


def test_nothing_is_cut_within_a_character(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '"é", "b"\n'.encode()
    for end, sort in ((4, "cut"), (2, "unread")):
        cut = [1, end, 1, end, "element", "", ""]
        whole = {"literals": [], "sites": [], "cuts": [cut], "names": []}
        line = b"ready\n" + json.dumps(whole).encode() + b"\n"
        stand_in(tmp_path, monkeypatch, f"out.write({line!r})")
        assert [one["sort"] for one in read_literals({"model.py": text})] == [sort]


@pytest.mark.parametrize(
    "body",
    [
        "out.write(b'ready\\n' + b'[' * 1_000_000 + b'\\n')",
        "out.write(b'ready\\nnot json\\n')",
        "out.write(b'ready\\n' + b'[]\\n' * 1000)",
        "out.write(b'ready\\n[[4, 7, \"float\", ' + b'9' * 5000 + b']]\\n')",
        "out.write(b'ready\\n')\nwhile True: out.write(b'[]' * 100_000)",
        "out.write(b'ready\\n[[]]')",
        'out.write(b\'ready\\n\' + b" " * (1 << 22) + b\'[[4,7,"float",0.5,"x","","local"]]\\n\')',
    ],
    ids=["deep", "no json", "too many", "digits", "endless", "torn", "long"],
)
def test_a_child_out_of_control_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    stand_in(tmp_path, monkeypatch, body)
    assert found("x = 0.5\n") == []


def test_a_parser_that_cannot_start_is_a_fault_that_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "raise ImportError('libcst')")
    with pytest.raises(HarnessFault, match="Install libcst"):
        found("x = 0.5\n")


def test_the_child_sees_nothing_of_the_surroundings_and_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = tmp_path / "told"
    apart = 'sys.flags.safe_path and sys.flags.no_user_site and "PYTHONPATH" not in os.environ'
    body = (
        f"import os\nopen({str(told)!r}, 'w').write(f'{{os.getpid()}} {{{apart}}}')\n"
        "out.write(b'ready\\n')\nout.flush()\nos.close(1)\nimport time\ntime.sleep(60)"
    )
    stand_in(tmp_path, monkeypatch, body)
    assert found("x = 0.5\n") == []
    pid, apart = told.read_text().split()
    assert apart == "True"
    assert not Path(f"/proc/{pid}").exists() or sys.platform != "linux"


@pytest.mark.parametrize("name", ["guarded", "sealed"])
def test_the_parser_reads_within_the_walls_of_the_tier(name: str) -> None:
    best = tiers.best()
    if name not in (best.name, "guarded") or best.name == "none":
        pytest.skip(f"this machine has {best.name}: {', '.join(best.lacks)}")
    files = {"model.py": b"rate = 0.5\n"}
    assert read_literals(files, tier=tiers.choose(name)) == read_literals(files)
