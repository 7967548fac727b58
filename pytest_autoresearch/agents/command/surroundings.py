"""The environment of a coding tool, built from nothing: what it needs to run, and what is listed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")
CERTIFICATES = (
    *("CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"),
    *("REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
)
PASSED_ON = (
    *("LANG", "LC_ALL", "TZ"),
    *(name for proxy in PROXIES for name in (proxy, proxy.upper())),
    *(name for certificate in CERTIFICATES for name in (certificate, certificate.lower())),
)


def environment(home: Path, listed: Mapping[str, str | None]) -> dict[str, str]:
    """All variables; one that is ``listed`` without a value has the one that it has here.

    The folder of this Python comes first in PATH: what the project imports can be imported there.
    """
    path = [os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]
    found = {
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "USER": "agent",
        "LOGNAME": "agent",
        "SHELL": "/bin/sh",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    names = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    given = {
        name: value if value is not None else os.environ[name]
        for name, value in listed.items()
        if value is not None or name in os.environ
    }
    return found | names | given
