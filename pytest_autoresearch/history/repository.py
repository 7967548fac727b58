"""The user's git repository, read and written below the porcelain: objects and refs, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pygit2
from pygit2.enums import FileStatus, Option

from ..exceptions import HarnessFault, UsageProblem
from . import trees

FALLBACK_AUTHOR = ("pytest-autoresearch", "autoresearch@localhost")
LOCK_TRIES = 20
LOCK_PAUSE = 0.05
"""Seconds between tries while another git process (a `git gc`, say) holds a ref's lock."""


class Repository:
    """Objects and refs of one repository; never its HEAD, index, work tree, hooks or filters.

    ``root`` is the work tree, ``head`` the commit that HEAD named when it was opened (hex),
    ``common_dir`` the git folder that all linked work trees share.
    """

    def __init__(self, git: pygit2.Repository, head: str) -> None:
        self._git = git
        self.root = Path(git.workdir)
        self.head = head
        self.common_dir = _common_dir(Path(git.path))

    @classmethod
    def discover(cls, rootdir: Path) -> Repository:
        """The repository that ``rootdir`` lies in; raises `UsageProblem` when it is unusable."""
        try:
            folder = pygit2.discover_repository(str(rootdir))
            git = pygit2.Repository(folder) if folder else None
        except pygit2.GitError as error:
            raise UsageProblem(
                f"the git repository at {rootdir} cannot be read: {error}"
            ) from error
        if git is None:
            raise UsageProblem(
                f"{rootdir} is in no git repository, and a search keeps its results in git: "
                "run `git init`, `git add` and `git commit` first"
            )
        if git.is_bare or git.workdir is None:
            raise UsageProblem(f"the git repository at {git.path} is bare: search in a clone of it")
        # A ref must never outlive its objects when the power fails.
        pygit2.option(Option.ENABLE_FSYNC_GITDIR, True)
        return cls(git, _head(git))

    def has(self, name: str) -> bool:
        """Whether the object is in the repository (in a shallow clone, many are not)."""
        return bool(name) and pygit2.Oid(hex=name) in self._git

    def tracked(self, tree: str) -> dict[str, str]:
        """Blob by path of a commit's or tree's regular files: no symbolic links, no submodules."""
        return trees.regular_files(self._tree(tree))

    def paths(self, tree: str) -> frozenset[str]:
        """Every path in a commit or tree that is no folder, whatever its kind."""
        return frozenset(path for path, _, _ in trees.walk(self._tree(tree)))

    def tree_of(self, commit: str) -> str:
        """The tree of a commit."""
        return str(self._tree(commit).id)

    def files(self, tree: str, paths: Iterable[str]) -> dict[str, bytes]:
        """Those of ``paths`` that are regular files of a commit or tree."""
        root = self._tree(tree)
        contents = {path: trees.content(root, path) for path in paths}
        return {path: content for path, content in contents.items() if content is not None}

    def blobs(self, tree: str, paths: Iterable[str]) -> dict[str, str]:
        """Blob by path of those of ``paths`` that are regular files of a commit or tree."""
        root = self._tree(tree)
        found = {path: trees.regular(root, path) for path in paths}
        return {path: str(blob.id) for path, blob in found.items() if blob is not None}

    def changes(self, before: str, after: str) -> dict[str, bool]:
        """Paths that differ between two trees; whether each is a regular file or gone in ``after``."""
        diff = self._tree(before).diff_to_tree(self._tree(after))
        return {
            side.path: delta.new_file.mode in (0, *trees.REGULAR)
            for delta in diff.deltas
            for side in (delta.old_file, delta.new_file)
        }

    def patch(self, before: str, after: str) -> str:
        """The unified diff between two commits or trees; text that is no UTF-8 is replaced."""
        diff = self._tree(before).diff_to_tree(self._tree(after))
        return b"".join(one.data for one in diff if one is not None).decode("utf-8", "replace")

    def dirty(self, paths: Iterable[str]) -> list[str]:
        """Those of ``paths`` whose work tree or index differs from HEAD, or that git lacks."""
        return [path for path in sorted(set(paths)) if self._differs(path)]

    def untracked(self) -> list[str]:
        """Files of the work tree that HEAD lacks and that git does not ignore."""
        new = FileStatus.WT_NEW | FileStatus.INDEX_NEW
        try:
            found = self._git.status(untracked_files="all", ignored=False)
        except pygit2.GitError as error:
            raise UsageProblem(f"git's index cannot be read: {error}") from error
        return sorted(path for path, flags in found.items() if flags & new)

    def blob(self, content: bytes) -> str:
        """Write a blob."""
        with _git("write a file"):
            return str(self._git.create_blob(content))

    def read_blob(self, name: str) -> bytes:
        """A blob's content; raises `KeyError` when there is no such blob."""
        found = self._git[name]
        if not isinstance(found, pygit2.Blob):
            raise KeyError(name)
        return found.data

    def write_tree(self, base: str, changes: Mapping[str, bytes | None]) -> str:
        """The tree of ``base`` (a commit or tree) with files replaced, added or deleted (``None``).

        Existing executables stay executable, new files are plain, empty folders vanish.
        """
        with _git("write a tree"):
            return trees.write(self._git, self._tree(base), changes)

    def merge(self, ancestor: str, ours: str, theirs: str) -> tuple[str, list[str]]:
        """The three-way merge of three trees, and the paths in conflict (then the tree is empty)."""
        index = self._git.merge_trees(self._tree(ancestor), self._tree(ours), self._tree(theirs))
        if index.conflicts is not None:
            sides = (side for conflict in index.conflicts for side in conflict if side is not None)
            return "", sorted({side.path for side in sides})
        with _git("write a merged tree"):
            return str(index.write_tree(self._git)), []

    def author(self) -> tuple[str, str]:
        """Name and email of the user's git configuration, or ours when it has none."""
        name, email = self._setting("user.name"), self._setting("user.email")
        return (name, email) if name and email else FALLBACK_AUTHOR

    def commit(
        self,
        tree: str,
        parents: Collection[str],
        message: str,
        when: int,
        offset: int = 0,
        author: tuple[str, str] | None = None,
    ) -> str:
        """Write a commit and set no ref; the same arguments give the same commit.

        ``when`` is seconds since 1970, ``offset`` minutes east of UTC.
        """
        signature = pygit2.Signature(*(author or self.author()), when, offset)
        with _git("write a commit"):
            oid = self._git.create_commit(
                None, signature, signature, message, pygit2.Oid(hex=tree), list(parents)
            )
        return str(oid)

    def message(self, commit: str) -> bytes:
        """A commit's message; raises `KeyError` when there is no such commit."""
        found = self._git[commit]
        if not isinstance(found, pygit2.Commit):
            raise KeyError(commit)
        return found.raw_message

    def contains(self, descendant: str, ancestor: str) -> bool | None:
        """Whether a commit is another one or comes after it; ``None``: a shallow clone cannot tell."""
        if descendant == ancestor:
            return True
        known = self.has(descendant) and self.has(ancestor)
        if known and self._git.descendant_of(descendant, ancestor):
            return True
        return None if self._git.is_shallow else False

    def ref(self, name: str) -> str | None:
        """What a ref points at, or ``None``."""
        found = self._git.references.get(name)
        return None if found is None else str(found.resolve().target)

    def refs(self, prefix: str) -> dict[str, str]:
        """Targets by the rest of the name of all refs that begin with ``prefix``."""
        names = [name for name in self._git.references if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.ref(name) or "" for name in names}

    def set_ref(self, name: str, target: str) -> None:
        """Point a ref at an object, whatever it pointed at before."""
        if self.ref(name) != target:
            self._patiently(lambda: self._git.create_reference(name, target, force=True), name)

    def delete_ref(self, name: str) -> None:
        """Delete a ref if it exists."""
        if self.ref(name) is not None:
            self._patiently(lambda: self._git.references.delete(name), name)

    def clear_ref_locks(self, *names: str) -> None:
        """Remove locks that a killed process of ours left on these refs or folders of refs."""
        for name in names:
            place = self.common_dir / name
            for lock in (place.with_name(place.name + ".lock"), *place.glob("*.lock")):
                lock.unlink(missing_ok=True)

    def checked_out(self, branch: str) -> bool:
        """Whether any work tree has the branch checked out."""
        found = self._git.branches.local.get(branch)
        return found is not None and found.is_checked_out()

    def _setting(self, key: str) -> str:
        """A value of git's configuration, without what no signature may hold."""
        try:
            value = self._git.config[key]
        except KeyError:
            return ""
        return "".join(letter for letter in value or "" if letter not in "<>\n\0").strip()

    def _tree(self, name: str) -> pygit2.Tree:
        try:
            return self._git[name].peel(pygit2.Tree)
        except KeyError:
            raise HarnessFault(
                f"git has no object {name}: it was pruned, or this clone is shallow; fetch it"
            ) from None

    def _differs(self, path: str) -> bool:
        try:
            return self._git.status_file(path) != FileStatus.CURRENT
        except KeyError:
            return True
        except pygit2.GitError as error:
            raise UsageProblem(f"git's index cannot be read: {error}") from error

    def _patiently(self, change: Callable[[], object], name: str) -> None:
        for left in reversed(range(LOCK_TRIES)):
            try:
                change()
                return
            except (pygit2.GitError, OSError) as error:
                if not left or "lock" not in str(error):
                    raise HarnessFault(f"git could not set {name}: {error}") from error
            time.sleep(LOCK_PAUSE)


@contextmanager
def _git(task: str) -> Iterator[None]:
    """Failures of git while it writes, as faults of the harness."""
    try:
        yield
    except (pygit2.GitError, OSError, ValueError) as error:
        raise HarnessFault(f"git could not {task}: {error}") from error


def _common_dir(folder: Path) -> Path:
    pointer = folder / "commondir"
    return (folder / pointer.read_text().strip()).resolve() if pointer.exists() else folder


def _head(git: pygit2.Repository) -> str:
    if git.head_is_unborn:
        raise UsageProblem(
            f"the git repository {git.workdir} has no commit yet: run `git add` and `git commit`"
        )
    return str(git.head.peel(pygit2.Commit).id)
