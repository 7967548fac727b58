"""Turns a proposal into a git tree, or says why that is not allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..exceptions import ChangesNothing, Outdated, Refused
from ..records import Proposal
from .apply import DoesNotApply, Files, apply
from .diffs import Section, parse
from .paths import EditableSet
from .repository import Repository

LARGEST = 1 << 20
"""Bytes that a patch, and each file that it makes, may have."""
MOST_PATHS = 200


class Workshop:
    """Builds the trees of proposals for one objective."""

    def __init__(self, repository: Repository, editable: EditableSet) -> None:
        self.repository = repository
        self.editable = editable
        self._existing: dict[str, frozenset[str]] = {}

    def build(self, proposal: Proposal, champion: str, base: str) -> str:
        """The champion's tree with the proposal applied: its patch first, then its whole files.

        A patch that does not fit the champion is applied to ``base`` and merged. ``champion`` and
        ``base`` are commits. Raises `Refused` with the reason.
        """
        before = self.repository.tree_of(champion)
        after = before
        if proposal.patch:
            sections = self._sections(proposal.patch)
            self._check({path for s in sections for path in _paths(s)}, before)
            after = self._patched(sections, champion, base)
        if proposal.files:
            after = self._with_files(after, proposal.files, before)
        if after == before:
            raise ChangesNothing("the proposal changes nothing")
        self._check_result(before, after)
        return after

    def rebased(self, proposal: Proposal, made_on: str, champion: str, base: str) -> str:
        """The champion's tree with a proposal merged that was made on another commit.

        What the champion has gained since stays. Raises `Outdated` where the two conflict, `Refused` as
        `build` does.
        """
        repository = self.repository
        theirs = self.build(proposal, made_on, base)
        before = repository.tree_of(champion)
        merged, conflicts = repository.merge(repository.tree_of(made_on), before, theirs)
        if conflicts:
            raise Outdated(
                f"made on {made_on[:7]}, and the champion is {champion[:7]} by now: the merge conflicts in "
                f"{', '.join(conflicts)}"
            )
        if merged == before:
            raise ChangesNothing("the champion has all of it by now")
        self._check_result(before, merged)
        return merged

    def _sections(self, patch: str) -> list[Section]:
        content = _encode(patch, "the patch")
        return parse(content)

    def _patched(self, sections: list[Section], champion: str, base: str) -> str:
        try:
            return self._apply(sections, champion)
        except DoesNotApply as error:
            if base == champion:
                raise Refused(f"does not apply to {champion[:7]}: {error}") from error
        return self._merged(sections, champion, base)

    def _apply(self, sections: list[Section], commit: str) -> str:
        def read(path: str) -> bytes | None:
            return self.repository.files(commit, [path]).get(path)

        return self._write(commit, apply(sections, read))

    def _merged(self, sections: list[Section], champion: str, base: str) -> str:
        repository = self.repository
        try:
            theirs = self._apply(sections, base)
        except DoesNotApply as error:
            raise Refused(
                f"does not apply to {champion[:7]}: {error}, nor to the run's base {base[:7]}"
            ) from error
        merged, conflicts = repository.merge(
            repository.tree_of(base), repository.tree_of(champion), theirs
        )
        if conflicts:
            names = ", ".join(conflicts)
            raise Refused(f"does not apply to {champion[:7]}: the merge conflicts in {names}")
        return merged

    def _with_files(self, tree: str, files: Mapping[str, str], before: str) -> str:
        self._check(files, before)
        return self._write(tree, {path: _encode(text, path) for path, text in files.items()})

    def _write(self, tree: str, files: Files) -> str:
        for path, content in files.items():
            _bound(content or b"", path)
        return self.repository.write_tree(tree, files)

    def _check(self, paths: Collection[str], tree: str) -> None:
        if len(paths) > MOST_PATHS:
            raise Refused(f"the proposal touches {len(paths)} files; at most {MOST_PATHS} may be")
        existing = self._paths_of(tree)
        new: set[str] = set()
        for path in sorted(paths):
            self.editable.check(path, existing)
            if path not in existing:
                self.editable.check(path, new)
                new.add(path)
            elif not self.repository.files(tree, [path]):
                raise Refused(
                    f"{path!r} is a symbolic link or a submodule, which no patch may touch"
                )

    def _check_result(self, before: str, after: str) -> None:
        """What was built, whichever way, holds to the rules."""
        changes = self.repository.changes(before, after)
        self._check(changes, before)
        for path, regular in changes.items():
            if not regular:
                raise Refused(f"{path!r} would be no regular file")

    def _paths_of(self, tree: str) -> frozenset[str]:
        """All paths of a tree; the last one is remembered, since the champion seldom changes."""
        if tree not in self._existing:
            self._existing = {tree: self.repository.paths(tree)}
        return self._existing[tree]


def _paths(section: Section) -> list[str]:
    paths = [path for path in (section.old, section.new) if path is not None]
    if not paths:
        raise Refused("the patch names no file: both sides are /dev/null")
    return paths


def _encode(text: str, what: str) -> bytes:
    """Bytes that were not UTF-8 came in as surrogates, and go out as they were."""
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Refused(f"{what} holds characters that no file can hold") from None
    _bound(content, what)
    return content


def _bound(content: bytes, what: str) -> None:
    if len(content) > LARGEST:
        raise Refused(f"{what} has {len(content):,} bytes; at most {LARGEST:,} are allowed")
