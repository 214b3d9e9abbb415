"""Work shown on standard error: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time

from .output import human_size, printable

_LINE_SECONDS = 10.0
_BAR_SECONDS = 0.1
_STILL_SECONDS = 1.0  # the bar shows that we are alive, also when nothing comes
_PATIENCE = 0.4  # seconds before a bar appears at all


class TerminalProgress:
    """Shows one activity at a time.

    Parameters
    ----------
    kind : {'auto', 'bar', 'lines', 'none'}
    quiet : bool
        Whether only warnings and errors are to be said.
    """

    def __init__(self, kind: str, *, quiet: bool = False) -> None:
        if kind == "auto":
            kind = "bar" if sys.stderr.isatty() else "lines"
        if kind == "bar" and os.environ.get("TERM") == "dumb":
            kind = "lines"
        self._kind = "none" if quiet else kind
        self._quiet = quiet
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._activity = ""
        self._files = self._size = self._all_files = self._all_size = 0
        self._begun = self._shown = 0.0
        self._drawn = False

    def start(self, activity: str, *, files: int, size: int) -> None:
        """Begin an activity."""
        self.finish()
        with self._lock:
            self._activity = activity
            self._files = self._size = 0
            self._all_files, self._all_size = files, size
            self._begun = self._shown = time.monotonic()
            if self._kind != "none":
                self._over = threading.Event()
                threading.Thread(target=self._tick, args=(self._over,), daemon=True).start()

    def advance(self, *, files: int = 0, size: int = 0) -> None:
        """Count, and show it when it is time."""
        with self._lock:
            self._files += files
            self._size += size
            self._show(_BAR_SECONDS)

    def finish(self) -> None:
        """End the activity, and clear its bar."""
        with self._lock:
            self._over.set()
            self._activity = ""
            self._erase()

    def say(self, message: str) -> None:
        """Print one line, unless quiet."""
        if not self._quiet:
            self.line(message)

    def warn(self, message: str) -> None:
        """Print one line of warning, also when quiet."""
        self.line(f"warning: {message}")

    def line(self, message: str) -> None:
        """Print one line beside the bar."""
        with self._lock:
            self._erase()
            self._write(f"{printable(message)}\n")

    def _tick(self, over: threading.Event) -> None:
        while not over.wait(_STILL_SECONDS / 2):
            with self._lock:
                if not over.is_set():
                    self._show(_STILL_SECONDS)

    def _show(self, pause: float) -> None:
        if self._kind == "none" or not self._activity:
            return
        now = time.monotonic()
        if self._kind == "bar":
            if now - self._begun > _PATIENCE and now - self._shown > pause:
                self._draw(now)
        elif now - self._shown > _LINE_SECONDS:
            self._write(f"{self._summary(now)}\n")
            self._shown = now

    def _draw(self, now: float) -> None:
        width = _columns()
        text = self._summary(now)
        share = self._share()
        room = min(30, width - len(text) - 4)
        bar = ""
        if share is not None and room > 5:
            full = round(share * room)
            bar = f"[{'#' * full}{'.' * (room - full)}] "
        self._write(f"\r{(bar + text)[: width - 1]:<{width - 1}}")
        self._shown = now
        self._drawn = True

    def _share(self) -> float | None:
        if self._all_size:
            return min(self._size / self._all_size, 1.0)
        return min(self._files / self._all_files, 1.0) if self._all_files else None

    def _summary(self, now: float) -> str:
        seconds = max(now - self._begun, 1e-6)
        parts = [self._activity]
        if self._all_files:
            parts = [f"{self._activity} {self._files:,}/{self._all_files:,} files"]
        elif self._files:
            parts = [f"{self._activity} {self._files:,} files"]
        if self._all_size:
            parts.append(f"{human_size(self._size)} of {human_size(self._all_size)}")
        elif self._size:
            parts.append(human_size(self._size))
        if self._size:
            parts.append(f"{human_size(int(self._size / seconds))}/s")
        share = self._share()
        if share and 0.01 < share < 1 and seconds > 2:
            parts.append(f"{seconds / share - seconds:.0f} s left")
        elif share is None:
            parts.append(f"{seconds:.0f} s")
        return ", ".join(parts)

    def _erase(self) -> None:
        if self._drawn:
            self._write(f"\r{'':<{_columns() - 1}}\r")
            self._drawn = False

    @staticmethod
    def _write(text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):
            return  # nobody listens any more; the work goes on


def _columns() -> int:
    try:
        return max(os.get_terminal_size(sys.stderr.fileno()).columns, 20)
    except (OSError, ValueError):
        return 80
