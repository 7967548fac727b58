"""A masked message says what libraries and the source say, and no value."""

from __future__ import annotations

import random
import string

import pytest

from pytest_autoresearch.agents.disclosure.masking import MOST_MASKED, masked
from pytest_autoresearch.agents.disclosure.vocabulary import Known, common, words_of

SOURCE = b"""
import lightgbm as lgb

def fit(X, y, *, seed):
    ages = X["age_days"]  # the customer's age
    return lgb.LGBMClassifier(n_estimators=300).fit(X, y)
"""
KNOWN = Known(words_of([SOURCE]))
NAMES = (
    "Zebulon",
    "zebulon",
    "Zeb",
    "O'Malley",
    "Łukasz",
    "Müller-Lüdenscheidt",
    "王秀英",
    "Ng",
    "ОЛЬГА",
)
WRAPPED = [
    "{}", "'{}'", '"{}"', "`{}`", "({})", "[{}]", "{{{}}}", "<{}>", "value {} is unknown", "{}: bad value",
    "col_{}", "{}_col", "{}Error", "get{}Value", "-{}-", "{}.{}", "/data/{}.csv", "C:\\{}\\x", "{}@example.org",
    "could not convert {}", "b'{}'", "key={}", "x\n{}\ny", "it's {} isn't", "'it\\'s {}", "\t{}\x00", "a{}",
    "2{}", "{}2", "_{}", "\u2019{}\u2019", "«{}»", "( {} )", "< {} >", "e.g. {}, or", "%{}%", "\u202e{}", "'{}", "[{}",
]  # fmt: skip
PEOPLE = """
aaron abigail ahmed alice amelia andrew anna arthur barbara benjamin carlos catherine charles
charlotte daniel david diego dorothy edward elena elizabeth emily emma fatima frank george giovanni
hannah helen henry ivan jacob james jennifer jessica john jose joseph karen kevin laura linda lisa
louis lucas margaret maria mary matthew michael mohammed nancy natalie nicholas oliver olga patricia
paul peter philip priya rachel richard robert rose ruth samuel sarah sofia stephen susan thomas
victoria walter wei william yusuf zebulon
amsterdam athens baghdad bangkok barcelona beijing berlin bogota boston brussels cairo chicago
cologne copenhagen delhi dublin geneva hamburg istanbul jakarta karachi lagos lima lisbon london
madrid melbourne milan moscow mumbai munich nairobi paris prague rome seoul shanghai sydney tehran
tokyo toronto vienna warsaw zurich
"""
OUTSIDE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("could not convert string to float: 'Zebulon'", "could not convert string to float: '…'"),
        ("could not convert string to float: np.str_('Zebulon')", "could not convert string to float: np.str_(…)"),
        ("'Zebulon'", "'…'"),
        ("Zebulon", "…"),
        ("name 'lgb' is not defined", "name 'lgb' is not defined"),
        ("name 'zebulon' is not defined", "name '…' is not defined"),
        ("'age_days'", "'age_days'"),
        ("'DataFrame' object has no attribute 'Zebulon'", "'DataFrame' object has no attribute '…'"),
        (
            "index 7 is out of bounds for axis 0 with size 3",
            "index … is out of bounds for axis … with size …",
        ),
        ("operands could not be broadcast together with shapes (2,3) (5,)",
         "operands could not be broadcast together with shapes (…) (…)"),
        ("Found input variables with inconsistent numbers of samples: [2, 3]",
         "Found input variables with inconsistent numbers of samples: […]"),
        ("must be in the range [1, inf) or None", "must be in the range […] or None"),
        ("Unable to parse string \"Zebulon's\" at position 1", 'Unable to parse string "…" at position …'),
        ("unclosed 'Zebulon and all that follows", "… '…'"),
        ("unclosed (Zebulon and all that follows", "… (…)"),
        ("<class 'Zebulon'> is not supported", "<…> is not supported"),
        ("X has 5 features, but it expects 6", "X has … features, but it expects …"),
        ("fit() missing 1 required positional argument: 'y'", "fit() missing … required positional argument: 'y'"),
        ("", ""),
    ],
)  # fmt: skip
def test_words_of_libraries_and_source_stay_and_values_go(message: str, told: str) -> None:
    assert masked(message, KNOWN) == told


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_hidden_however_it_is_wrapped(name: str) -> None:
    for around in WRAPPED:
        told = masked(around.replace("{}", name), KNOWN)
        assert name not in told, around
        assert name.casefold() not in told.casefold(), around


def test_numbers_are_hidden_however_they_are_written() -> None:
    for number in (
        "1234",
        "-3.25",
        "1e-7",
        "0x7f3a",
        "1_000",
        "12:45",
        "2024-05-06",
        "٣٤",
        "½",
        "iv9",
    ):
        told = masked(f"value {number} is too large", KNOWN)
        assert told.startswith("value …"), number
        assert not any(letter.isnumeric() for letter in told), told


def test_letters_cannot_spell_what_words_may_not() -> None:
    told = masked("Z e b u l o n and z-e-b-u-l-o-n", KNOWN)
    assert not {"z", "Z", "b", "u", "l", "n"} & set(told.replace("and", "").split())


def test_no_message_is_longer_than_a_line() -> None:
    for text in (
        "value " * 100_000,
        "(" * 50_000,
        "'" * 50_000,
        "… " * 9000,
        "\n" * 9000,
        "é" * 9000,
    ):
        told = masked(text, KNOWN)
        assert len(told) <= MOST_MASKED
        assert "\n" not in told


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_shown_is_a_word_that_may_be(seed: int) -> None:
    draw = random.Random(seed)
    letters = string.printable + "…\u2019“”«»éßŁ王ОЛЬ\u202e\u200b\x1b"
    pieces = [
        "".join(draw.choices(letters, k=draw.randint(1, 12))),
        draw.choice(["value", "is not", "of", "'age_days'", "seed", "lgb"]),
    ]
    text = " ".join(draw.choice(pieces) for _ in range(30))
    told = masked(text, KNOWN)
    words = "".join(one if one in OUTSIDE or one in "_'" else " " for one in told).replace("'", " ")
    for word in words.split():
        assert KNOWN.word(word) or KNOWN.name(word), (word, told)
    assert not any(one.isalpha() and one not in OUTSIDE for one in told)
    assert not set(told) - OUTSIDE - set("…'\"`()[]{}<>.,:;=!?/*+-|&%_ "), told


def test_the_vocabulary_has_no_names() -> None:
    assert not common() & {form for name in PEOPLE.split() for form in (name, name.title())}
    assert 1000 < len(common()) < 5000
    assert min(map(len, common() - {"a"})) == 2
