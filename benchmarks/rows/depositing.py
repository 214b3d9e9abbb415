"""Depositing: many small files to S3, and one large file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.factories import make_registry
from tests.servers import FAST, S3Server, s3_server

from ..bench import TOP, Bench, find, remove, self_timed, timed
from ..checks import check_cache, check_objects
from ..floors import write_plan
from ..material import BUCKET, Material, make_files, make_large_file
from ..model import US, Act, BenchmarkError, Contender, Row, Sample, TimesFaster, Trial
from .pulling import SIZES_2000

DVC = "dvc add && dvc push"
DVC_ADD = "dvc add"
S5CMD = "s5cmd cp"
GIB = 1 << 30
NAME = "files"
_MOST_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contenders of one row share.

    Parameters
    ----------
    room : Path
        For all that is made.
    material : Material
        The files, as objects.
    source : Path
        The file or folder to be deposited.
    server : S3Server, optional
        Serves the folder ``buckets`` of the room.
    """

    room: Path
    material: Material
    source: Path
    server: S3Server | None = None

    def bucket(self, name: str) -> Path:
        """Return the folder behind a bucket."""
        return self.room / "buckets" / name


@dataclass(slots=True)
class Buckets:
    """Empty buckets for one contender, a new one for each round.

    They are made before the server starts: what is changed behind its back, it does not see.
    """

    scene: Scene
    name: str
    number: int = -1

    @property
    def now(self) -> str:
        """The bucket of this round."""
        return f"{self.name}-{self.number}"

    def next(self) -> str:
        """Go on to the next round."""
        self.number += 1
        return self.now


def _lay_out(material: Material, room: Path) -> Path:
    """Give the objects their names again, without copying them."""
    source = room / "source" / NAME
    for path, file in material.files.items():
        target = source / path if path else source
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(material.objects / file.key, target)
    return source


def _registry(scene: Scene, name: str, buckets: Buckets) -> Callable[[], Path]:
    """Return what makes a new, empty registry that has an empty bucket."""
    folder = scene.room / name / "registry"

    def make() -> Path:
        for path in (folder, scene.room / name / "home"):
            remove(path)
        url = f"s3://{buckets.next()}"
        registry = make_registry(folder, objects=scene.room / name / "none", url=url)
        registry.add_collection("bench")
        if scene.server is not None:
            registry.remote_url(url, local=scene.server.dvc_options)
        registry.write(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
        registry.commit()
        return folder

    return make


def _depositor(scene: Scene, *, push: bool) -> Contender:
    buckets = Buckets(scene, "us")
    make = _registry(scene, "us", buckets)
    words = [] if push else ["--no-push"]
    act = timed(
        US, "deposit", str(scene.source), "--to", "bench", *words,
        folder=scene.room / "us" / "registry", home=scene.room / "us" / "home",
    )  # fmt: skip
    return _contender(US, act, scene, "us", make, buckets if push else None)


def _mover(scene: Scene) -> Contender:
    """Deposit a file that is already on the file system of the cache, and need not stay."""
    make = _registry(scene, "mover", Buckets(scene, "mover"))
    copy = scene.room / "mover" / NAME

    def prepare() -> Path:
        folder = make()
        remove(copy)
        shutil.copyfile(scene.source, copy)
        return folder

    act = timed(
        US, "deposit", str(copy), "--to", "bench", "--no-push", "--move",
        folder=scene.room / "mover" / "registry", home=scene.room / "mover" / "home",
    )  # fmt: skip
    return _contender(f"{US} --move", act, scene, "mover", prepare)


def _dvc(scene: Scene, *, push: bool) -> Contender:
    buckets = Buckets(scene, "dvc")
    make = _registry(scene, "dvc", buckets)
    folder = scene.room / "dvc" / "registry"
    target = folder / "data" / "bench" / NAME

    def prepare() -> Path:
        made = make()
        if scene.source.is_dir():
            shutil.copytree(scene.source, target)
        else:
            shutil.copyfile(scene.source, target)
        return made

    dvc = find("dvc")
    script = f"{dvc} add -q data/bench/{NAME}" + (f" && {dvc} push -q" if push else "")
    act = timed("sh", "-c", script, folder=folder, home=scene.room / "dvc" / "home")
    name = DVC if push else DVC_ADD
    return _contender(name, act, scene, "dvc", prepare, buckets if push else None)


def _contender(
    name: str,
    act: Act,
    scene: Scene,
    room: str,
    prepare: Callable[[], Path],
    buckets: Buckets | None = None,
) -> Contender:
    files = scene.material.files

    def check(_: Sample) -> None:
        folder = scene.room / room / "registry"
        check_cache(folder / ".dvc" / "cache", files)
        if not list((folder / "data" / "bench").glob(f"{NAME}*.dvc")):
            raise BenchmarkError(f"{name} left no pointer")
        if buckets is not None:
            check_objects(scene.bucket(buckets.now) / "files" / "md5", files)

    def get_ready() -> None:
        prepare()

    return Contender(name=name, act=act, prepare=get_ready, check=check)


def _s5cmd(scene: Scene) -> Contender:
    """Upload the files under their names."""
    server, buckets = scene.server, Buckets(scene, "s5cmd")
    if server is None:
        raise BenchmarkError("s5cmd needs a server")
    home = scene.room / "s5cmd-home"
    home.mkdir()

    def act() -> Sample:
        source, target = f"{scene.source}/", f"s3://{buckets.next()}/"
        return timed(
            "s5cmd", "--endpoint-url", server.endpoint, "cp", source, target,
            folder=scene.room, home=home, variables=server.environment,
        )()  # fmt: skip

    def check(_: Sample) -> None:
        found = sum(path.is_file() for path in scene.bucket(buckets.now).rglob("*"))
        if found != len(scene.material.files):
            raise BenchmarkError(f"s5cmd left {found} objects")

    return Contender(name=S5CMD, act=act, check=check)


def _floor(scene: Scene, part: str, name: str) -> Contender:
    home = scene.room / f"floor-{part}"
    home.mkdir(parents=True)
    plan = write_plan(
        home / "plan.json", scene.material.files, url=f"s3://{BUCKET}",
        objects=scene.material.objects, room=home / "written",
    )  # fmt: skip
    act = timed("python", "-m", "benchmarks.floors", part, str(plan), folder=TOP, home=home)
    return Contender(name=name, act=self_timed(act), clean=lambda: remove(home / "written"))


@contextmanager
def _many(bench: Bench) -> Iterator[Trial]:
    material = make_files(bench, "small", bench.count(2_000), SIZES_2000)
    room = bench.room("deposit-2000")
    source = _lay_out(material, room)
    for name in ("us", "dvc", "s5cmd"):
        for number in range(_MOST_ROUNDS):
            (room / "buckets" / f"{name}-{number}").mkdir(parents=True)
    with s3_server(room / "buckets", options=FAST) as server:
        scene = Scene(room, material, source, server)
        yield Trial(
            [_depositor(scene, push=True), _dvc(scene, push=True), _s5cmd(scene)],
            [
                _floor(scene, "hash", "md5 of the same bytes, all cores"),
                _floor(scene, "write", "write as many files twice (cache and work tree)"),
            ],
            "s5cmd uploads only: no digests, no cache, no pointer.",
        )


@contextmanager
def _large(bench: Bench) -> Iterator[Trial]:
    material = make_large_file(bench, "large", bench.count(2 * GIB))
    room = bench.room("deposit-2gib")
    scene = Scene(room, material, _lay_out(material, room))
    yield Trial(
        [_depositor(scene, push=False), _mover(scene), _dvc(scene, push=False)],
        [
            _floor(scene, "read", "read the file once"),
            _floor(scene, "digest", "read it once, for md5 and sha256 at the same time"),
            _floor(scene, "write", "write as many bytes twice (cache and work tree)"),
        ],
        "dvc add takes the md5 only, and finds the file in the work tree already.",
    )


ROWS = [
    Row(
        name="deposit-2000",
        title="Deposit a folder of 2,000 files of 2 to 126 KB (128 MB) in S3",
        open=_many,
        bars=(TimesFaster(least=4, than=DVC),),
    ),
    Row(
        name="deposit-2gib",
        title="Deposit one file of 2 GiB, without pushing it",
        open=_large,
    ),
]
