"""Pulling: many small files, one large file, and nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..bench import TOP, Bench, remove, self_timed, timed
from ..checks import check_objects, check_tree
from ..floors import write_plan
from ..material import (
    BUCKET,
    DATASET,
    Clone,
    Material,
    Serve,
    Served,
    by_http,
    by_s3,
    clone,
    make_files,
    make_large_file,
)
from ..model import (
    US,
    Act,
    AtMostMemory,
    AtMostTimes,
    Bar,
    Contender,
    Row,
    Sample,
    TimesFaster,
    Trial,
)

DVC = "dvc pull"
S5CMD = "s5cmd cp"
RCLONE = "rclone copy"
SIZES_2000 = (2_000, 126_000)
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contenders of one row share."""

    room: Path
    material: Material
    served: Served


Enter = Callable[[Scene], Contender]


@contextmanager
def _race(
    bench: Bench,
    *,
    name: str,
    make: Callable[[Bench], Material],
    serve: Serve,
    contenders: tuple[Enter, ...],
    floors: tuple[str, ...] = ("fetch", "hash", "write"),
    note: str = "",
) -> Iterator[Trial]:
    material = make(bench)
    room = bench.room(name)
    with serve(material) as served:
        scene = Scene(room, material, served)
        yield Trial(
            [enter(scene) for enter in contenders],
            [_floor(scene, part) for part in floors],
            note,
        )


def _us(scene: Scene) -> Contender:
    made = clone(scene.material.origin, scene.room / "us", scene.served)
    return _puller(scene, US, made, US, "pull", DATASET)


def _us_recorded(scene: Scene) -> Contender:
    made = clone(scene.material.recorded, scene.room / "us", scene.served)
    return _puller(scene, US, made, US, "pull", DATASET)


def _dvc(scene: Scene) -> Contender:
    made = clone(scene.material.origin, scene.room / "dvc", scene.served)
    return _puller(scene, DVC, made, "dvc", "pull", f"data/{DATASET}.dvc")


def _puller(scene: Scene, name: str, made: Clone, *command: str) -> Contender:
    return Contender(
        name=name,
        act=timed(*command, folder=made.folder, home=made.home),
        prepare=made.reset,
        check=lambda _: made.check(scene.material.files),
        clean=made.reset,
    )


def _us_again(scene: Scene) -> Contender:
    made = clone(scene.material.origin, scene.room / "us", scene.served)
    return _puller_again(scene, US, made, US, "pull", DATASET)


def _dvc_again(scene: Scene) -> Contender:
    made = clone(scene.material.origin, scene.room / "dvc", scene.served)
    return _puller_again(scene, DVC, made, "dvc", "pull", f"data/{DATASET}.dvc")


def _puller_again(scene: Scene, name: str, made: Clone, *command: str) -> Contender:
    act = timed(*command, folder=made.folder, home=made.home)

    def prepare() -> None:
        if not made.dataset.exists():
            act()
            act()  # the first run with nothing to do may remember what it sees

    return Contender(
        name=name,
        act=act,
        prepare=prepare,
        check=lambda _: made.check(scene.material.files),
    )


def _s5cmd(scene: Scene) -> Contender:
    """Copy the objects by a wildcard, or the one object."""
    room, files = scene.room / "s5cmd", scene.material.files
    target = room / "copy"
    prefix = f"s3://{BUCKET}/files/md5"
    if "" in files:
        source, into = f"s3://{BUCKET}/{files[''].key}", str(target)
        check = partial(check_tree, target, files)
    else:
        source, into = f"{prefix}/*", f"{target}/"
        check = partial(check_objects, target, files)
    act = timed(
        "s5cmd", "--endpoint-url", scene.served.options["endpointurl"], "cp", source, into,
        folder=_made(room), home=room / "home", variables=scene.served.variables,
    )  # fmt: skip
    return _copier(S5CMD, act, room, target, check)


def _rclone(scene: Scene) -> Contender:
    """Copy the objects with as many transfers at once as the others have."""
    room = scene.room / "rclone"
    target, variables = room / "copy", _rclone_variables(scene.served)
    act = timed(
        "rclone", "copy", "--transfers=32", "--checkers=32",
        f"remote:{BUCKET}/files/md5", str(target),
        folder=_made(room), home=room / "home", variables=variables,
    )  # fmt: skip
    return _copier(RCLONE, act, room, target, partial(check_objects, target, scene.material.files))


def _rclone_variables(served: Served) -> dict[str, str]:
    options = {
        "TYPE": "s3",
        "PROVIDER": "Rclone",
        "ENDPOINT": served.options["endpointurl"],
        "ACCESS_KEY_ID": served.variables["AWS_ACCESS_KEY_ID"],
        "SECRET_ACCESS_KEY": served.variables["AWS_SECRET_ACCESS_KEY"],
        "REGION": served.options["region"],
    }
    variables = {f"RCLONE_CONFIG_REMOTE_{key}": value for key, value in options.items()}
    return variables | {"RCLONE_CONFIG": ""}


def _copier(name: str, act: Act, room: Path, target: Path, check: Callable[[], None]) -> Contender:
    def reset() -> None:
        remove(target)
        remove(room / "home")

    def checked(_: Sample) -> None:
        check()

    return Contender(name=name, act=act, prepare=reset, check=checked, clean=reset)


def _floor(scene: Scene, part: str) -> Contender:
    """Do a part of the work in a small Python process that times itself."""
    room = _made(scene.room / f"floor-{part}")
    material = scene.material
    url = scene.served.url
    plan = write_plan(
        room / "plan.json", material.files, url=url, objects=material.objects,
        room=room / "written",
    )  # fmt: skip
    act = timed(
        "python", "-m", "benchmarks.floors", part, str(plan),
        folder=TOP, home=room / "home", variables=scene.served.variables,
    )  # fmt: skip
    return Contender(name=FLOORS[part], act=self_timed(act), clean=lambda: remove(room / "written"))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


FLOORS = {
    "fetch": "fetch by obstore, 32 at once, drop the bytes",
    "hash": "md5 of the same bytes, all cores",
    "write": "write as many files twice (cache and work tree)",
    "stat": "look at as many files",
}


def _2000(bench: Bench) -> Material:
    return make_files(bench, "small", bench.count(2_000), SIZES_2000)


def _10000(bench: Bench) -> Material:
    return make_files(bench, "tiny", bench.count(10_000), (4096, 4096))


def _1gib(bench: Bench) -> Material:
    return make_large_file(bench, "large", bench.count(GIB))


def _row(name: str, title: str, *bars: Bar, **race: Any) -> Row:
    return Row(name=name, title=title, bars=bars, open=partial(_race, name=name, **race))


ROWS = [
    _row(
        "pull-2000",
        "Pull 2,000 files of 2 to 126 KB (128 MB) from S3, verified, into cache and work tree",
        TimesFaster(least=6, than=DVC),
        AtMostTimes(most=1.1, of=S5CMD),
        make=_2000, serve=by_s3, contenders=(_us, _dvc, _s5cmd),
    ),
    _row(
        "pull-2000-sha256",
        "The same where a record and a manifest exist: md5 and sha256 are verified",
        make=_2000, serve=by_s3, contenders=(_us_recorded, _s5cmd),
    ),
    _row(
        "pull-10000",
        "Pull 10,000 files of 4 KB by HTTP",
        TimesFaster(least=4, than=DVC),
        make=_10000, serve=by_http, contenders=(_us, _dvc),
    ),
    _row(
        "pull-10000-s3",
        "Pull 10,000 files of 4 KB from S3",
        make=_10000, serve=by_s3, contenders=(_us, _dvc, _s5cmd),
    ),
    _row(
        "pull-1gib",
        "Pull one file of 1 GiB from S3",
        AtMostTimes(most=1.2, of=S5CMD),
        AtMostMemory(megabytes=150),
        make=_1gib, serve=by_s3, contenders=(_us, _dvc, _s5cmd),
    ),
    _row(
        "pull-noop",
        "Pull 10,000 files again: nothing to do",
        TimesFaster(least=10, than=DVC),
        make=_10000, serve=by_http, contenders=(_us_again, _dvc_again), floors=("stat",),
        note="Both have run once before with nothing to do.",
    ),
    _row(
        "scan-fetch",
        "Copy the 2,000 objects with programs that verify less",
        make=_2000, serve=by_s3, contenders=(_us, _s5cmd, _rclone), floors=("fetch",),
        note="rclone copy lists, compares and copies, with 32 transfers at once.",
    ),
]  # fmt: skip
