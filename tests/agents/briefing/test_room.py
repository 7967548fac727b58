"""Parts share a room, none takes more than it was given, and what is left out is said."""

from __future__ import annotations

import random

import pytest

from pytest_autoresearch.agents.briefing.room import Listed, Part, Running, filled, shares
from pytest_autoresearch.agents.briefing.size import cut, estimated, size
from pytest_autoresearch.agents.briefing.texts import Text, Texts


@pytest.mark.parametrize("seed", range(30))
def test_shares_are_no_more_than_the_room_and_no_more_than_wanted(seed: int) -> None:
    draw = random.Random(seed)
    wants = [
        draw.choice([0, draw.randint(0, 50), draw.randint(0, 5000)])
        for _ in range(draw.randint(0, 9))
    ]
    weights = [draw.uniform(0.1, 6) for _ in wants]
    room = draw.randint(0, 6000)
    given = shares(wants, weights, room)
    assert all(0 <= one <= want for one, want in zip(given, wants, strict=True))
    assert sum(given) <= room
    if sum(wants) <= room:
        assert given == wants
    elif room > 100:
        assert sum(given) >= room - len(wants)


def test_a_list_says_how_many_of_it_are_left_out() -> None:
    part = Listed("Things", [f"- thing {n}" for n in range(50)], "things", lead="They are many.")
    assert part.text(part.wants).count("- thing") == 50
    assert "left out" not in part.text(part.wants)
    text = part.text(200)
    shown = text.count("- thing")
    assert text.startswith("## Things\n\nThey are many.\n\n- thing 0\n")
    assert text.endswith(f"… {50 - shown} more things are left out")
    assert size(text) <= 200
    assert part.text(20) == ""


def test_a_file_that_does_not_fit_is_shown_by_its_first_lines() -> None:
    body = "\n".join(f"line {n}" for n in range(400))
    texts = Texts(
        "Code",
        [Text("`a.py`:", body, "`a.py`", "python"), Text("`b.py`:", "x = 1", "`b.py`", "python")],
        "files",
    )
    whole = texts.text(10_000)
    assert body in whole
    part = texts.text(1000)
    assert size(part) <= 1000
    assert "line 0\n" in part
    assert "line 399" not in part
    shown = part.count("\nline ")
    assert f"… {400 - shown} of 400 lines are left out" in part
    assert "x = 1" in part
    assert part.count("```") % 2 == 0
    assert texts.text(130).endswith("x = 1\n```\n\n… left out: `a.py`")
    assert texts.text(20) == ""


@pytest.mark.parametrize("seed", range(40))
def test_parts_never_take_more_than_the_room(seed: int) -> None:
    draw = random.Random(seed)

    def words() -> str:
        return "".join(draw.choices("abé王 `\n~#-”", k=draw.randint(0, 400)))

    parts: list[Part] = [
        Listed("A", [f"- {words()}" for _ in range(draw.randint(0, 30))], "things", draw.uniform(0.5, 3), words()),
        Texts("B", [Text(f"`{n}`:", words() * draw.randint(1, 9), f"`{n}`") for n in range(draw.randint(0, 8))], "texts"),
        Running("C", words() * 5, "the rest"),
    ]  # fmt: skip
    room = draw.randint(0, 4000)
    texts, missing = filled(parts, room)
    assert size("\n\n".join(texts)) <= room
    assert len(texts) + len(missing) <= len(parts)
    assert all(size(part.text(room)) <= room for part in parts)


def test_tokens_are_estimated_by_bytes() -> None:
    assert estimated("") == 0
    assert estimated("a" * 7) == 2
    assert estimated("王" * 7) == 6
    assert cut("王王", 5) == "王"
    assert cut("abc", 9) == "abc"
