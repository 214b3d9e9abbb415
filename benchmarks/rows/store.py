"""The store: a package that a test suite has pinned, on a machine that has nothing, and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.factories import make_registry, random_files
from tests.servers import FAST, http_server

from ..bench import Bench, remove, run, timed
from ..checks import File, check_tree
from ..material import Material, make_files
from ..model import US, AtMostSeconds, Contender, Row, Sample, TimesFaster, Trial

DVC_GET = "dvc get"
FILE_SYSTEM = "DVCFileSystem"
SIZES = (2_000, 60_000)
PACKAGE = "bench/suite"
LOCKED = "pull --locked"
PLACED = "pull --locked, placing all"

_READ_ALL = """
import sys
from dvc.api import DVCFileSystem
DVCFileSystem(sys.argv[1]).get("store/bench/suite", sys.argv[2], recursive=True)
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A registry with a package, and a project that has pinned it.

    Parameters
    ----------
    room : Path
        For all that is made.
    origin : Path
        The registry, with the address of its remote committed.
    files : mapping of str to File
        What the package holds.
    """

    room: Path
    origin: Path
    files: dict[str, File]

    def project(self, name: str) -> tuple[Path, Path]:
        """Make a project with a lockfile; return its folder, and the home of who works on it."""
        folder, home = self.room / name / "project", self.room / name / "home"
        folder.mkdir(parents=True)
        run(US, "lock", "add", PACKAGE, "-C", str(self.origin), folder=folder, home=home)
        remove(home)
        return folder, home


@contextmanager
def _scene(bench: Bench, name: str) -> Iterator[Scene]:
    material = _material(bench)
    room = bench.room(name)
    with http_server(material.objects, options=FAST) as server:
        origin = room / "origin"
        registry = make_registry(origin, objects=material.objects, url=server.url)
        contents = _contents(bench)
        registry.add_collection("bench")
        registry.add_folder("bench/files", contents)
        registry.add_vendor("bench")
        registry.add_package(PACKAGE, {"bench/files": "files"})
        registry.commit("Add a package")
        files = {f"files/{path}": file for path, file in material.files.items()}
        yield Scene(room, origin, files)


def _contents(bench: Bench) -> dict[str, bytes]:
    count = bench.count(1_000)
    return random_files(count, smallest=SIZES[0], largest=SIZES[1], seed=count)


def _material(bench: Bench) -> Material:
    return make_files(bench, "package", bench.count(1_000), SIZES)


@contextmanager
def _cold(bench: Bench) -> Iterator[Trial]:
    with _scene(bench, "package-cold") as scene:
        yield Trial([_us(scene), _dvc_get(scene), _file_system(scene)])


def _us(scene: Scene) -> Contender:
    folder, home = scene.project("us")
    target = folder / PACKAGE

    def reset() -> None:
        remove(target)
        remove(home)
        home.mkdir(parents=True)

    act = timed(US, "pull", "--locked", folder=folder, home=home)
    return Contender(name=US, act=act, prepare=reset, check=_check(target, scene), clean=reset)


def _dvc_get(scene: Scene) -> Contender:
    command = ("dvc", "get", str(scene.origin), "store/bench/suite", "-o", "out")
    return _peer(scene, DVC_GET, *command)


def _file_system(scene: Scene) -> Contender:
    return _peer(scene, FILE_SYSTEM, "python", "-c", _READ_ALL, scene.origin.as_uri(), "out")


def _peer(scene: Scene, name: str, *command: str) -> Contender:
    room = scene.room / name.replace(" ", "-")
    folder, home = room / "project", room / "home"
    folder.mkdir(parents=True)
    target = folder / "out"

    def reset() -> None:
        remove(target)
        remove(home)
        home.mkdir(parents=True)

    act = timed(*command, folder=folder, home=home)
    return Contender(name=name, act=act, prepare=reset, check=_check(target, scene), clean=reset)


def _check(target: Path, scene: Scene) -> Callable[[Sample], None]:
    return lambda _: check_tree(target, scene.files)


@contextmanager
def _warm(bench: Bench) -> Iterator[Trial]:
    """Fill the cache, and stop the server: who asks it for anything then fails."""
    with _scene(bench, "package-warm") as scene:
        made = {name: scene.project(name) for name in ("placed", "again")}
        for folder, home in made.values():
            home.mkdir(parents=True)
            run(US, "pull", "--locked", folder=folder, home=home)
    contenders = []
    for name, title in (("placed", PLACED), ("again", LOCKED)):
        folder, home = made[name]
        target = folder / PACKAGE
        contenders.append(
            Contender(
                name=title,
                act=timed(US, "pull", "--locked", folder=folder, home=home),
                prepare=partial(remove, target) if name == "placed" else lambda: None,
                check=_check(target, scene),
            )
        )
    yield Trial(contenders)


ROWS = [
    Row(
        name="package-cold",
        title="Bring a pinned package of 1,000 files of 2 to 60 KB (31 MB) by HTTP, with no cache",
        open=_cold,
        bars=(TimesFaster(least=4, than=DVC_GET), TimesFaster(least=4, than=FILE_SYSTEM)),
    ),
    Row(
        name="package-warm",
        title="The same with all in the cache, and the server stopped",
        open=_warm,
        bars=(
            AtMostSeconds(most=0.5, who=LOCKED),
            AtMostSeconds(most=0.5, who=PLACED),
        ),
        least_repeats=5,
    ),
]
