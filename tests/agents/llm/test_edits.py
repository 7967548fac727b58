"""Edits change exactly the place that they name, and say what is there instead."""

from __future__ import annotations

import time

import pytest

from pytest_autoresearch.agents.llm.edits import Edit, NoEdit, applied

FILE = "a = 1\nb = 2\nc = 3\n"


def change(text: str, *edits: tuple[str, str], files: dict[str, str] | None = None) -> str:
    made = applied([Edit("m.py", *one) for one in edits], files or {}, {"m.py": text.encode()}, {})
    return made["m.py"]


def test_one_place_is_replaced() -> None:
    assert change(FILE, ("b = 2\n", "b = 4\nd = 5\n")) == "a = 1\nb = 4\nd = 5\nc = 3\n"


def test_edits_follow_each_other() -> None:
    assert change(FILE, ("b = 2", "x = 2"), ("x = 2", "y = 2")) == "a = 1\ny = 2\nc = 3\n"


def test_what_is_searched_is_no_pattern() -> None:
    assert change("x = f(.*)\n", ("f(.*)", r"g\1")) == "x = g\\1\n"


def test_windows_line_ends_stay() -> None:
    text = "a = 1\r\nb = 2\r\n"
    assert change(text, ("a = 1\nb = 2", "a = 3\nb = 4")) == "a = 3\r\nb = 4\r\n"
    assert change(text, ("a = 1\r\nb", "c")) == "c = 2\r\n"


def test_unicode_is_text_like_any_other() -> None:
    assert change("name = 'Zoë'\n", ("Zoë", "Łukasz")) == "name = 'Łukasz'\n"


def test_a_match_over_several_lines_has_to_be_exact() -> None:
    with pytest.raises(NoEdit, match=r"matches nothing in m\.py"):
        change(FILE, ("a = 1\n b = 2", ""))


def test_the_nearest_lines_are_shown() -> None:
    text = "".join(f"line_{n} = {n}\n" for n in range(100)) + "rate = 0.25  # slow\n"
    with pytest.raises(NoEdit) as error:
        change(text, ("rate = 0.25 # slow", ""))
    assert (
        "The nearest are lines 99 to 101:\nline_98 = 98\nline_99 = 99\nrate = 0.25  # slow"
        in str(error.value)
    )


def test_where_nothing_is_near_it_says_so() -> None:
    with pytest.raises(NoEdit, match="read the file again"):
        change(FILE, ("completely different words", ""))


def test_a_place_that_is_not_the_only_one_is_named() -> None:
    with pytest.raises(NoEdit, match=r"matches 5 times in m\.py, at lines 1, 2, 3"):
        change("x\n" * 5, ("x", "y"))


def test_a_huge_file_takes_no_time() -> None:
    began = time.process_time()
    with pytest.raises(NoEdit):
        change("y = 2\n" + "x" * 1_000_000, ("z" * 100_000, ""))
    with pytest.raises(NoEdit):
        change("".join(f"value_{n} = {n}\n" for n in range(50_000)), ("valve_77 == 77", ""))
    assert time.process_time() - began < 30


def test_a_file_that_is_not_text_is_not_edited() -> None:
    with pytest.raises(NoEdit, match="not UTF-8"):
        applied([Edit("m.py", "a", "b")], {}, {"m.py": b"\xff\xfe"}, {})


def test_whole_files_are_taken_as_they_are() -> None:
    assert applied([], {"new.py": "x\r\n"}, {}, {}) == {"new.py": "x\r\n"}
