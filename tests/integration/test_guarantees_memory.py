"""Memory does not grow with the size of a file, and hardly with the number of files."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.factories import (
    Digests,
    RegistryBuilder,
    digest_file,
    digest_folder,
    directory_object,
    make_registry,
    pointer_out,
    to_yaml,
)
from tests.servers import s3_server

SIZE = 300_000_000
MIB = 1 << 20

# The command as it is, and then what the most memory was that it had. Not `ru_maxrss` on Linux: it
# counts what this process had when it started the other one.
PROBE = """
import atexit, sys

def tell():
    try:
        with open("/proc/self/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except FileNotFoundError:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with open(sys.argv[0], "w") as stream:
        stream.write(str(peak))

atexit.register(tell)
sys.argv = sys.argv[1:]
from neurogister.cli import main
main()
"""

Measure = Callable[..., int]


@pytest.fixture
def measure(home: Path, tmp_path: Path) -> Measure:
    """Run the command, which must end well, and return the most memory that it had, in MiB."""
    if os.name == "nt":
        pytest.skip("Windows counts otherwise")

    def measure(*arguments: str | Path, cwd: Path, status: int = 0) -> int:
        told = tmp_path / "peak"
        done = subprocess.run(
            [sys.executable, "-c", PROBE, str(told), *map(str, arguments)],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == status, done.stderr
        return int(told.read_text()) // 1024

    return measure


@pytest.fixture(scope="session")
def zeros() -> Digests:
    """The digests of a large file of zeros, which takes no room on most disks."""
    md5, sha256 = hashlib.md5(), hashlib.sha256()
    for start in range(0, SIZE, MIB):
        piece = bytes(min(MIB, SIZE - start))
        md5.update(piece)
        sha256.update(piece)
    return Digests(md5.hexdigest(), sha256.hexdigest(), SIZE)


def _add_zeros(registry: RegistryBuilder, zeros: Digests) -> None:
    out = pointer_out("zeros.bin", zeros)
    version = {"version": 1, "md5": zeros.md5, "size": SIZE, "sha256": zeros.sha256}
    record = {"id": "zeros", "version": 1, "versions": [version]}
    content = {"outs": [out], "meta": {"neurogister": record}}
    registry.write("data/c/zeros.bin.dvc", to_yaml(content))
    path = registry.object_path(zeros)
    path.parent.mkdir(parents=True)
    path.touch()
    os.truncate(path, SIZE)


@pytest.mark.parametrize("kind", ["s3", "folder"])
def test_large_file_needs_little_memory(
    home: Path, tmp_path: Path, measure: Measure, zeros: Digests, kind: str
) -> None:
    if kind == "folder":
        registry = make_registry(tmp_path / "registry")
        _add_zeros(registry, zeros)
        peak = measure("pull", cwd=registry.root)
    else:
        with s3_server(tmp_path / "s3") as server:
            registry = make_registry(tmp_path / "registry", objects=server.bucket("data"))
            keys = ("access_key_id", "secret_access_key")
            options = server.dvc_options
            local = {key: options.pop(key) for key in keys}
            registry.remote_url("s3://data", options, local=local)
            _add_zeros(registry, zeros)
            peak = measure("pull", cwd=registry.root)
    assert (registry.root / "data" / "c" / "zeros.bin").stat().st_size == SIZE
    assert peak <= 150

    again = measure("verify", "c/zeros.bin", cwd=registry.root)
    assert again <= 150


@pytest.fixture
def crowd(home: Path, tmp_path: Path) -> RegistryBuilder:
    """A registry with a folder of 100,000 files, of which only the extra ones are in the remote."""
    registry = make_registry(tmp_path / "registry")
    one = digest_file(b"one")
    files = {
        f"part-{n // 100:04}/file-{n:06}.bin": Digests(hashlib.md5(b"%d" % n).hexdigest(), "", 3)
        for n in range(100_000)
    }
    files |= {f"part-0042/extra-{n}.bin": one for n in range(5)}
    digests = digest_folder(files)
    registry.write("data/c/folder.dvc", to_yaml({"outs": [pointer_out("folder", digests)]}))
    for path, data in (
        (registry.object_path(digests), directory_object(files)),
        (registry.object_path(one), b"one"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return registry


def test_part_of_a_folder_of_100_000_files(crowd: RegistryBuilder, measure: Measure) -> None:
    assert measure("pull", "c/folder:part-0042/extra-*", cwd=crowd.root) <= 250
    assert len(list((crowd.root / "data" / "c" / "folder").rglob("*.bin"))) == 5


@pytest.mark.slow
def test_folder_of_100_000_files(crowd: RegistryBuilder, measure: Measure) -> None:
    assert measure("pull", "--dry-run", cwd=crowd.root, status=10) <= 400
