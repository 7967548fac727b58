"""Every sentence that the code can say to a person stands in docs/messages.md, with its remedy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from pytest_autoresearch import exceptions

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "messages.md"
SOURCE = ROOT / "pytest_autoresearch"

RAISED = {name for name, value in vars(exceptions).items() if isinstance(value, type)} | {
    *("AttributeError", "ValueError", "SystemExit", "ConnectionResetError"),
    *("Complaint", "DoesNotApply", "UsageError", "_misused", "_damaged", "fail", "skip"),
}
"""What is called with a message, however short; elsewhere three words make a text a sentence."""

EXEMPT = {
    "agents/command/telling.py": "what coding tools are told in their folder",
    "agents/command/workplace.py:_deletion": "git's words in a diff",
    "agents/command/command.py:destination": "where what an agent is told goes, in the plan",
    "sandbox/outdoors/kept.py": "what stands in the place of an output's middle",
    "sandbox/outdoors/outdoors.py:": "a program that tries out a world",
    "__init__.py": "Python's own message about a missing attribute",
    "testing.py": "sources of the little projects; its error is for those who write tests",
    "report": "what the reports say, not what goes wrong",
    "options.py:": "help texts",
    "options.py:add": "help texts",
    "options.py:_add_ini_only": "help texts",
    "marks.py:": "the markers' signatures, as `pytest --markers` shows them",
    "agents/briefing": "what agents read",
    "analysis": "what agents' own code prints or raises in the sandbox",
    "agents/disclosure": "what agents read in an error's place, and words that they may read",
    "agents/llm/words.py": "what a model is told",
    "agents/llm/tools.py": "tools as a model is offered them, and what it is told when it calls them wrongly",
    "agents/llm/edits.py": "what a model is told of an edit that does not fit",
    "agents/llm/plain.py": "what a model is told of an answer that cannot be read",
    "agents/llm/reading.py": "what a model is shown of a file",
    "agents/llm/conversation.py:_called": "what a model is told of a tool that there is not",
    "agents/llm/conversation.py:_why_none": "what a model is told of an answer without a proposal",
    "agents/llm/conversation.py:_cut": "the end of what a model is told",
    "agents/llm/answer.py:_as_object": "what a model's own nonsense is repeated to it as",
    "agents/llm/faults.py:words": "a pattern",
    "agents/llm/faults.py:_without_status": "words of litellm's",
    "agents/llm/library.py:": "names of litellm's loggers",
    "runs/trial.py": "what an agent is told of its own proposal, to mend it",
    "agents/tuning/tune.py:": "hypotheses of the tuner",
    "agents/tuning/searched.py": "what the tuner searches, in the plan that a search shows",
    "agents/tuning/guess.py:why_not": "why a value is left alone, in the same",
    "evaluation/fold.py:__repr__": "how a fold shows itself",
    "others.py": "names of moments, inside the line about a hook that raised",
    "history/messages.py:message": "the trailer that counts journal lines",
    "history/messages.py:_words": "words of a commit message",
    "history/messages.py:_description": "words of a commit message",
    "history/repository.py:blob": "what git was doing, inside `git could not …`",
    "history/repository.py:write_tree": "what git was doing, inside `git could not …`",
    "history/repository.py:merge": "what git was doing, inside `git could not …`",
    "history/repository.py:commit": "what git was doing, inside `git could not …`",
    "runs/opening.py:_held": "what a run holds, in the plan that a search shows",
    "runs/opening.py:_base_and_rule": "the plan that a search shows",
    "runs/opening.py:_planned": "the plan that --co shows",
    "runs/opening.py:open_session": "whose times the plan is made by",
    "controller.py:state": "the line of progress",
    "sandbox/inside/attempts.py": "what a candidate must not do, inside `a process inside could …`",
    "sandbox/inside/linux.py": "what the kernel refused, inside `isolation … cannot be had here: …`",
    "sandbox/inside/privileges.py:drop": "the same",
    "sandbox/inside/seccomp.py:": "names of system calls",
    "sandbox/inside/world.py:": "names of namespaces",
    "sandbox/walls/tiers.py:layers": "what the walls are made of, in the header",
    "runs/planning.py": "what there is time for, in the plan that a search shows",
    "runs/past.py:times": "whose times the plan is made by",
    "runs/past.py:_to_merge": "a line of the header",
    "runs/session.py:_plan_anew": "whose times the plan is made by",
    "search/measuring.py:take_over": "the reason of a record that nothing was measured for",
    "simplicity.py": "in what a candidate is simpler, inside why it was kept",
    "search/earlier.py:disagreement": "inside the line that says why scores are not reused",
    "regression/fingerprint.py": "keys in /proc/cpuinfo",
    "regression/unrecorded.py:command": "a command inside messages",
}
"""Places, ``file`` or ``file:function``, whose texts are no messages, and why."""

PIECES = {
    ", mean lead …",
    "no proposal:",  # of "no proposal: …"
    *("copy from", "rename from", "new file mode", "deleted file mode"),  # git's words in a diff
    *("in row", "the first in row", "1 value that is", "… values that are"),  # of "… not finite"
    *("the patch", "at most …"),  # of "… has … bytes" and of "… returned shape …"
    *("sessions were killed while it ran",),  # of "… sessions were killed …"
    *("process namespace", "mount namespace", "network namespace"),  # what the kernel refused
    *("the analysis",),  # of "… defines no function …"
    *("the scratch folder", "the fitted state", "too many files to count"),  # of "… takes …"
    *("of agent …", "; the nearest was at z …", "and … USD"),  # of how a search is stuck
    *("this host", "process … on host …"),  # of "another search writes to this run"
}
"""Texts that are no messages of their own."""


@dataclass(frozen=True)
class Message:
    """A text with ``…`` for what is filled in, and the place that says it."""

    text: str
    place: str


def template(node: ast.AST) -> str | None:
    """A string expression's text, ``…`` for what is not constant; ``None`` for any other node."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) or "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = template(node.left), template(node.right)
        return None if left is right is None else f"{left or '…'}{right or '…'}"
    return None


def holes(node: ast.AST) -> Iterator[ast.AST]:
    """What is filled into a string expression."""
    if isinstance(node, ast.JoinedStr):
        yield from (part.value for part in node.values if isinstance(part, ast.FormattedValue))
    if isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            if template(side) is None:
                yield side
            else:
                yield from holes(side)


def plain(text: str) -> str:
    """One line; what is filled in is one ``…``, however many pieces it has."""
    return re.sub("…(?:…)+", "…", " ".join(text.split()))


def is_sentence(text: str) -> bool:
    return " " in text and len(re.findall(r"[A-Za-z]{2,}", text)) >= 2


class Reader(ast.NodeVisitor):
    """Collects the messages of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.scope: list[str] = []
        self.raised: set[ast.AST] = set()
        self.found: list[Message] = []

    def visit(self, node: ast.AST) -> None:
        text = template(node)
        if text is None:
            super().visit(node)
            return
        if (node in self.raised and re.search("[a-z]", text)) or is_sentence(text):
            self.found.append(Message(plain(text), f"{self.file}:{node.lineno}"))  # type: ignore[attr-defined]
        for part in holes(node):
            self.visit(part)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._inside(node)

    def _inside(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        before = len(self.found)
        self.scope.append(node.name)
        self.generic_visit(node)
        if f"{self.file}:{node.name}" in EXEMPT:
            del self.found[before:]
        self.scope.pop()

    def visit_Module(self, node: ast.Module) -> None:
        for one in node.body:
            before = len(self.found)
            self.visit(one)
            named = isinstance(one, ast.FunctionDef | ast.ClassDef)
            if not named and f"{self.file}:" in EXEMPT:
                del self.found[before:]

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """What must not happen is no message to a person."""

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name == "compile":
            return
        if name in RAISED:
            self.raised.update(node.args[:1])
        self.generic_visit(node)


def spoken() -> dict[str, str]:
    """The place of every message in the code, by its text."""
    messages: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        if EXEMPT.keys() & {file, *(str(one) for one in PurePosixPath(file).parents)}:
            continue
        reader = Reader(file)
        reader.visit(ast.parse(path.read_text("utf-8")))
        for message in reader.found:
            messages.setdefault(message.text, message.place)
    return {text: place for text, place in messages.items() if text not in PIECES}


@dataclass
class Block:
    """Messages that have one explanation: lines indented by four, deeper ones go on."""

    line: int
    messages: list[str]
    explanation: str = ""


def blocks() -> Iterator[Block]:
    """The page's messages; what is between code fences is not read."""
    block: Block | None = None
    fenced = False
    for number, line in enumerate(PAGE.read_text("utf-8").splitlines(), start=1):
        fenced ^= line.startswith("```")
        indented = re.match(r" {4}(?: {2,})?(?=\S)", line)
        if fenced or not line.strip():
            continue
        if indented is None:
            if block is not None:
                block.explanation = line
                yield block
            block = None
        elif block is None:
            block = Block(number, [line.strip()])
        elif indented.end() > 4:
            block.messages[-1] += f" {line.strip()}"
        else:
            block.messages.append(line.strip())
    if block is not None:
        yield block


def test_every_message_of_the_code_is_documented() -> None:
    documented = {text for block in blocks() for text in block.messages}
    missing = [f"{place}\n    {text}" for text, place in spoken().items() if text not in documented]
    if missing:
        pytest.fail(
            "docs/messages.md lacks these messages. Put each, indented by four spaces (six where it "
            "goes on), into the section for when it occurs, with its meaning and remedy in the "
            "paragraph under it; what is no message to a person belongs in EXEMPT in "
            "tests/test_messages.py:\n" + "\n".join(missing),
            pytrace=False,
        )


def test_every_documented_message_is_in_the_code() -> None:
    known = spoken()
    gone = [
        f"docs/messages.md:{block.line}\n    {text}"
        for block in blocks()
        for text in block.messages
        if text not in known
    ]
    if gone:
        pytest.fail(
            "The code does not say this any more; take it out of docs/messages.md, or correct it "
            "(`…` stands for what is filled in):\n" + "\n".join(gone),
            pytrace=False,
        )


def test_every_documented_message_has_an_explanation() -> None:
    bare = [block.line for block in blocks() if not block.explanation or is_title(block)]
    assert not bare, f"no meaning and remedy under the messages in lines {bare} of docs/messages.md"


def is_title(block: Block) -> bool:
    return block.explanation.startswith("#")


def test_no_message_is_documented_twice() -> None:
    found = [text for block in blocks() for text in block.messages]
    assert sorted(found) == sorted(set(found))


def test_every_piece_is_still_said() -> None:
    said = "\n".join(text for path in SOURCE.rglob("*.py") for text in texts(path))
    assert [piece for piece in sorted(PIECES) if piece not in said] == []


def texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        yield plain(template(node) or "")


def test_every_exemption_is_still_needed() -> None:
    for place in EXEMPT:
        file, colon, name = place.partition(":")
        path = SOURCE / file
        assert path.exists(), f"EXEMPT names {place}, which is gone"
        if colon and name:
            assert re.search(rf"(def|class) {name}\b", path.read_text("utf-8")), place
