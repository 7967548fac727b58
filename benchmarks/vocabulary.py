"""Writes the words that an error message may be told with: `python benchmarks/vocabulary.py > words.txt`.

They are taken from what libraries say when they raise: the raise statements of the standard library,
NumPy, SciPy, pandas, scikit-learn and LightGBM, and the format strings in their compiled parts and in the
interpreter. A word stays that many messages hold, or messages of several libraries; names of people go, by the
lists of the package `names` (`pip install names`), and with them some words that would have done no harm.
"""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterator
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "pandas", "sklearn", "lightgbm", "polars", "joblib")
OURS = Path(__file__).parent.parent / "pytest_autoresearch"
COMPILED = ("python", "numpy", "pandas", "lightgbm")
"""Whose compiled parts hold sentences more than names of routines."""
OFTEN, SHARED, FEWER = 10, 2, 3
"""Messages that hold a word that stays; or fewer, but of so many libraries, and so many."""
LEFT_OUT = {"test", "tests", "idlelib", "site-packages", "turtledemo", "lib2to3"}
"""Folders whose errors no candidate meets."""
SAID = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
SENTENCE = re.compile(rb"[A-Z%a-z][ -~]{14,300}")
OF_TWO = "an as at be by do if in is it no of on or so to up we"
SHORT = frozenset(OF_TWO.split())
OF_OTHERS = """
a may will Singular numbers unseen expects tensor tensors mat multiplied cuda gpu device devices gradient
gradients contiguous stride strides backward leaf booster categorical probabilities logits batch
embedding autograd inference infinity finite singular converge convergence iterations estimator
"""
NEEDED = SHORT | frozenset(OF_OTHERS.split())
"""What sentences cannot do without although it is a name, too, and words of libraries not looked at."""


def main() -> None:
    """Print the words, one a line."""
    held: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for library, folder in folders():
        for message in dict.fromkeys(messages(library, folder)):
            for word in set(words(message)):
                held[word][library] += 1
    named = people()
    kept = {word for word, where in held.items() if stays(where)}
    # A word that begins a sentence in capitals is the same word.
    kept = {word for word in kept if word.islower() or word.lower() in kept}
    kept = {word for word in kept if word.lower() not in named and fits(word)}
    print("\n".join(sorted(kept | NEEDED)))


def folders() -> Iterator[tuple[str, Path]]:
    """Each library's name and where it lies."""
    yield "python", Path(sysconfig.get_paths()["stdlib"])
    yield "ours", OURS
    for name in LIBRARIES:
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            sys.exit(f"{name} is not installed: pip install {' '.join(LIBRARIES)}")
        yield name, Path(spec.submodule_search_locations[0])


def messages(library: str, folder: Path) -> Iterator[str]:
    """What the files below a folder say when they raise."""
    for path in sorted(folder.rglob("*.py")):
        if not LEFT_OUT & set(path.relative_to(folder).parts):
            yield from raised(path)
    binaries = [*folder.rglob("*.so")] if library in COMPILED else []
    if library == "python":
        binaries = [path for path in binaries if "site-packages" not in path.parts]
        binaries.append(Path(sys.executable).resolve())
        binaries += Path(str(sysconfig.get_config_var("LIBDIR"))).glob("libpython3.*.so*")
    for path in binaries:
        yield from compiled(path)


def raised(path: Path) -> Iterator[str]:
    """The texts in the raise statements of a module."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            parts = [
                one.value
                for one in ast.walk(node.exc)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            text = " ".join(parts)
            if " " in text:
                yield text


def compiled(path: Path) -> Iterator[str]:
    """What reads like a sentence in a compiled file."""
    for found in SENTENCE.findall(path.read_bytes()):
        text = found.decode("ascii")
        if re.search(r"(?:\b[a-z]{2,} ){2}[a-z]{2,}", text) and not re.search(r"[{}<>;=\\|]", text):
            yield text


def words(message: str) -> Iterator[str]:
    """The words of a message, without quoted ones, capital letters only where a sentence begins."""
    text = re.sub(r"'[^' ]*'|\"[^\"]*\"|`[^`]*`|\{[^}]*\}", " ", message)
    for found in SAID.finditer(text):
        word = found[0]
        if word.islower() or (word.istitle() and begins(text, found.start())):
            yield word


def begins(text: str, place: int) -> bool:
    """Whether a sentence begins here."""
    before = text[:place].rstrip()
    return not before or before[-1] in ".:"


def stays(where: dict[str, int]) -> bool:
    """Whether a word is one that error messages use."""
    many = sum(where.values())
    return "ours" in where or many >= OFTEN or (len(where) >= SHARED and many >= FEWER)


def fits(word: str) -> bool:
    """Whether it is a word, no letters: those could spell one."""
    return 3 <= len(word) <= 20 or word.lower() in SHORT


def people() -> frozenset[str]:
    """First names, and the last names that are common."""
    names = resources.files("names")
    found = set()
    for file, most in (
        ("dist.female.first", 100.0),
        ("dist.male.first", 100.0),
        ("dist.all.last", 40.0),
    ):
        for line in names.joinpath(file).read_text("utf-8").splitlines():
            name, _, share, *_ = line.split()
            if float(share) <= most:
                found.add(name.lower())
    return frozenset(found) - NEEDED


if __name__ == "__main__":
    main()
