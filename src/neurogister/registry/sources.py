"""What a user names as a registry: a folder in a checkout, a bare repository, or a git URL."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..backends.git import Repository, find_top
from ..errors import NotFoundError
from ..progress import SILENT, Progress

_SCHEME = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]+://")
_SCP = re.compile(r"\A(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9.-]{2,}:(?!//)[^\\]+\Z")


def is_url(place: str) -> bool:
    """Tell whether text is the URL of a repository (or ``user@host:path``), not a path."""
    return _SCHEME.match(place) is not None or (
        _SCP.match(place) is not None and not os.path.lexists(place)
    )


def open_repository(
    place: str | Path, *, cache: Path, offline: bool = False, progress: Progress = SILENT
) -> Repository:
    """Open the repository that a registry is in.

    Parameters
    ----------
    place : str or Path
        A path in a checkout, a bare repository, or a git URL.
    cache : Path
        The folder of caches, for copies of remote repositories.
    offline : bool
        Whether the network may not be used.
    progress : Progress
        Told when the network is used.

    Raises
    ------
    NotFoundError
        If there is no repository.
    """
    if isinstance(place, str) and is_url(place):
        from ..backends.mirror import Mirror  # only for remote registries

        return Mirror(place, cache, offline=offline, progress=progress)
    folder = Path(place).expanduser()
    top = find_top(folder)
    if top is None:
        missing = not folder.exists()
        raise NotFoundError(
            f"there is no folder {folder}" if missing else f"{folder} is not in a git repository",
            hint="Name a registry: `-C PATH` or `-C URL`.",
        )
    return Repository.open(top, offline=offline)
