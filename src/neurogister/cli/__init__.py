"""The command line: one file for each command or group, thin over the library."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line, and exit."""
    if sys.argv[1:] == ["--version"]:
        from .. import __version__

        sys.stdout.write(f"{__version__}\n")  # without loading what makes commands
        return
    gc.set_threshold(100_000, 20, 20)  # what starts makes many objects, and hardly any garbage
    from .application import run

    run()
