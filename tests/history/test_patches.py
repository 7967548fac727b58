"""Patches: what git would make of them, inside the editable set; everything else is refused."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import Refused
from pytest_autoresearch.history import patches
from pytest_autoresearch.history.apply import DoesNotApply, apply
from pytest_autoresearch.history.diffs import parse
from pytest_autoresearch.history.repository import Repository
from pytest_autoresearch.records import Proposal

from .builders import MODEL, Project, rate


def built(project: Project, proposal: Proposal | str, *globs: str) -> dict[str, bytes]:
    """The files that differ between HEAD and what was built; b"" for deleted ones."""
    repository = project.repository
    proposal = Proposal(patch=proposal) if isinstance(proposal, str) else proposal
    tree = project.workshop(*globs).build(proposal, repository.head, repository.head)
    paths = repository.changes(repository.head, tree)
    files = repository.files(tree, paths)
    return {path: files.get(path, b"") for path in paths}


def refused(project: Project, proposal: Proposal | str, *globs: str) -> str:
    with pytest.raises(Refused) as caught:
        built(project, proposal, *globs)
    return str(caught.value)


HUNK = "@@ -1,2 +1,2 @@\n-rate = 0\n+rate = 1\n depth = 3\n"
FASTER = MODEL.replace(b"rate = 0", b"rate = 1")


@pytest.mark.parametrize(
    "header",
    [
        "diff --git a/model.py b/model.py\nindex 1234567..89abcde 100644\n--- a/model.py\n+++ b/model.py\n",
        "--- a/model.py\n+++ b/model.py\n",
        "--- model.py\n+++ model.py\n",
        "diff --git model.py model.py\n--- model.py\n+++ model.py\n",
        "--- a/model.py\t2025-01-01 10:00:00\n+++ b/model.py\t2025-01-01 10:00:01\n",
        '--- "a/model.py"\n+++ "b/model.py"\n',
        "We lower the rate.\n\n-- \nSigned: nobody\n--- a/model.py\n+++ b/model.py\n",
        "--- a/model.py\r\n+++ b/model.py\r\n",
    ],
)
def test_the_usual_kinds_of_diff_are_understood(project: Project, header: str) -> None:
    assert built(project, header + HUNK) == {"model.py": FASTER}


def test_text_after_the_last_hunk_is_ignored(project: Project) -> None:
    signature = "-- \n2.39.5\n\nbye\n"
    assert built(project, "--- a/model.py\n+++ b/model.py\n" + HUNK + signature)


def test_whole_files_replace_and_create(project: Project) -> None:
    files = {"model.py": "x = 1\n", "sub/new/file.py": "y = 2\r\n"}
    expected = {path: text.encode() for path, text in files.items()}
    assert built(project, Proposal(files=files)) == expected


def test_a_patch_comes_before_the_whole_files(project: Project) -> None:
    proposal = Proposal(patch=rate(0, 1).patch, files={"sub/other.py": "x = 2\n"})
    assert built(project, proposal) == {"model.py": FASTER, "sub/other.py": b"x = 2\n"}


def test_files_are_renamed_deleted_and_created_inside_the_set(project: Project) -> None:
    patch = (
        "diff --git a/sub/other.py b/sub/renamed.py\nsimilarity index 100%\n"
        "rename from sub/other.py\nrename to sub/renamed.py\n"
        "diff --git a/model.py b/model.py\ndeleted file mode 100644\n--- a/model.py\n+++ /dev/null\n"
        + "@@ -1,6 +0,0 @@\n"
        + "".join(f"-{line}\n" for line in MODEL.decode().splitlines())
        + "diff --git a/sub/empty.py b/sub/empty.py\nnew file mode 100644\nindex 0000000..e69de29\n"
        "--- /dev/null\n+++ b/sub/ü.py\n@@ -0,0 +1 @@\n+new\n\\ No newline at end of file\n"
    )
    assert built(project, patch) == {
        "model.py": b"",
        "sub/other.py": b"",
        "sub/renamed.py": b"x = 1\n",
        "sub/empty.py": b"",
        "sub/ü.py": b"new",
    }


def test_a_renamed_and_edited_file_and_a_copy_are_followed(project: Project) -> None:
    patch = (
        "diff --git a/sub/other.py b/sub/b.py\nsimilarity index 50%\n"
        "rename from sub/other.py\nrename to sub/b.py\n--- a/sub/other.py\n+++ b/sub/b.py\n"
        "@@ -1 +1 @@\n-x = 1\n+x = 2\n"
        "diff --git a/model.py b/sub/copy.py\ncopy from model.py\ncopy to sub/copy.py\n"
    )
    assert built(project, patch) == {
        "sub/other.py": b"",
        "sub/b.py": b"x = 2\n",
        "sub/copy.py": MODEL,
    }


@pytest.mark.parametrize(
    ("content", "hunk", "result"),
    [
        (b"a\r\nb\r\n", b"@@ -1,2 +1,2 @@\n a\r\n-b\r\n+B\r\n", b"a\r\nB\r\n"),
        (b"a\nb", b"@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n", b"a\nb\n"),
        (b"a\nb\n", b"@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n", b"a\nb"),
        (b"\xff\n\xe9\x00\n", b"@@ -1,2 +1,2 @@\n \xff\n-\xe9\x00\n+\xfe\n", b"\xff\n\xfe\n"),
        (b"a\rb\n", b"@@ -1 +1 @@\n-a\rb\n+c\rd\n", b"c\rd\n"),
        (b"a\n\nb\n", b"@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n", b"a\n\nc\n"),
    ],
)
def test_odd_line_ends_and_bytes_survive(
    tmp_path: Path, content: bytes, hunk: bytes, result: bytes
) -> None:
    project = Project(tmp_path / "odd", {"model.py": content, "test_it.py": b""})
    patch = (b"--- a/model.py\n+++ b/model.py\n" + hunk).decode(errors="surrogateescape")
    assert built(project, patch) == {"model.py": result}


def test_a_moved_hunk_is_found(project: Project) -> None:
    patch = "--- a/model.py\n+++ b/model.py\n@@ -40,2 +41,2 @@\n-rate = 0\n+rate = 1\n depth = 3\n"
    assert built(project, patch) == {"model.py": FASTER}


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ("", "changes nothing"),
        ("no diff at all", "holds no unified diff"),
        ("--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n-rate = 0\n+rate = 0\n", "changes nothing"),
        ("--- a/test_it.py\n+++ b/test_it.py\n" + HUNK, "'test_it.py': the file is frozen"),
        ("--- a/conftest.py\n+++ b/conftest.py\n" + HUNK, "conftest"),
        ("--- a/other.py\n+++ b/other.py\n" + HUNK, "none of the editable globs"),
        ("--- a/../model.py\n+++ b/../model.py\n" + HUNK, "component"),
        ("--- /dev/null\n+++ b/Model.py\n@@ -0,0 +1 @@\n+x\n", "none of the editable globs"),
        ("--- /dev/null\n+++ b/sub/Other.py\n@@ -0,0 +1 @@\n+x\n", "collides with 'sub/other.py'"),
        ("--- /dev/null\n+++ b/model.py\n@@ -0,0 +1 @@\n+x\n", "model.py exists already"),
        ("--- a/model.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-rate = 0\n", "holds other lines"),
        ("--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+x\n", "names no file"),
        (
            "diff --git a/sub/other.py b/test_it.py\nrename from sub/other.py\nrename to test_it.py\n",
            "frozen",
        ),
        (
            "diff --git a/sub/other.py b/model.py\nrename from sub/other.py\nrename to model.py\n",
            "model.py exists already",
        ),
        ("diff --git a/model.py b/model.py\nold mode 100644\nnew mode 100755\n", "file's mode"),
        (
            "diff --git a/sub/l b/sub/l\nnew file mode 120000\n--- /dev/null\n+++ b/sub/l\n"
            "@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n",
            "mode 120000",
        ),
        (
            "diff --git a/sub/m b/sub/m\nnew file mode 160000\n--- /dev/null\n+++ b/sub/m\n"
            "@@ -0,0 +1 @@\n+Subproject commit " + "0" * 40 + "\n",
            "mode 160000",
        ),
        ("diff --git a/model.py b/model.py\nindex 1..2 120000\n", "symbolic link"),
        ("diff --git a/sub/x b/sub/x\nGIT binary patch\nliteral 0\n", "binary"),
        ("diff --git a/sub/x b/sub/x\nBinary files a/sub/x and b/sub/x differ\n", "binary"),
        ("diff --cc model.py\n@@@ -1,1 -1,1 +1,1 @@@\n", "merge"),
        ("--- a/model.py\n+++ b/model.py\n@@ -1,3 +1,2 @@\n-rate = 0\n+rate = 1\n", "cut short"),
        ("--- a/model.py\n+++ b/model.py\n" + HUNK + "+more\n", "line counts are wrong"),
        ("--- a/model.py\n+++ b/model.py\n@@ -1,1 +1,2 @@\n-a\n-b\n+c\n+d\n", "line counts"),
        ("@@ -1 +1 @@\n-a\n+b\n", "without a file"),
        ("diff --git a/model.py b/model.py\n--- a/model.py\n+++ b/model.py\n", "says nothing"),
        ("--- a/model.py\n+++ b/model.py\n@@ -0,0 +1 @@\n+x\n", "matches no lines"),
        ("--- a/sub/no.py\n+++ b/sub/no.py\n" + HUNK, "sub/no.py does not exist"),
        ("--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n-rate = 7\n+rate = 1\n", "matches no lines"),
        ("--- a/sub/\udcff.py\n+++ b/sub/\udcff.py\n" + HUNK, "not UTF-8"),
    ],
)
def test_a_bad_patch_is_refused_with_its_reason(project: Project, patch: str, reason: str) -> None:
    assert reason in refused(project, patch)


@pytest.mark.parametrize(
    "path", ["conftest.py", "../x.py", "sub/../test_it.py", "sub/.env", "x.py"]
)
def test_whole_files_obey_the_same_rules(project: Project, path: str) -> None:
    assert f"the patch may not touch {path!r}" in refused(project, Proposal(files={path: "x"}))


def test_what_is_too_large_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    large = "x" * (patches.LARGEST + 1)
    assert "1,048,577 bytes" in refused(project, Proposal(files={"model.py": large}))
    assert "the patch has" in refused(project, large)
    many = {f"sub/{number}.py": "x" for number in range(201)}
    assert "201 files; at most 200" in refused(project, Proposal(files=many))
    monkeypatch.setattr(patches, "LARGEST", len(MODEL) + 2)
    grown = "--- a/model.py\n+++ b/model.py\n@@ -1 +1,2 @@\n rate = 0\n+x=1\n"
    assert "model.py has" in refused(project, grown)


def test_a_symbolic_link_is_never_patched(project: Project) -> None:
    os.symlink("/etc/hostname", project.root / "sub/link.py")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "link")
    assert "symbolic link" in refused(project, Proposal(files={"sub/link.py": "x"}))
    under = Proposal(files={"sub/link.py/x.py": "x"})
    assert "collides with the file 'sub/link.py'" in refused(project, under)


def test_two_new_files_must_not_collide(project: Project) -> None:
    proposal = Proposal(files={"sub/new.py": "x", "sub/NEW.py": "y"})
    assert "collides with 'sub/NEW.py'" in refused(project, proposal)


def test_a_displacement_is_carried_on_to_the_next_hunk() -> None:
    patch = b"--- a/m\n+++ b/m\n@@ -1 +1 @@\n-h\n+H\n@@ -6 +6 @@\n-k\n+K\n"
    content = b"p\np\np\np\nh\nk\nq\nq\nq\nk\n"
    assert apply(parse(patch), lambda path: content) == {"m": b"p\np\np\np\nH\nk\nq\nq\nq\nK\n"}


def test_a_merge_that_strays_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    grown = Grown(project, MODEL.replace(b"depth = 3", b"depth = 5"))
    stray = project.repository.write_tree(grown.champion, {"test_it.py": b"assert True\n"})
    monkeypatch.setattr(Repository, "merge", lambda *trees: (stray, []))
    with pytest.raises(Refused, match=r"'test_it\.py': the file is frozen"):
        grown.build(DEEPER)


def test_a_search_for_displaced_hunks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    far = b"--- a/m\n+++ b/m\n@@ -1 +1 @@\n-y\n+z\n"
    content = b"x\n" * 100 + b"y\n"
    assert apply(parse(far), lambda path: content)
    monkeypatch.setattr("pytest_autoresearch.history.apply.MOST_COMPARISONS", 50)
    with pytest.raises(DoesNotApply):
        apply(parse(far), lambda path: content)
    with pytest.raises(Refused, match="more than 2000 hunks"):
        parse(b"--- a/m\n+++ b/m\n" + b"@@ -1 +1 @@\n-x\n+y\n" * 2001)


class Grown:
    """A project whose champion has changed since the run's base."""

    def __init__(self, project: Project, champion: bytes) -> None:
        self.project = project
        repository = project.repository
        self.base = repository.head
        tree = repository.write_tree(self.base, {"model.py": champion})
        self.champion = repository.commit(tree, [self.base], "champion", 0)

    def build(self, patch: str) -> bytes:
        repository = self.project.repository
        tree = self.project.workshop().build(Proposal(patch=patch), self.champion, self.base)
        return repository.files(tree, ["model.py"])["model.py"]


DEEPER = "--- a/model.py\n+++ b/model.py\n@@ -1,3 +1,3 @@\n rate = 0\n-depth = 3\n+depth = 4\n \n"


def test_what_fits_only_the_base_is_merged_onto_the_champion(project: Project) -> None:
    spread = MODEL.replace(b"depth", b"\n\n\ndepth")
    project.write({"model.py": spread})
    project.git("commit", "-qam", "spread")
    grown = Grown(project, spread.replace(b"rate = 0", b"rate = 9"))
    patch = "--- a/model.py\n+++ b/model.py\n@@ -1,5 +1,5 @@\n rate = 0\n \n \n \n-depth = 3\n+depth = 4\n"
    assert grown.build(patch) == spread.replace(b"rate = 0", b"rate = 9").replace(b"3", b"4")


def test_a_merge_conflict_is_refused_naming_the_champion(project: Project) -> None:
    grown = Grown(project, MODEL.replace(b"depth = 3", b"depth = 5"))
    with pytest.raises(Refused, match=rf"does not apply to {grown.champion[:7]}: .*model\.py"):
        grown.build(DEEPER)


def test_what_fits_neither_is_refused(project: Project) -> None:
    grown = Grown(project, MODEL.replace(b"rate = 0", b"rate = 9"))
    with pytest.raises(Refused, match=rf"{grown.champion[:7]}: .* nor to the run's base"):
        grown.build(rate(7, 8).patch or "")


def test_a_patch_that_the_champion_has_already_changes_nothing(project: Project) -> None:
    grown = Grown(project, MODEL.replace(b"rate = 0", b"rate = 1"))
    with pytest.raises(Refused, match="changes nothing"):
        grown.build(rate(0, 1).patch or "")


def git_apply(folder: Path, files: dict[str, bytes], patch: bytes) -> dict[str, bytes]:
    for path, content in files.items():
        (folder / path).write_bytes(content)
    subprocess.run(["git", "apply"], cwd=folder, input=patch, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("seed", range(12))
def test_it_agrees_with_git_on_random_edits(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    ends = [b"\n", b"\r\n"]
    old = b"".join(b"%d%s" % (dice.randrange(5), dice.choice(ends)) for _ in range(60))
    lines = old.splitlines(keepends=True)
    for _ in range(8):
        at = dice.randrange(len(lines))
        lines[at : at + dice.randrange(3)] = [b"new %d\n" % dice.randrange(99)] * dice.randrange(3)
    new = b"".join(lines) + dice.choice([b"", b"no end"])
    for name, content in (("old", old), ("new", new)):
        (tmp_path / name).write_bytes(content)
    diff = ["git", "diff", "--no-index", f"-U{dice.randrange(1, 4)}", "old", "new"]
    patch = subprocess.run(diff, cwd=tmp_path, capture_output=True, check=False).stdout
    patch = patch.replace(b"a/old", b"a/f").replace(b"b/new", b"b/f")
    (tmp_path / "git").mkdir()
    theirs = git_apply(tmp_path / "git", {"f": old}, patch)
    assert apply(parse(patch), lambda path: old) == theirs == {"f": new}


RENAME = "diff --git a/sub/other.py b/sub/{0}.py\nrename from sub/other.py\nrename to sub/{0}.py\n"


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        (RENAME.format("other"), "renames or copies 'sub/other.py' to itself"),
        (RENAME.replace("rename", "copy").format("other"), "to itself"),
        (RENAME.format("a") + RENAME.format("b"), "two sections about 'sub/other.py'"),
        (RENAME.format("a") + RENAME.replace("other", "a").format("b"), "about 'sub/a.py'"),
        (("--- a/model.py\n+++ b/model.py\n" + HUNK) * 2, "two sections about 'model.py'"),
        ("".join(map(RENAME.format, range(201))), "more than 200 sections"),
    ],
)
def test_sections_that_only_cost_time_are_refused(
    project: Project, patch: str, reason: str
) -> None:
    assert reason in refused(project, patch)


def test_a_copied_file_may_itself_change(project: Project) -> None:
    copy = "diff --git a/model.py b/sub/c.py\ncopy from model.py\ncopy to sub/c.py\n"
    patch = copy + "--- a/model.py\n+++ b/model.py\n" + HUNK
    assert built(project, patch) == {"model.py": FASTER, "sub/c.py": MODEL}


def test_a_section_without_hunks_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_autoresearch.history.apply._lines", None)
    files = apply(parse(RENAME.format("a").encode()), {"sub/other.py": b"x\n"}.get)
    assert files == {"sub/other.py": None, "sub/a.py": b"x\n"}
