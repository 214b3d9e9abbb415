"""What the library logs, shown to those who ask for more."""

from __future__ import annotations

import logging

from .progress import TerminalProgress


class _Handler(logging.Handler):
    def __init__(self, progress: TerminalProgress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message as a line of its own, beside the bar."""
        self._progress.line(self.format(record))


def show_log(progress: TerminalProgress) -> None:
    """Print what the library logs, every detail, as lines beside the bar."""
    logger = logging.getLogger("neurogister")
    handler = _Handler(progress)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
