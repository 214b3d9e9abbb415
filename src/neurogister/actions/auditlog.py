"""A file that says what was promoted, when and from where: lines of JSON, only ever added to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..files import BINARY, CLOEXEC, system_errors
from .writable import now

if TYPE_CHECKING:
    from ..backends.remotes import Remote
    from ..model.objects import ObjectId
    from .upload import Outgoing

FORMAT = "neurogister.promoted/1"


class AuditLog:
    """Adds a line for each object; a context manager.

    Parameters
    ----------
    path : Path, optional
        The file; without one nothing is written.
    main : Remote
        Where objects go.
    commit : str
        Which names them.
    origins : mapping of ObjectId to str
        Where each came from.
    """

    def __init__(
        self, path: Path | None, main: Remote, commit: str, origins: Mapping[ObjectId, str]
    ) -> None:
        self._path = path
        self._main = main
        self._commit = commit
        self._origins = origins
        self._file: int | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | BINARY | CLOEXEC
            with system_errors(self._path, "write"):
                self._file = os.open(self._path, flags, 0o644)
        return self

    def __exit__(self, *details: object) -> None:
        if self._file is not None:
            os.close(self._file)

    def write(self, stored: Sequence[Outgoing]) -> None:
        """Add what was stored just now."""
        if self._file is None or self._path is None:
            return
        lines = "".join(f"{json.dumps(self._line(one))}\n" for one in stored)
        with system_errors(self._path, "write"):
            os.write(self._file, lines.encode())  # at once, so that two writers do not mix
            os.fsync(self._file)

    def _line(self, one: Outgoing) -> dict[str, object]:
        return {
            "format": FORMAT,
            "time": now(),
            "object": str(one.oid),
            "name": one.label,
            "size": one.size,
            "md5": one.oid.md5,
            "sha256": one.sha256,
            "from": self._origins.get(one.oid, "cache"),
            "to": self._main.address,
            "commit": self._commit,
        }
