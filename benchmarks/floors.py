"""What parts of the work cost alone: ``python -m benchmarks.floors PART FILES``; prints seconds.

FILES is JSON, as `write_plan` makes it. The parts: ``fetch`` objects and drop them, ``hash`` the
same bytes (``digest``: md5 and sha256 at the same time), ``read`` them, ``write`` as many bytes to
as many files, ``stat`` as many files.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checks import FilesMap

FETCHERS = 32
CHUNK = 1 << 20

Plan = dict[str, Any]


def write_plan(target: Path, files: FilesMap, *, url: str, objects: Path, room: Path) -> Path:
    """Write down for the floors which files there are.

    Parameters
    ----------
    target : Path
        The JSON file.
    files : mapping
        By their path in the dataset.
    url : str
        Where the objects can be fetched: ``s3://…`` (keys in the environment) or ``http://…``.
    objects : Path
        The folder in which they are.
    room : Path
        A folder that may be written to.
    """
    plan = {
        "url": url,
        "objects": str(objects),
        "room": str(room),
        "files": [[path, file.key, file.size] for path, file in files.items()],
    }
    target.write_text(json.dumps(plan), "utf-8")
    return target


def main(part: str, target: str) -> None:
    plan = json.loads(Path(target).read_text("utf-8"))
    work = PARTS[part](plan)
    start = time.perf_counter()
    work()
    print(time.perf_counter() - start)


def fetch(plan: Plan) -> Callable[[], None]:
    """Get all objects, and drop them."""
    store = _open_store(plan["url"])

    def get(key: str) -> None:
        for _ in store.get(key).stream(min_chunk_size=CHUNK):
            pass

    keys = [key for _, key, _ in plan["files"]]
    return lambda: _each(get, keys, FETCHERS)


def hash_all(plan: Plan) -> Callable[[], None]:
    """Take the md5 of all objects, on all processors."""

    def digest(key: str) -> None:
        with open(f"{plan['objects']}/{key}", "rb") as stream:
            hashlib.file_digest(stream, "md5")

    keys = [key for _, key, _ in plan["files"]]
    return lambda: _each(digest, keys, os.cpu_count() or 1)


def read(plan: Plan) -> Callable[[], None]:
    """Read all objects, one after the other."""
    return lambda: [_read(f"{plan['objects']}/{key}", ()) for _, key, _ in plan["files"]].clear()


def digest(plan: Plan) -> Callable[[], None]:
    """Read all objects once, each digest in a thread of its own."""
    algorithms = ("md5", "sha256")
    return lambda: [
        _read(f"{plan['objects']}/{key}", algorithms) for _, key, _ in plan["files"]
    ].clear()


def _read(path: str, algorithms: tuple[str, ...]) -> None:
    hashers = [hashlib.new(name) for name in algorithms]
    with open(path, "rb", buffering=0) as stream, ThreadPoolExecutor(2) as executor:
        while chunk := stream.read(4 * CHUNK):
            list(executor.map(lambda hasher, data=chunk: hasher.update(data), hashers))


def write(plan: Plan) -> Callable[[], None]:
    """Write each file twice, as for a cache and a work tree."""
    block = os.urandom(CHUNK)
    room = Path(plan["room"])
    names = [(room / "cache" / key, size) for _, key, size in plan["files"]]
    names += [(room / "tree" / (path or "file"), size) for path, _, size in plan["files"]]

    def fill(item: tuple[Path, int]) -> None:
        path, left = item
        with open(path, "wb", buffering=0) as stream:
            while left > 0:
                left -= stream.write(block[:left])

    def work() -> None:
        for folder in {path.parent for path, _ in names}:
            folder.mkdir(parents=True, exist_ok=True)
        _each(fill, names, os.cpu_count() or 1)

    return work


def stat(plan: Plan) -> Callable[[], None]:
    """Look at as many files as were delivered."""
    paths = [f"{plan['objects']}/{key}" for _, key, _ in plan["files"]]

    def work() -> None:
        for path in paths:
            os.lstat(path)

    return work


PARTS = {
    "fetch": fetch,
    "hash": hash_all,
    "write": write,
    "stat": stat,
    "read": read,
    "digest": digest,
}


def _each(do: Callable[[Any], None], items: Iterable[Any], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(do, items):
            pass


def _open_store(url: str) -> Any:
    from obstore.store import HTTPStore, S3Store

    if not url.startswith("s3://"):
        return HTTPStore.from_url(url, client_options={"allow_http": True})
    return S3Store(
        url.removeprefix("s3://"),
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        region=os.environ["AWS_REGION"],
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
