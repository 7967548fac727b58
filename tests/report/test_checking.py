"""Of an agent's account only what the journal bears out is printed, and nothing that a browser would load."""

from __future__ import annotations

import random
import re
import time

import pytest

from pytest_autoresearch.report.account import checking, cleaning
from pytest_autoresearch.report.account.checking import checked

MATERIAL = "60 experiments, 7 kept, auc 0.71316 -> 0.7234 (+0.0102, +1.4%); #12 num_leaves 31 -> 8"

ACCOUNT = """# A night of trees

The search made 60 experiments and kept 7. The best score is 0.7234. Seeds were lucky.

## What won

1. Fewer leaves (#12) gave +0.0102.
2. A better loss gave +0.0500.
3. Nothing else did.

| what | change |
|---|---|
| leaves | +0.0102 |
| loss | +0.0500 |

## Dead ends

It took 99 hours.

### Details

See `num_leaves`, e.g. LightGBM's. So it is 0.72,
after all.
"""


def text(account: str, material: str = MATERIAL) -> str:
    return checked(account, material).text


def test_sentences_items_and_rows_with_other_numbers_are_left_out_and_counted() -> None:
    found = checked(ACCOUNT, MATERIAL)
    assert found.text == (
        "### A night of trees\n\n"
        "The search made 60 experiments and kept 7. The best score is 0.7234. Seeds were lucky.\n\n"
        "#### What won\n\n"
        "1. Fewer leaves (\\#12) gave +0.0102.\n2. Nothing else did.\n\n"
        "| what | change |\n| :--- | :--- |\n| leaves | +0.0102 |\n\n"
        "#### Dead ends\n\n##### Details\n\n"
        "See `num_leaves`, e.g. LightGBM's. So it is 0.72, after all."
    )
    assert found.left_out == 3
    assert not found.cut


def test_a_sentence_with_a_made_up_number_never_survives_wherever_it_stands() -> None:
    draw = random.Random(1)
    places = [
        lambda n: f"It is good. It gained {n} here. It is bad.",
        lambda n: f"- an item\n- gained {n}\n  and more\n- another",
        lambda n: f"# Gained {n}\n\nWords.",
        lambda n: f"| a | b |\n|---|---|\n| x | {n} |\n| y | z |",
        lambda n: f"| a | {n} |\n|---|---|\n| x | y |",
        lambda n: f"> quoted {n}, by **{n}**",
        lambda n: f"Words `x = {n}` in code.",
        lambda n: f"```\nx = {n}\n```\nWords.",
        lambda n: f"Words ![gained {n}](a.png) and [gained {n}](https://x.org/{n}).",
        lambda n: f"<b>gained {n}</b> <!-- {n} -->",
        lambda n: "gained " + "<i></i>".join(str(n)),
        lambda n: "gained " + "**".join(str(n)),
        lambda n: "gained " + "".join(f"&#{ord(c)};" for c in str(n)),
        lambda n: "gained " + "".join(f"&amp;#{ord(c)};" for c in str(n)),
        lambda n: "gained " + "\\".join(str(n)),
        lambda n: "gained " + "\u200b".join(str(n)),
    ]  # fmt: skip
    for number in range(600):
        made_up = round(draw.uniform(0.8, 0.99), 4)
        found = text(places[number % len(places)](made_up))
        assert str(made_up) not in re.sub(r"[*_`\\\u200b]", "", found), found


@pytest.mark.parametrize(
    ("account", "printed"),
    [
        ("A <img src=https://x.org/a.png> picture.", "A picture."),
        ("![a](https://x.org/a.png)![b][c]\n\n[c]: https://x.org", ""),
        ("[words](https://x.org) and [more](javascript:alert()).", "words and more."),
        ("<https://x.org> https://x.org/?q=a www.x.org mailto:a@b.c", ""),
        ("Ask a.b+c@mail.example.org, not x@y.", "Ask a.b+c (at) mail.example.org, not x@y."),
        ("xmpp:a@b.org and precision@k.", "xmpp:a (at) b.org and precision@k."),
        ("<script>alert()</script>done", "done"),
        ("<scr<b>ipt>alert()</scr</b>ipt>done", "alert()done"),
        ("a &lt;img src=x&gt; b", "a b"),
        ("a &amp;lt;img src=x&amp;gt; b", "a b"),
        ("a < b and b > a & [c]", r"a \< b and b \> a \& \[c\]"),
        ("\\`<img src=x>` and `a`", "`` and `a`"),
        ("`<b>` is `x < y`", "` is `x \\< y`"),
        ("`[a](b)` | `c|d`", r"`a` \| `c/d`"),
        ("a\x1b[K b\x00", r"a\[K b"),
        ("$x$ ~~a~~", r"\$x\$ \~\~a\~\~"),
        ("```markdown\n# A\n\nWords.\n```", "### A\n\nWords."),
        ("Words.\n\n~~~\ncode\n~~~\n\n```\nnever closed", "Words.\n\nnever closed"),
        ("A\n===\nB\n---\n- - -\n", "A\n\nB"),
        ("", ""),
        ("# Only a heading", ""),
        ("| a |\n| b |", ""),
    ],
)
def test_html_pictures_links_and_code_blocks_do_not_get_through(account: str, printed: str) -> None:
    found = text(account)
    assert "<" not in found.replace(r"\<", "")
    assert "](" not in found
    if "`" not in account or "```" in account:
        assert found == printed


def test_an_ordered_list_counts_itself() -> None:
    assert text("7. one\n9. two\n\n3) three") == "1. one\n2. two\n3. three"
    assert text("- a\n  - b\n  - c\n- d") == "- a\n   - b\n   - c\n- d"


def test_sentences_end_where_they_end() -> None:
    account = "It rose, e.g. Here by 0.5 or so. Then it fell! \u201cWhy?\u201d Nobody knows."
    assert text(account) == "Then it fell! \u201cWhy?\u201d Nobody knows."
    assert text("\u597d\u3002\u5b83\u662f 0.9999\u3002\u597d\u3002") == "\u597d\u3002 \u597d\u3002"


def test_a_long_account_is_cut_between_paragraphs_and_says_so() -> None:
    found = checked("\n\n".join(["## Heading", "Words of it. " * 100] * 50), MATERIAL)
    assert found.cut
    assert len(found.text) <= checking.MOST_PRINTED + 100
    assert found.text.endswith("Words of it.")


@pytest.mark.parametrize(
    "account",
    [
        *("<" * 60_000, "[" * 60_000, "`" * 60_001, "*" * 60_000, "|" * 60_000, "- " * 30_000),
        *("&amp;" * 12_000, "![" * 30_000, "<a" * 30_000, "1," * 30_000, "one " * 15_000),
        *("\n" * 60_000, "#" * 60_000, "~~~\n" * 15_000, "0." * 30_000, "1 " * 30_000),
        *("a" * 60_000, "# a" + " " * 59_000 + "b", " " * 59_000 + "b", "-" * 59_000 + "x"),
        *(
            "a@b." * 15_000,
            "a@" + "b" * 59_000,
            "a@b." + "1" * 59_000,
            "two " * 15_000,
            "a" + "-" * 59_000,
        ),
        *(
            "minus " * 10_000,
            "one in " * 8_000,
            "MMM" * 20_000,
            "\u4e00" * 60_000,
            "point one " * 6_000,
        ),
        *("|-" * 30_000, "> " * 30_000, "9" * 60_000, "a. " * 20_000, "[a](" * 15_000),
        *("A. " * 20_000, "<!--" * 15_000, "<svg>" * 12_000, "# " + "#" * 59_000 + "x"),
        *("# " + "&nbsp;" * 9000 + "x", "|" + "&#9;" * 14_000 + "x", "one hundred and " * 3750),
        "|" + " a |" * 7000 + "\n|-|\n" + "|x\n" * 10_000,
    ],
    ids=lambda account: repr(account[:6]),
)
def test_no_account_takes_long(account: str) -> None:
    """Bounded by the test's own timeout: the square of these lengths would take minutes."""
    checked(account, MATERIAL)


def test_no_pattern_looks_twice_at_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times as long takes less than nine times as long; the square of it would take sixteen times."""
    monkeypatch.setattr(cleaning, "MOST_READ", 10**7)
    for begin, again, end in (
        ("", "A. ", ""),
        ("", "<!--", ""),
        ("", "<svg>", ""),
        ("# ", "#", "x"),
        ("# ", "&nbsp;", "x"),
        ("|", "&#9;", "x"),
    ):
        short, long = (
            min(_seconds(begin + again * times + end) for _ in range(3)) for times in (4000, 16_000)
        )
        assert long < 9 * short + 0.05, again


def _seconds(account: str) -> float:
    begun = time.process_time()
    checked(account, MATERIAL)
    return time.process_time() - begun


@pytest.mark.parametrize(
    "number",
    [
        *("one hundred and " * 3700 + "one", "hundred " * 7000, "nine billion " * 4000),
        *("&#" + "9" * 5000 + ";1", "1e" + "9" * 5000, "3 x 10^" + "5" * 5000, "1" + "0" * 299 + "e300"),
        *("#" + "9" * 5000, "9" * 5000 + "%", "1e400", "0." + "7" * 5000),
    ],
    ids=lambda number: repr(number[:12]),
)  # fmt: skip
def test_a_number_of_any_length_is_one_that_the_journal_lacks(number: str) -> None:
    found = checked(f"It is good. It gained {number} here. It is bad.", MATERIAL)
    assert (found.text, found.left_out) == ("It is good. It is bad.", 1)


def test_entities_bring_no_direction_marks_and_no_control_characters() -> None:
    assert text("a&#x202e;b &#x1b;[K c&nbsp;d&#13;&#10;e") == r"ab \[K c d e"


def test_checking_twice_changes_no_number() -> None:
    once = checked(ACCOUNT, MATERIAL)
    again = checked(once.text, MATERIAL)
    assert again.left_out == 0
