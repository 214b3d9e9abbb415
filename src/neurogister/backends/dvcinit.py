"""What ``dvc init`` makes of a repository, and what ``dvc remote add`` writes (DVC 3)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import UsageError
from ..model.remote import public_address
from .dvcconfig import read_config
from .gitprogram import check_argument

GITIGNORE = ".dvc/.gitignore"
CONFIG = ".dvc/config"
IN_TREE = "../remote"
"""The remote of a registry that keeps its bytes in git itself."""
REMOTE_NAME = "storage"

_SCHEMES = (
    "abfs", "abfss", "azure", "gdrive", "gs", "hdfs", "http", "https", "oss", "s3", "sftp", "ssh",
    "webdav", "webdavs", "webhdfs",
)  # fmt: skip
_WITH_USER = frozenset({"ssh", "sftp", "hdfs", "azure", "abfs", "abfss"})  # azure: a container
_URL = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]+)://")
_OWN = frozenset({".dvc", ".git", ".github", "data", "store", "schemas", "archives"})


def dvc_files(url: str) -> dict[str, bytes]:
    """Return DVC's files of a new repository with one remote.

    Parameters
    ----------
    url : str
        Of the remote, as `remote_url` returns it.
    """
    return {GITIGNORE: b"/config.local\n/tmp\n/cache\n", CONFIG: _config(url)}


def _config(url: str) -> bytes:
    from configobj import ConfigObj  # only whoever needs remotes

    config = ConfigObj(interpolation=False, encoding="utf-8")
    config["core"] = {"remote": REMOTE_NAME}
    # plain DVC checks nothing of what it downloads unless it is told to
    config[f'remote "{REMOTE_NAME}"'] = {"url": url, "verify": "true"}
    lines = [line if line[:1] == "[" else f"    {line}" for line in _lines(config)]
    return ("\n".join(lines) + "\n").encode()


def _lines(config: object) -> list[str]:
    written = config.write()  # type: ignore[attr-defined] # untyped
    return [each.decode() if isinstance(each, bytes) else each for each in written if each.strip()]


def remote_url(text: str | None, root: Path) -> str:
    """Return the address of a remote as DVC's configuration has it.

    Parameters
    ----------
    text : str, optional
        A URL or a folder, as typed; None is a folder in the registry.
    root : Path
        The registry.

    Raises
    ------
    UsageError
        If it cannot be one, or holds credentials.
    """
    if text is None:
        return IN_TREE
    check_argument(text, "remote")
    found = _URL.match(text)
    url = _check_url(text, found[1].lower()) if found else _folder(text, root)
    problem = read_config(_config(url), root=root).remote(REMOTE_NAME).problem
    if problem is not None:
        raise UsageError(problem.message, hint=problem.hint)
    return url


def _check_url(url: str, scheme: str) -> str:
    shown = public_address(url)
    if scheme not in _SCHEMES:
        raise UsageError(
            f"{shown} cannot be a remote: DVC knows no {scheme}://",
            hint=f"It knows {', '.join(_SCHEMES)}, and folders.",
        )
    try:
        parts = urlsplit(url)
        host = parts.netloc
    except ValueError:
        raise UsageError(f"{shown} is not a URL") from None
    if not host:
        raise UsageError(f"{shown} cannot be a remote: it names no host or bucket")
    user, at, _ = host.rpartition("@")
    if ":" in user or (at and scheme not in _WITH_USER) or parts.query or parts.fragment:
        raise UsageError(
            f"the remote {shown} is written with credentials, a query or a fragment,"
            " which everybody could read in git",
            hint="Give the address alone, and keep secrets to yourself:"
            f" `dvc remote modify --local {REMOTE_NAME} password …`.",
        )
    return url


def _folder(text: str, root: Path) -> str:
    """Return a folder: from ``.dvc`` if it is in the registry, else where it is."""
    path = Path(os.path.abspath(Path(text).expanduser()))
    if not path.is_relative_to(root):
        return path.as_posix()
    inside = path.relative_to(root).as_posix()
    if inside == "." or inside.split("/")[0].lower() in _OWN:
        raise UsageError(
            f"{text} cannot be a remote: the registry itself needs that folder",
            hint="`--remote remote` keeps the bytes in a folder of their own.",
        )
    return f"../{inside}"
