"""A number is found in a text however it is written, and known only if the material has it, up to rounding."""

from __future__ import annotations

import random

import pytest

from pytest_autoresearch.report.account.numbers import Known

MATERIAL = """60 experiments, 7 kept, auc 0.71316 -> 0.7234 (+0.0102, +1.4%), noise 0.0031, a share of 0.031.
#12 and #14: num_leaves 31 -> 8 of lag_7, z -1.2; 12,345 tokens; 1.23 USD; 1e-05; ± 0.0042; took 64.7 min
on 2026-11-21, `LightGBM 4.1.0`, 3x faster, 7/60
"""
KNOWN = Known(MATERIAL)


@pytest.mark.parametrize(
    "text",
    [
        *("0.71316", "0.7132", "0.713", "0.71", ".7132", "0.713160", "**0.7132**", "`0.7132`."),
        *("3%", "3.1%", "3.1 percent", "1.4 percentage points", "1.4pp", "0.014"),
        *("60 experiments", "sixty experiments", "7 of 60", "7/60", "seven", "three of them"),
        *("#12", "experiment 12", "experiments #12 and 14", "Experiment #14,", "0012"),
        *("12,345", "12 345", "12\u202f345", "12345", "12.3k tokens", "$1.23", "65 minutes"),
        *("-1.2", "\u22121.2", "\u2013 a z of \u22121.2", "minus 1.2", "z=-1.2", "1.2", "(-1.2)"),
        *("+0.0102", "0.0102", "0.7132-0.7234", "0.7132\u20130.7234", "±0.0042", "+/- 0.0042"),
        *(
            "0.00001",
            "1e-5",
            "1 x 10^-5",
            "lag_7",
            "`lag_7`",
            "2026-11-21",
            "4.1.0",
            "3x",
            "R\u00b2",
        ),
        *(
            "the third one",
            "tried twice",
            "a double-check",
            "twelve",
            "a dozen",
            "one in a row",
            "five of them",
        ),
        *(
            "I times them",
            "Is it so",
            "I experiments",
            "a quarterly lag",
            "plus two lags",
            "order matters",
            "manifold learning",
        ),
        *("\u4e00\u4e2a", "\u4e09\u4e2a\u7279\u5f81", "a second feature, a third loss"),
    ],
)
def test_what_the_material_says_may_be_said(text: str) -> None:
    assert KNOWN.lacks(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("0.714", "0.72316", "0.7", "0.7131", "0.71317", "1", "0.**7**9", "0.\u200b79", "0.`7`9"),
        *("4%", "1.5%", "60%", "seven percent", "thirty-seven", "700%", "12 percent"),
        *("59 experiments", "fifty-nine", "7/59", "8/60", "12 kept", "a hundred", "5 thousand"),
        *("#13", "experiment 13", "experiments 12 and 13", "#1", "0013"),
        *("12,346", "12 346", "13k", "12,345,6", "60,000", "60 000", "0,71", "1.2.3", "v2"),
        *("+0.0103", "-0.0102", "\u22120.0102", "minus 0.0102", "\u2212 0.0102", "-0.0042"),
        *(
            "10^-5",
            "10\u207b\u2075",
            "1e-6",
            "1e5",
            "\u00bd",
            "\u0663",
            "\uff17",
            "\u2462",
            "\u2167",
        ),
        *(
            "2x",
            "4 times better",
            "2-fold",
            "twofold 2\u00d7",
            "lag_8",
            "F1",
            "2026-11-22",
            "12:30",
        ),
        *(
            "three quarters",
            "two thirds",
            "a half",
            "half of them",
            "one third",
            "by a third",
            "a tenth less",
        ),
        *(
            "halved",
            "it halves",
            "doubled",
            "doubling",
            "double the score",
            "twice as much",
            "Twice the gain",
        ),
        *("hundredfold", "tenfold", "fourfold", "four-fold", "several-fold", "a two-fold gain"),
        *("an order of magnitude", "two orders of magnitude", "ninetynine", "Ninetynine percent"),
        *(
            "minus five",
            "negative three",
            "minus ninety",
            "minus two point five",
            "point nine five",
        ),
        *("nine out of ten", "one in ten", "one in every three", "hundreds of them", "dozens"),
        *("XIV percent", "IX %", "XC%", "MMXX USD", "IV times", "VII experiments", "oh point nine"),
        *(
            "\u4e5d\u5341\u4e5d",
            "\u4e94\u500d",
            "\u4e00\u534a",
            "\u767e\u5206\u4e4b\u4e5d",
            "\u4e09\u6210",
            "\u4e5d\u70b9",
        ),
        *("zero point nine", "twelve thousand", "31 percent", "7\u2030", "1\ufe0f\u20e3"),
    ],
)
def test_what_it_does_not_say_is_found(text: str) -> None:
    assert KNOWN.lacks(text)


def test_a_made_up_number_never_passes_however_it_is_written() -> None:
    draw = random.Random(0)
    known = [0.71316, 0.7234, 0.0102, 0.014, 0.0031, 0.031, 0.0042, 64.7, 1.23, 1.2, 1e-5]
    known += [12345, 60, 31, 8, 7, 3]
    tried = 0
    for _ in range(2000):
        value = draw.choice([draw.uniform(0, 1), draw.uniform(0, 1e5), 10 ** draw.uniform(-6, 6)])
        written = (
            f"{value:.4g}",
            f"{value:.5e}",
            f"{value:,.2f}",
            f"{value:.3f}%",
            f"-{value:.4g}",
        )
        for number in written:
            shown = abs(float(number.strip("%").replace(",", "")))
            near = (abs(shown - one * by) < 0.06 * shown for one in known for by in (1, 100, 0.01))
            if shown and not any(near):
                tried += 1
                assert KNOWN.lacks(f"It rose by {number} in the end."), number
    assert tried > 5000


def test_numbers_of_any_length_are_read() -> None:
    assert KNOWN.lacks("9" * 5000)
    assert KNOWN.lacks("1e999999")
    assert KNOWN.lacks("0." + "1" * 5000)
    assert Known("").lacks("7")
    assert Known("").lacks("no number, and three words") == []


@pytest.mark.parametrize(
    "text",
    [
        *("it halved", "Two\u2011thirds", "an  Order of\nMagnitude", "twice as", "three quarters"),
        *("XIV percent", "\u4e94\u500d", "nine out of ten", "hundredfold", "minus five"),
    ],
)
def test_a_quantity_in_words_may_be_said_where_the_material_says_it(text: str) -> None:
    said = """halved, two-thirds of an order of magnitude, twice as much, three quarters, XIV percent, \u4e94\u500d,
    nine out of ten, hundredfold, minus five"""
    assert Known(said).lacks(text) == []
    assert Known("halving, a third, fourfold").lacks(text)
