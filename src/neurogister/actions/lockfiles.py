"""The lockfile on disk: found, read, and changed by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError
from ..files import open_regular, system_errors, write_whole
from ..model.locked import Lockfile
from ..model.lockfile import MAX_BYTES, NAME, parse_lockfile
from .workspace import waiting_lock

if TYPE_CHECKING:
    from ..progress import Progress
    from ..settings import Settings


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A lockfile, and where it is.

    Parameters
    ----------
    path : Path
        The file; there may be none yet.
    lockfile : Lockfile
        What it says.
    """

    path: Path
    lockfile: Lockfile


def find_lockfile(start: Path | None = None) -> Path | None:
    """Return the lockfile that applies in a folder: there, or in the nearest folder above.

    Parameters
    ----------
    start : Path, optional
        The folder; the working directory, if it is not given.
    """
    start = start or Path.cwd()
    for folder in (start, *start.parents):
        if (path := folder / NAME).is_file():
            return path
    return None


def place_of(path: Path | None = None) -> Path:
    """Return where the lockfile is, or would be made.

    Parameters
    ----------
    path : Path, optional
        Which file; else the one that applies in the working directory, or a new one there.
    """
    return (path or find_lockfile() or Path(NAME)).absolute()


def read_lockfile(path: Path | None = None, *, start: Path | None = None) -> OnDisk:
    """Read the lockfile.

    Parameters
    ----------
    path : Path, optional
        Which file; else the one that applies in a folder.
    start : Path, optional
        That folder; the working directory, if it is not given.

    Raises
    ------
    NotFoundError
        If there is none.
    InvalidFileError
        If it breaks the rules.
    """
    found = path or find_lockfile(start)
    if found is None or not found.is_file():
        where = f"there is no {NAME} here, nor in a folder above"
        raise NotFoundError(
            where if path is None else f"there is no file {path}",
            hint="`neurogister lock add NAME` makes one.",
        )
    return OnDisk(found.absolute(), parse_lockfile(_read(found), name=str(found)))


def _read(path: Path) -> bytes:
    with system_errors(path, "read"), open_regular(path.resolve()) as stream:
        parts = []
        left = MAX_BYTES + 1
        while left > 0 and (part := stream.read(min(left, 1 << 20))):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


@contextmanager
def changing(path: Path | None, settings: Settings, progress: Progress) -> Iterator[OnDisk]:
    """Be the only process that changes a lockfile; an empty one stands for none.

    Parameters
    ----------
    path : Path, optional
        Which file; else the one that applies here, or a new one in the working directory.
    settings : Settings
        Say where the cache is, in which the lock lies.
    progress : Progress
        Told if we have to wait.

    Yields
    ------
    OnDisk
        What it says now (`write_lockfile` changes it).

    Raises
    ------
    InvalidFileError
        If there is one that breaks the rules.
    """
    chosen = place_of(path).resolve()  # a link stays one, and what it leads to is changed
    name = blake2b(str(chosen).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    with lock_in_cache(f"lockfile-{name}", settings, progress):
        known = read_lockfile(chosen).lockfile if chosen.exists() else Lockfile()
        yield OnDisk(chosen, known)


@contextmanager
def lock_in_cache(name: str, settings: Settings, progress: Progress) -> Iterator[None]:
    """Be the only process of this user that does something.

    Parameters
    ----------
    name : str
        What it is, as the name of a file.
    settings : Settings
        Say where the cache is.
    progress : Progress
        Told if we have to wait.
    """
    folder = settings.cache / "locks"
    with system_errors(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    with waiting_lock(folder / f"{name}.lock", "another neurogister", progress):
        yield


def write_lockfile(found: OnDisk, lockfile: Lockfile) -> bool:
    """Write a lockfile whole, if anything in it has changed.

    Parameters
    ----------
    found : OnDisk
        As `changing` gave it.
    lockfile : Lockfile
        What it shall say.

    Returns
    -------
    bool
        Whether it had to be written.
    """
    from ..model.lockdump import dump_lockfile  # not where it is only read

    if lockfile == found.lockfile and found.path.exists():
        return False
    write_whole(found.path, dump_lockfile(lockfile))
    return True
