"""Searching a large registry by words and metadata."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.factories import make_registry, to_yaml
from tests.servers import run_git

from ..bench import Bench, remove, timed
from ..model import US, AtMostSeconds, BenchmarkError, Contender, Row, Sample, Trial

WORD = "search, a word"
METADATA = "search, a comparison of metadata"
BROAD = "search, a word that all have"
COLD = "search, no index"
HERE = "search, the work tree"
REFRESHED = "search the work tree, 100 committed changes"
CHANGES = 100
_SITES = ("Utrecht", "Montréal", "Oxford", "Boston", "Zürich")
_TASKS = ("rest", "n-back", "finger tapping", "movie")
_RARE = 97  # one dataset in so many has the word that is looked for


@dataclass(frozen=True, slots=True)
class Scene:
    """The registry, the home that the index is in, and how many datasets there are."""

    registry: Path
    home: Path
    count: int

    def forget(self) -> None:
        """Remove the index."""
        remove(self.home)

    def change(self) -> None:
        """Give some datasets another title, and commit."""
        step = max(1, self.count // CHANGES)
        token = f"t{random.SystemRandom().randrange(10**9)}"
        for number in range(0, self.count, step)[:CHANGES]:
            path = self.registry / _path(number)
            data = to_yaml(described_pointer(number, f"Changed {token}"))
            path.write_text(data, "utf-8")
        run_git("commit", "--quiet", "--all", "--message", "Change some", folder=self.registry)


def _path(number: int) -> str:
    return f"data/study-{number // 5000:02}/sub-{number // 10:05}/run-{number % 10}.nii.gz.dvc"


def described_pointer(number: int, title: str | None = None) -> dict[str, Any]:
    """Return what the pointer of a dataset says."""
    md5 = hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()
    sha256 = hashlib.sha256(b"%d" % number).hexdigest()
    version = {"version": 1, "md5": md5, "size": 1000 + number, "sha256": sha256,
               "date": "2026-01-01", "by": "writer"}  # fmt: skip
    task = _TASKS[number % len(_TASKS)]
    record = {
        "id": f"r{number:07}",
        "version": 1,
        "versions": [version],
        "dtype": ("bold", "t1w", "dwi")[number % 3],
        "title": title or f"Run {number % 10} of subject {number // 10}, {task}",
        "description": "Sedated" if number % _RARE == 0 else "Awake, with eyes open.",
        "created_by": f"operator {number % 40}",
        "created_on": f"20{10 + number % 15}-0{1 + number % 9}-11",
        "metadata": {
            "site": _SITES[number % len(_SITES)],
            "task": task,
            "age": 18 + number % 60 + (number % 7) / 10,
            "handedness": "left" if number % 10 == 0 else "right",
            "acquisition": {"tr": 0.5 + number % 30 / 10, "te": 30, "sequence": "EPI"},
            "shape": [64, 64, 30 + number % 10, 200],
        },
        "status": "active",
    }
    out = {"md5": md5, "size": 1000 + number, "hash": "md5", "path": f"run-{number % 10}.nii.gz"}
    return {"outs": [out], "meta": {"neurogister": record}}


def build_described(folder: Path, count: int) -> None:
    """Make a registry of datasets with records and metadata."""
    builder = make_registry(folder / "registry")
    builder.commit()
    stream = io.BytesIO()
    stream.write(b"commit refs/heads/main\n")
    stream.write(b"committer A <a@example.org> 1704067300 +0000\ndata 8\nAdd data\n")
    stream.write(b"from refs/heads/main^0\n")
    for number in range(count):
        data = to_yaml(described_pointer(number)).encode()
        path = _path(number).encode()
        stream.write(b"M 100644 inline %b\ndata %d\n%b\n" % (path, len(data), data))
    builder.git("fast-import", "--quiet", stdin=stream.getvalue())
    builder.git("reset", "--quiet", "--hard", "main")


@contextmanager
def _open(bench: Bench) -> Iterator[Trial]:
    count = bench.count(100_000)
    folder = bench.material(f"described-{count}", lambda folder: build_described(folder, count))
    registry, room = folder / "registry", bench.room("search-100000")
    scene = Scene(registry, room / "home", count)
    rare = -(-count // _RARE)
    slow = sum(n % 30 == 20 for n in range(count))
    conditions = ("-k", "acquisition.tr>2", "-k", "handedness=left")
    yield Trial(
        [
            _searcher(scene, WORD, "sedated", "--rev", "main", expected=rare),
            _searcher(scene, METADATA, *conditions, "--rev", "main", expected=slow),
            _searcher(scene, BROAD, "run", "--rev", "main", expected=count),
            _searcher(scene, HERE, "sedated", expected=rare),
            _searcher(scene, REFRESHED, "sedated", expected=None, prepare=scene.change),
            _searcher(scene, COLD, "sedated", expected=None, cold=True),
        ],
        [
            _floor("git grep -l -w -i sedated main", registry, room / "git"),
            _floor("git status --porcelain", registry, room / "git"),
        ],
        "Every time is a whole command's; the index and the search tables were there before,"
        " except where the name says otherwise. A work tree is looked at by git, as `git status`"
        " does, so that what is not committed is found too; the others search a revision.",
    )


def _floor(command: str, registry: Path, home: Path) -> Contender:
    return Contender(name=command, act=timed(*command.split(), folder=registry, home=home))


def _searcher(
    scene: Scene,
    name: str,
    *query: str,
    expected: int | None,
    cold: bool = False,
    prepare: Callable[[], None] | None = None,
) -> Contender:
    act = timed(US, "search", *query, folder=scene.registry, home=scene.home)

    def check(sample: Sample) -> None:
        shown = len(sample.output.splitlines())
        if expected is not None and shown != min(expected, 50):
            raise BenchmarkError(f"search {' '.join(query)} shows {shown} of {expected}")

    def get_ready() -> None:
        if cold:
            scene.forget()
            return
        act()
        if prepare is not None:
            prepare()

    return Contender(name=name, act=act, prepare=get_ready, check=check)


ROWS = [
    Row(
        name="search-100000",
        title="Search 100,000 datasets with metadata",
        open=_open,
        bars=(
            AtMostSeconds(most=0.3, who=WORD),
            AtMostSeconds(most=0.3, who=METADATA),
            AtMostSeconds(most=0.5, who=REFRESHED),
            AtMostSeconds(most=30, who=COLD),
        ),
    )
]
