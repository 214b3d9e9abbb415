"""The index: built once, then kept up to date."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.factories import Digests, make_large_registry, pointer_out, to_yaml
from tests.servers import run_git

from ..bench import Bench, remove, timed
from ..checks import names_of
from ..model import US, AtMostSeconds, BenchmarkError, Contender, Row, Sample, Trial
from .listing import read_names

COLD = "list, no index"
COMMITTED = "info, 100 committed changes"
UNCOMMITTED = "info, 100 uncommitted changes"
UNCHANGED = "info, no change"
CHANGES = 100


@dataclass(frozen=True, slots=True)
class Scene:
    """The registry, and the home that the index is in.

    Parameters
    ----------
    registry, home : Path
        Folders.
    names : list of str
        Of all datasets.
    """

    registry: Path
    home: Path
    names: list[str]

    @property
    def shown(self) -> str:
        """The dataset that is asked for: one of those that change."""
        return self.names[0]

    def change(self) -> None:
        """Give some datasets, all over the registry, a content of which only the pointer is."""
        step = max(1, len(self.names) // CHANGES)
        for name in self.names[::step][:CHANGES]:
            size = random.SystemRandom().randrange(10**12)
            digests = Digests(f"{size:032x}", "", size)
            text = to_yaml({"outs": [pointer_out(Path(name).name, digests)]})
            (self.registry / "data" / f"{name}.dvc").write_text(text, "utf-8")

    def commit(self) -> None:
        """Make the changes history."""
        self.git("commit", "--quiet", "--all", "--message", "Change some")

    def restore(self) -> None:
        """Take the changes back."""
        self.git("checkout", "--quiet", "--", "data")

    def forget(self) -> None:
        """Remove the index."""
        remove(self.home)

    def git(self, *arguments: str) -> None:
        """Run git in the registry."""
        run_git(*arguments, folder=self.registry)

    def check(self, sample: Sample) -> None:
        """Fail unless the digest shown is that of the pointer as it is now."""
        text = (self.registry / "data" / f"{self.shown}.dvc").read_text("utf-8")
        md5 = text.partition("md5: ")[2].split()[0].strip("'")
        if md5 not in sample.output:
            raise BenchmarkError(f"info does not show the newest digest of {self.shown}")


@contextmanager
def _open(bench: Bench) -> Iterator[Trial]:
    count = bench.count(100_000)
    folder = bench.material(f"many-{count}", lambda folder: _build(folder, count))
    registry, room = folder / "registry", bench.room("index-100000")
    scene = Scene(registry, room / "home", read_names(registry))
    scene.restore()  # an earlier run may have been interrupted
    cold = Contender(
        name=COLD,
        act=timed(US, "list", folder=registry, home=scene.home),
        prepare=scene.forget,
        check=names_of(scene.names),
    )
    refreshing = [
        _informer(scene, UNCHANGED),
        _informer(scene, COMMITTED, scene.change, scene.commit),
        _informer(scene, UNCOMMITTED, scene.change),
    ]
    yield Trial([cold, *refreshing], _floors(registry, room), "Every time is a whole command's.")


def _build(folder: Path, count: int) -> None:
    make_large_registry(folder / "registry", count)


def _informer(scene: Scene, name: str, *changes: Callable[[], None]) -> Contender:
    act = timed(US, "info", scene.shown, folder=scene.registry, home=scene.home)

    def prepare() -> None:
        act()  # the index knows the state before the changes
        for change in changes:
            change()

    return Contender(name=name, act=act, prepare=prepare, check=scene.check, clean=scene.restore)


def _floors(registry: Path, room: Path) -> list[Contender]:
    commands = [["status", "--porcelain"], ["diff-files", "--name-only"], ["ls-tree", "-r", "HEAD"]]
    return [
        Contender(
            name=f"git {' '.join(command)}",
            act=timed("git", *command, folder=registry, home=room / "git"),
        )
        for command in commands
    ]


ROWS = [
    Row(
        name="index-100000",
        title="Index 100,000 pointers, and refresh the index after 100 changes",
        open=_open,
        bars=(
            AtMostSeconds(most=30, who=COLD),
            AtMostSeconds(most=0.5, who=COMMITTED),
            AtMostSeconds(most=0.5, who=UNCOMMITTED),
        ),
    )
]
