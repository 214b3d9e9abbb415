"""Listing a registry that has grown without us."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.factories import make_large_registry
from tests.servers import run_git

from ..bench import Bench, remove, timed
from ..checks import names_of
from ..model import US, AtMostSeconds, Contender, Row, TimesFaster, Trial, nothing

DVC = "dvc list -R"
NOTE = (
    "Our registry's remote cannot be reached. dvc list fails then: its registry is the same with"
    " a remote in a folder. Both have run once before; cold is without any index, cache or state."
)


@contextmanager
def _open(bench: Bench) -> Iterator[Trial]:
    count = bench.count(1_229)
    away = bench.material(f"away-{count}", lambda folder: _build(folder, count, unreachable=True))
    near = bench.material(f"near-{count}", lambda folder: _build(folder, count, unreachable=False))
    room = bench.room("list-1229")
    us = (f"{US} list", away / "registry", room / "us", read_names(away / "registry"))
    dvc = (f"{DVC} .", near / "registry", room / "dvc", _paths(near / "registry"))
    yield Trial(
        [
            _lister(US, *us),
            _lister(DVC, *dvc),
            _lister(f"{US}, cold", *us, cold=True),
            _lister(f"{DVC}, cold", *dvc, cold=True),
        ],
        [_floor("git ls-files", us[1], room / "git")],
        NOTE,
    )


def _build(folder: Path, count: int, *, unreachable: bool) -> None:
    make_large_registry(folder / "registry", count, unreachable=unreachable)


def read_names(registry: Path) -> list[str]:
    """Return the names of the datasets that git knows."""
    files = run_git("ls-files", "-z", "--", "data", folder=registry).split("\0")
    pointers = (path for path in files if path.endswith(".dvc"))
    return [path.removeprefix("data/").removesuffix(".dvc") for path in pointers]


def _paths(registry: Path) -> list[str]:
    return [f"data/{name}" for name in read_names(registry)]


def _lister(
    name: str,
    command: str,
    registry: Path,
    home: Path,
    expected: Collection[str],
    *,
    cold: bool = False,
) -> Contender:
    home = home.with_name(f"{home.name}-cold") if cold else home
    act = timed(*command.split(), folder=registry, home=home)

    def forget() -> None:
        remove(home)
        remove(registry / ".dvc" / "tmp")

    return Contender(
        name=name,
        act=act,
        prepare=forget if cold else _once(act),
        check=names_of(expected),
    )


def _once(act: Callable[[], object]) -> Callable[[], None]:
    """Make an action that is done the first time only."""
    left = [act]

    def prepare() -> None:
        if left:
            left.pop()()

    return prepare


def _floor(command: str, registry: Path, home: Path) -> Contender:
    return Contender(
        name=command, act=timed(*command.split(), folder=registry, home=home), prepare=nothing
    )


ROWS = [
    Row(
        name="list-1229",
        title="List a registry with 1,229 pointers",
        open=_open,
        bars=(TimesFaster(least=15, than=DVC), AtMostSeconds(most=0.3)),
    )
]
