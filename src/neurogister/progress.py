"""How long work reports what it does; silent by default."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told about work on files as it happens; called from several threads."""

    def start(self, activity: str, *, files: int, size: int) -> None:
        """Begin an activity of so many files and bytes (0 where unknown)."""

    def advance(self, *, files: int = 0, size: int = 0) -> None:
        """So many more files and bytes are done."""

    def finish(self) -> None:
        """The activity is over."""

    def say(self, message: str) -> None:
        """Tell the user one line that is worth knowing while it happens."""

    def warn(self, message: str) -> None:
        """Tell the user one line that they should act on."""


class _Silent:
    def start(self, activity: str, *, files: int, size: int) -> None: ...

    def advance(self, *, files: int = 0, size: int = 0) -> None: ...

    def finish(self) -> None: ...

    def say(self, message: str) -> None: ...

    def warn(self, message: str) -> None: ...


SILENT: Progress = _Silent()
