"""Names that come through a pipe."""

from __future__ import annotations

import os
import sys


def names_from_input() -> list[str]:
    """Read names from standard input, one a line; empty lines are left out.

    Lines end with LF alone: a file's name may have what Unicode calls a line end, and bytes that
    are not UTF-8.
    """
    lines = sys.stdin.buffer.read().split(b"\n")
    return [name for line in lines if (name := os.fsdecode(line.removesuffix(b"\r"))).strip()]
