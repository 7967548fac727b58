"""Attacks that leave something on the host."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "host"
FILES = (Layer.NAMESPACES, Layer.LANDLOCK)

PLACES = {
    "home-profile": ("the shell's start-up file", 'HOST["home"] + "/.profile"'),
    "authorized-keys": ("a key to log in with", 'HOST["home"] + "/.ssh/authorized_keys"'),
    "user-site": ("a start-up module in the user's folder", 'HOST["home"] + "/usercustomize.py"'),
    "cron": ("a job for later", 'HOST["base"] + "/cron.d/job"'),
    "shared-tmp": ("a file for others in /tmp", 'HOST["tmp"] + "-mark"'),
    "shared-memory-file": ("a file for others in /dev/shm", 'HOST["shm"] + "-mark"'),
    "site-packages-pth": ("a line that every Python would run", 'HOST["site"] + "/evil.pth"'),
    "site-packages-custom": (
        "a module that every Python loads",
        'HOST["site"] + "/sitecustomize.py"',
    ),
    "library-patched": ("a library in the environment", 'HOST["site"] + "/bundled/__init__.py"'),
}


def _written(name: str) -> Attack:
    what, place = PLACES[name]
    code = f"def attack(): mark({place})"
    return Attack(name, KIND, f"write {what}", Success.MARKS, FILES, (code,))


ATTACKS = (
    *map(_written, PLACES),
    Attack(
        "environment-written",
        KIND,
        "make a file in the folders of the interpreter and of its libraries",
        Success.SAYS,
        FILES,
        (
            """
            def attack():
                import sysconfig
                for folder in {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}:
                    path = folder + "/" + HOST["nonce"]
                    try:
                        openable(path, os.O_CREAT | os.O_WRONLY)
                        os.unlink(path)
                    except OSError as error:
                        say(f"stopped by {error}")
            """,
        ),
    ),
    Attack(
        "mode-changed",
        KIND,
        "change the mode of a file outside: no right to the file itself is needed",
        Success.MARKS,
        (Layer.NAMESPACES, Layer.SECCOMP),
        (
            """
            def attack():
                place = HOST["home"] + "/chmod"
                attempt(os.chmod, place, 0o777)
                attempt(syscall, "fchmodat", -100, place.encode(), 0o777)
                attempt(syscall, "fchmodat2", -100, place.encode(), 0o777, 0)
                attempt(lambda: os.fchmod(os.open(place, os.O_PATH), 0o777))
            """,
        ),
        traces=("/home/chmod",),
    ),
    Attack(
        "changed-by-descriptor",
        KIND,
        "change mode, times and attributes of a file that may only be read",
        Success.MARKS,
        (Layer.NAMESPACES, Layer.SECCOMP),
        (
            """
            def attack():
                for path in (HOST["side"] + "/side.csv", HOST["site"] + "/plain.py"):
                    place = os.open(path, os.O_RDONLY)
                    attempt(os.fchmod, place, 0o666)
                    attempt(os.utime, place, (1, 1))
                    attempt(os.setxattr, place, "user.mark", NAME.encode())
                    attempt(os.utime, f"/proc/self/fd/{place}", (1, 1))
            """,
        ),
        traces=("/side/side.csv", "/site/plain.py"),
    ),
    Attack(
        "times-changed",
        KIND,
        "change the times of a file outside",
        Success.MARKS,
        (Layer.NAMESPACES, Layer.SECCOMP),
        ("""def attack(): os.utime(HOST["home"] + "/utime", (1, 1))""",),
        traces=("/home/utime",),
    ),
    Attack(
        "attribute-set",
        KIND,
        "set an extended attribute of a file outside",
        Success.MARKS,
        (Layer.NAMESPACES, Layer.SECCOMP),
        ("""def attack(): os.setxattr(HOST["home"] + "/xattr", "user.mark", NAME.encode())""",),
        traces=("/home/xattr",),
    ),
    Attack(
        "owner-changed",
        KIND,
        "change the owner of a file outside",
        Success.SAYS,
        (Layer.NAMESPACES, Layer.SECCOMP),
        (
            """
            def attack():
                path = HOST["home"] + "/chown"
                before = os.stat(path).st_ctime_ns
                os.chown(path, os.getuid(), os.getgid())
                if os.stat(path).st_ctime_ns != before:
                    breach()
            """,
        ),
    ),
    Attack(
        "file-removed",
        KIND,
        "remove, rename and truncate files outside",
        Success.MARKS,
        FILES,
        (
            """
            def attack():
                home = HOST["home"]
                attempt(os.unlink, home + "/unlink")
                attempt(os.rename, home + "/rename", home + "/renamed")
                attempt(os.truncate, home + "/truncate", 0)
                attempt(os.rmdir, home + "/rmdir")
            """,
        ),
        traces=("/home/unlink", "/home/rename", "/home/truncate", "/home/rmdir"),
    ),
    Attack(
        "links-made",
        KIND,
        "make links, folders and pipes outside",
        Success.MARKS,
        FILES,
        (
            """
            def attack():
                home = HOST["home"]
                attempt(os.symlink, "/etc/passwd", home + "/symlink-" + NAME)
                attempt(os.link, home + "/unlink", home + "/link-" + NAME)
                attempt(os.mkdir, home + "/folder-" + NAME)
                attempt(os.mkfifo, home + "/fifo-" + NAME)
            """,
        ),
        traces=("links-made",),
    ),
    Attack(
        "link-followed",
        KIND,
        "have the harness write through a link in the artifact folder and the scratch folder",
        Success.MARKS,
        (Layer.NAMESPACES, Layer.LANDLOCK, Layer.WIRE),
        (
            """
            def attack():
                order = frames("obey")["order"]
                for folder in (order["artifact"], os.getcwd()):
                    os.symlink(HOST["home"] + "/linked-" + NAME, folder + "/state.pickle")
            """,
        ),
        traces=("linked-link-followed",),
    ),
    Attack(
        "scratch-replaced",
        KIND,
        "replace the scratch folder by a link, so that what is removed after it is something else",
        Success.MARKS,
        (Layer.NAMESPACES, Layer.LANDLOCK, Layer.BOUNDARY),
        (
            """
            def attack():
                place = os.getcwd()
                attempt(os.symlink, HOST["home"], place + "/home")
                os.chdir("/")
                os.rename(place, place + "-away")
                os.symlink(HOST["home"], place)
            """,
        ),
        traces=("/home/.netrc", "/home/.ssh"),
    ),
)
