"""Starting: what every command pays before it does anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..bench import Bench, timed
from ..model import US, AtMostTimes, Contender, Row, Trial


@contextmanager
def _open(bench: Bench) -> Iterator[Trial]:
    room = bench.room("startup")
    programs = (US, "dvc")
    contenders = [
        _start(room, program, option) for option in ("--version", "--help") for program in programs
    ]
    yield Trial(contenders, [_start(room, "python", "-c", "pass")])


def _start(room: Path, *command: str) -> Contender:
    home = room / command[0]
    return Contender(name=" ".join(command), act=timed(*command, folder=room, home=home))


ROWS = [
    Row(
        name="startup",
        title="Start, and print the version or the help",
        open=_open,
        bars=(
            AtMostTimes(most=1.0, of="dvc --version", who=f"{US} --version"),
            AtMostTimes(most=0.6, of="dvc --help", who=f"{US} --help"),
        ),
        least_repeats=10,
    )
]
