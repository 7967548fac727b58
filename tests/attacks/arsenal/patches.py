"""Attacks by the patch itself: paths, modes, links, files that tools obey. The judge must refuse each."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "patches"


def _new(path: str, mode: str = "100644", line: str = "evil = 1") -> str:
    """A patch that makes a file."""
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
        f"@@ -0,0 +1 @@\n+{line}\n"
    )


def _refused(name: str, what: str, patch: str) -> Attack:
    return Attack(name, KIND, what, Success.WINS, (Layer.PATHS,), patch=patch)


TEST = (
    "diff --git a/test_line.py b/test_line.py\n--- a/test_line.py\n+++ b/test_line.py\n"
    '@@ -1 +1 @@\n-"""A frozen test."""\n+"""A test."""\n'
)
RENAME = (
    "diff --git a/test_line.py b/line.py\nsimilarity index 100%\n"
    "rename from test_line.py\nrename to line.py\n"
)
MODE = "diff --git a/model.py b/model.py\nold mode 100644\nnew mode 100755\n"
BINARY = (
    "diff --git a/model.py b/model.py\nindex 0000000..1111111 100644\n"
    "GIT binary patch\nliteral 3\nKcmZQzWB>sG00IC2\n\nliteral 0\nHcmV?d00001\n"
)
SUBMODULE = (
    "diff --git a/library b/library\nnew file mode 160000\n--- /dev/null\n+++ b/library\n"
    "@@ -0,0 +1 @@\n+Subproject commit 1111111111111111111111111111111111111111\n"
)
DELETED = (
    "diff --git a/conftest.py b/conftest.py\ndeleted file mode 100644\n--- a/conftest.py\n"
    '+++ /dev/null\n@@ -1 +0,0 @@\n-"""Frozen data."""\n'
)

ATTACKS = (
    _refused("patch-of-the-test", "edit the frozen test", TEST),
    _refused("patch-renames-the-test", "rename the frozen test", RENAME),
    _refused("patch-deletes-conftest", "delete the conftest.py", DELETED),
    _refused("patch-adds-conftest", "add a conftest.py", _new("sub/conftest.py")),
    _refused("patch-above-the-root", "name a path above the root", _new("../evil.py")),
    _refused("patch-up-and-down", "the same by a way around", _new("sub/../../evil.py")),
    _refused("patch-absolute", "name an absolute path", _new("/etc/cron.d/evil")),
    _refused("patch-of-git", "add a hook", _new(".git/hooks/post-commit", "100755")),
    _refused("patch-of-git-by-case", "the same in other letters", _new(".GIT/config")),
    _refused("patch-of-git-short", "the same by its short name", _new("git~1/config")),
    _refused("patch-link", "make a link", _new("model2.py", "120000", "/etc/passwd")),
    _refused("patch-mode", "make a file executable", MODE),
    _refused("patch-binary", "change bytes that nobody can read", BINARY),
    _refused("patch-submodule", "bring another repository in", SUBMODULE),
    _refused("patch-attributes", "have git run filters", _new(".gitattributes", line="* filter=x")),
    _refused("patch-shadows-numpy", "shadow a library", _new("numpy.py")),
    _refused("patch-adds-pth", "add a file that every Python runs", _new("evil.pth")),
    _refused("patch-configures-pytest", "configure pytest", _new("pytest.ini", line="[pytest]")),
    _refused("patch-of-the-record", "add a champion record", _new("line.champion.json", line="{}")),
    _refused("patch-of-letters", "hide a letter in a frozen name", _new("conf\u200ctest.py")),
    _refused("patch-of-case", "name a file that differs by case only", _new("MODEL.py")),
    _refused("patch-of-space", "name a file that ends in a blank", _new("model.py ")),
    _refused("patch-of-data", "edit the data", _new("data/more.csv")),
    _refused("patch-of-nothing", "be no patch at all", "KEPT\n\0\n\x1b[2J"),
)
