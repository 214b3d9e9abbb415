"""Validating a pull request to a large registry, with nothing remembered, as in CI."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.factories import to_yaml
from tests.servers import run_git

from ..bench import Bench, remove, timed
from ..model import US, AtMostMemory, AtMostSeconds, Contender, Row, Trial
from .searching import build_described, described_pointer

REQUEST = "validate --base, three new datasets"
WHOLE = "validate, all of it"
BASE = "validated"
PULL = "request"
_FOLDER = "data/study-00/new"
_HEAD = b"committer A <a@example.org> 1704067400 +0000\ndata 3\nAdd\n"


def _branch(registry: Path, name: str, start: str, files: dict[str, str]) -> None:
    """Make a branch with a commit on top of another one, without touching the work tree."""
    stream = io.BytesIO()
    stream.write(f"commit refs/heads/{name}\n".encode() + _HEAD)
    stream.write(f"from refs/heads/{start}^0\n".encode())
    for path, text in files.items():
        data = text.encode()
        stream.write(b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(data), data))
    run_git("fast-import", "--quiet", "--force", folder=registry, stdin=stream.getvalue())


def _request(count: int) -> dict[str, str]:
    files = {}
    for number in range(3):
        document = described_pointer(count + number)
        out, record = document["outs"][0], document["meta"]["neurogister"]
        out["path"] = f"new-{number}.nii.gz"
        record["id"] = f"new{number}x"
        files[f"{_FOLDER}/new-{number}.nii.gz.dvc"] = to_yaml(document)
    ignored = "".join(f"/new-{number}.nii.gz\n" for number in range(3))
    return {**files, f"{_FOLDER}/.gitignore": ignored}


def _base(count: int) -> dict[str, str]:
    """Give the studies what a registry says of itself, so that all is valid."""
    described = {"title": "A study", "description": "Test data.", "license": "CC0-1.0",
                 "authors": ["Writer"]}  # fmt: skip
    files = {
        f"data/study-{number:02}/collection.yaml": to_yaml(described)
        for number in range(-(-count // 5000))
    }
    dtypes = {name: {"title": name, "extensions": ["nii.gz"]} for name in ("bold", "t1w", "dwi")}
    return {**files, "registry.yaml": to_yaml({"name": "bench", "title": "B", "dtypes": dtypes})}


@contextmanager
def _open(bench: Bench) -> Iterator[Trial]:
    count = bench.count(100_000)
    folder = bench.material(f"described-{count}", lambda folder: build_described(folder, count))
    registry, home = folder / "registry", bench.room("validate-100000") / "home"
    _branch(registry, BASE, "main", _base(count))
    _branch(registry, PULL, BASE, _request(count))

    def forget() -> None:
        remove(home)
        home.mkdir(parents=True)

    yield Trial(
        [
            Contender(name=name, prepare=forget,
                      act=timed(US, "validate", *words, folder=registry, home=home))
            for name, words in (
                (REQUEST, ("--base", BASE, "--rev", PULL)),
                (WHOLE, ("--rev", BASE)),
            )
        ],
        note="Nothing is remembered from an earlier run.",
    )  # fmt: skip


ROWS = [
    Row(
        name="validate-100000",
        title="Validate a pull request to a registry of 100,000 datasets, and all of it",
        open=_open,
        bars=(
            AtMostSeconds(most=3, who=REQUEST),
            AtMostMemory(megabytes=500, who=REQUEST),
        ),
    )
]
