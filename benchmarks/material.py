"""The data: registries made by real ``dvc add`` and ``dvc push``, and clones of them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.factories import make_registry, random_files, write_files
from tests.servers import FAST, S3Server, http_server, run_git, s3_server

from .bench import Bench, remove, run
from .checks import File, check_cache, check_tree

DATASET = "bench/files"
BUCKET = "objects"
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Material:
    """A registry with one dataset, pushed.

    Parameters
    ----------
    folder : Path
        Everything of it is in here.
    files : mapping
        What the dataset holds, by path; a single file has the path ''.
    """

    folder: Path
    files: Mapping[str, File]

    @property
    def origin(self) -> Path:
        """The git repository that dvc made."""
        return self.folder / "origin"

    @property
    def recorded(self) -> Path:
        """The same dataset in a registry of ours: a record and a manifest, with sha256."""
        return self.folder / "recorded"

    @property
    def buckets(self) -> Path:
        """The folder that an S3 server serves."""
        return self.folder / "buckets"

    @property
    def objects(self) -> Path:
        """The objects: the folder that an HTTP server serves."""
        return self.buckets / BUCKET

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files.values())


@dataclass(frozen=True, slots=True)
class Served:
    """Where objects can be fetched.

    Parameters
    ----------
    url : str
        Of the DVC remote.
    options : mapping
        Of the DVC remote.
    variables : mapping
        The environment of other clients.
    """

    url: str
    options: Mapping[str, str]
    variables: Mapping[str, str]


Serve = Callable[[Material], AbstractContextManager[Served]]


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone of a registry, with a home of its own."""

    folder: Path
    home: Path

    @property
    def dataset(self) -> Path:
        """Where the dataset is delivered."""
        return self.folder / "data" / DATASET

    @property
    def cache(self) -> Path:
        """DVC's cache."""
        return self.folder / ".dvc" / "cache"

    def reset(self) -> None:
        """Forget all data, and all that a program remembers of it."""
        for path in (self.dataset, self.cache, self.folder / ".dvc" / "tmp", self.home):
            remove(path)

    def check(self, files: Mapping[str, File]) -> None:
        """Fail unless work tree and cache have the right bytes."""
        check_tree(self.dataset, files)
        check_cache(self.cache, files)


def make_files(bench: Bench, name: str, count: int, sizes: tuple[int, int]) -> Material:
    """Make a dataset of many files, fifty to a folder."""

    def make() -> dict[str, bytes]:
        return random_files(count, smallest=sizes[0], largest=sizes[1], seed=count)

    def build(folder: Path) -> None:
        data = _start(folder) / "data" / DATASET
        write_files(data, make())
        _finish(folder, {path.relative_to(data).as_posix(): path for path in _all_files(data)})
        _record(folder, make())

    return _open(bench.material(f"{name}-{count}", build))


def make_large_file(bench: Bench, name: str, size: int) -> Material:
    """Make a dataset of one large file."""

    def build(folder: Path) -> None:
        data = _start(folder) / "data" / DATASET
        data.parent.mkdir(parents=True)
        noise = random.Random(size)
        with data.open("wb") as stream:
            for left in range(size, 0, -CHUNK):
                stream.write(noise.randbytes(min(left, CHUNK)))
        _finish(folder, {"": data})

    return _open(bench.material(f"{name}-{size}", build))


def clone(origin: Path, room: Path, served: Served) -> Clone:
    """Clone a registry, and tell the clone where its remote is."""
    room.mkdir(parents=True)
    made = Clone(room / "registry", room / "home")
    run_git("clone", "--quiet", str(origin), str(made.folder))
    _set_remote(made.folder, served.url, served.options)
    return made


@contextmanager
def by_s3(material: Material) -> Iterator[Served]:
    """Serve the objects as a bucket."""
    with s3_server(material.buckets, options=FAST) as server:
        yield _as_served(server)


@contextmanager
def by_http(material: Material) -> Iterator[Served]:
    """Serve the objects by HTTP."""
    with http_server(material.objects, options=FAST) as server:
        yield Served(server.url, server.dvc_options, {})


def _as_served(server: S3Server) -> Served:
    return Served(f"s3://{BUCKET}", server.dvc_options, server.environment)


def _set_remote(registry: Path, url: str, options: Mapping[str, str]) -> None:
    lines = [f"    {key} = {value}\n" for key, value in {"url": url, **options}.items()]
    text = "['remote \"storage\"']\n" + "".join(lines)
    (registry / ".dvc" / "config.local").write_text(text, "utf-8")


def _start(folder: Path) -> Path:
    origin, home = folder / "origin", folder / "home"
    origin.mkdir()
    run_git("init", "--quiet", "--initial-branch=main", folder=origin)
    run("dvc", "init", "--quiet", folder=origin, home=home)
    url = f"s3://{BUCKET}"
    run("dvc", "remote", "add", "--default", "storage", url, folder=origin, home=home)
    return origin


def _finish(folder: Path, paths: Mapping[str, Path]) -> None:
    """Add, commit and push with dvc; leave the git repository and the bucket only."""
    origin, home = folder / "origin", folder / "home"
    files = {name: asdict(_describe(path)) for name, path in paths.items()}
    (folder / "files.json").write_text(json.dumps(files), "utf-8")
    run("dvc", "add", "--quiet", f"data/{DATASET}", folder=origin, home=home)
    run_git("add", "--all", folder=origin)
    run_git("commit", "--quiet", "--message", "Add files", folder=origin)
    _push(folder)
    config = origin / ".dvc" / "config.local"
    for path in (config, origin / "data" / DATASET, origin / ".dvc" / "cache", home):
        remove(path)


def _push(folder: Path) -> None:
    """Push to the bucket: through S3, unless one large object would fill the server's memory."""
    origin, home = folder / "origin", folder / "home"
    buckets = folder / "buckets"
    objects = buckets / BUCKET
    objects.mkdir(parents=True)
    files = _open(folder).files
    if len(files) == 1 or len(files) > 5000:  # many would take minutes
        _set_remote(origin, str(objects), {})
        run("dvc", "push", "--quiet", folder=origin, home=home)
        return
    with s3_server(buckets, options=FAST) as server:
        served = _as_served(server)
        _set_remote(origin, served.url, served.options)
        run("dvc", "push", "--quiet", folder=origin, home=home)


def _record(folder: Path, files: Mapping[str, bytes]) -> None:
    objects = folder / "buckets" / BUCKET
    registry = make_registry(folder / "recorded", objects=objects, url=f"s3://{BUCKET}")
    registry.add_folder(DATASET, files)
    registry.commit("Add files")


def _describe(path: Path) -> File:
    with path.open("rb") as stream:
        md5 = hashlib.file_digest(stream, "md5").hexdigest()
    return File(path.stat().st_size, md5)


def _open(folder: Path) -> Material:
    described = json.loads((folder / "files.json").read_text("utf-8"))
    return Material(folder, {path: File(**each) for path, each in described.items()})


def _all_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
