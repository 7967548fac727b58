"""Words and fenced code of models without tools are read as they are meant."""

from __future__ import annotations

import time

import pytest

from pytest_autoresearch.agents.llm.plain import read, recounted
from pytest_autoresearch.history.diffs import parse

BODY = "--- a/m.py\n+++ b/m.py\n@@ -1,2 +1,2 @@\n-a = 1\n+a = 2\n b = 3\n"


def test_the_text_above_a_diff_describes_it() -> None:
    found = read(f"# Double it\n\nIt is too slow.\nReally.\n\n```diff\n{BODY}```\nDone.")
    assert (found.description, found.hypothesis) == ("Double it", "It is too slow.\nReally.")
    assert (found.patch, found.problem) == (BODY, "")


def test_labelled_lines_are_fields() -> None:
    text = "**Description:** Double it\n- Theme: rate\nExpected: 0.1\n**Hypothesis**: slow\nLesson: a\nLesson: b\n"
    found = read(f"{text}```diff\n{BODY}```")
    assert (found.description, found.theme, found.expected) == ("Double it", "rate", "0.1")
    assert (found.hypothesis, found.lessons) == ("slow", ("a", "b"))


@pytest.mark.parametrize(
    "fence",
    [
        "```python m.py\n",
        "```m.py\n",
        "```python path=m.py\n",
        "**m.py**\n```python\n",
        "`m.py`:\n\n~~~\n",
    ],
)
def test_whole_files_name_their_path(fence: str) -> None:
    end = "~~~" if "~~~" in fence else "```"
    assert dict(read(f"Words\n{fence}a = 2\n{end}\n").files) == {"m.py": "a = 2\n"}


def test_several_files_and_several_diffs_are_one_change() -> None:
    found = read("x\n```python a.py\n1\n```\nand\n```python b/c.py\n2\n```")
    assert dict(found.files) == {"a.py": "1\n", "b/c.py": "2\n"}
    other = BODY.replace("m.py", "n.py")
    assert read(f"x\n```diff\n{BODY}```\n```diff\n{other}```").patch == BODY + other


def test_a_diff_without_its_label_is_seen() -> None:
    assert read(f"x\n```\n{BODY}```").patch == BODY


def test_fences_within_longer_fences_are_text() -> None:
    text = 'DOC = """\n```\nexample\n```\n"""\n'
    assert dict(read(f"x\n````python m.py\n{text}````").files) == {"m.py": text}


def test_blocks_that_name_nothing_are_passed_over() -> None:
    assert read(f"x\n```\nsome output\n```\n```diff\n{BODY}```").patch == BODY


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("words", "neither"),
        ("```\nx\n```", "neither"),
        (f"x\n```diff\n{BODY}", "not closed"),
        (f"x\n```diff\n{BODY}```\n```python a.py\n1\n```", "both a diff and whole files"),
        ("x\n```python a.py\n1\n```\n```python a.py\n2\n```", "a.py is given twice"),
    ],
)
def test_what_cannot_be_used_says_why(text: str, problem: str) -> None:
    found = read(text)
    assert problem in found.problem
    assert not found.offers


@pytest.mark.parametrize("header", ["@@ -1,9 +1,7 @@", "@@ -1 +1 @@ def f():", "@@ ... @@", "@@"])
def test_hunks_are_counted_anew(header: str) -> None:
    assert recounted(BODY.replace("@@ -1,2 +1,2 @@", header)) == BODY
    parse(BODY.encode())


def test_a_right_diff_stays_as_it_is() -> None:
    two = f"diff --git a/m.py b/m.py\n{BODY}@@ -10,2 +10,3 @@\n x\n+y\n z\n{BODY.replace('m.py', 'n.py')}"
    assert recounted(two) == two
    new = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\n+b\n"
    assert recounted(new) == new


def test_an_empty_line_of_context_gets_its_blank() -> None:
    assert recounted("--- a/m\n+++ b/m\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n").endswith(
        " a\n \n-b\n+c\n"
    )


def test_long_and_odd_answers_take_no_time() -> None:
    began = time.process_time()
    for text in ("`" * 200_000, "```\n" * 50_000, "@@\n" * 50_000, "-" * 200_000, "a/" * 100_000):
        read(text)
        read(f"x\n```diff\n{text}\n```")
        recounted(text)
    assert time.process_time() - began < 20
