"""git trees: reading files from them, and writing the few folders that a change touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pygit2
from pygit2.enums import FileMode

REGULAR = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)


def walk(tree: pygit2.Tree, above: str = "") -> Iterator[tuple[str, FileMode, str]]:
    """Path, mode and id of everything in a tree but its folders."""
    for entry in tree:
        # Not every name in an old repository is UTF-8.
        path = above + (entry.raw_name or b"").decode(errors="surrogateescape")
        if isinstance(entry, pygit2.Tree):
            yield from walk(entry, path + "/")
        else:
            yield path, entry.filemode, str(entry.id)


def regular_files(tree: pygit2.Tree) -> dict[str, str]:
    """Blob by path of the files that are neither symbolic links nor submodules."""
    return {path: blob for path, mode, blob in walk(tree) if mode in REGULAR}


def regular(tree: pygit2.Tree, path: str) -> pygit2.Blob | None:
    """A regular file, ``None`` when there is no such file."""
    try:
        entry = tree / path
    except (KeyError, UnicodeEncodeError):
        return None
    if not isinstance(entry, pygit2.Blob) or entry.filemode not in REGULAR:
        return None
    return entry


def content(tree: pygit2.Tree, path: str) -> bytes | None:
    """A regular file's content, ``None`` when there is no such file."""
    found = regular(tree, path)
    return None if found is None else found.data


def write(
    git: pygit2.Repository, tree: pygit2.Tree | None, changes: Mapping[str, bytes | None]
) -> str:
    """The tree with files replaced, added or deleted; only folders that change are written."""
    builder = git.TreeBuilder(tree) if tree is not None else git.TreeBuilder()
    leaves, folders = _split(changes)
    for name, new in leaves.items():
        _set_file(git, builder, name, new)
    for name, below in folders.items():
        _set_folder(git, builder, name, below)
    return str(builder.write())


Changes = dict[str, bytes | None]


def _split(changes: Mapping[str, bytes | None]) -> tuple[Changes, dict[str, Changes]]:
    """The changes to a folder's own files, and those below each of its folders."""
    leaves: Changes = {}
    folders: dict[str, Changes] = {}
    for path, new in changes.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = new
        else:
            leaves[name] = new
    return leaves, folders


def _set_file(
    git: pygit2.Repository, builder: pygit2.TreeBuilder, name: str, new: bytes | None
) -> None:
    old = builder.get(name)
    if new is None:
        if isinstance(old, pygit2.Blob):
            builder.remove(name)
        return
    kept = old.filemode if old is not None and old.filemode in REGULAR else FileMode.BLOB
    builder.insert(name, git.create_blob(new), kept)


def _set_folder(
    git: pygit2.Repository, builder: pygit2.TreeBuilder, name: str, below: Changes
) -> None:
    old = builder.get(name)
    folder = old if isinstance(old, pygit2.Tree) else None
    if folder is None and all(new is None for new in below.values()):
        return
    written = git[write(git, folder, below)]
    assert isinstance(written, pygit2.Tree)
    if len(written):
        builder.insert(name, written.id, FileMode.TREE)
    elif old is not None:
        builder.remove(name)
