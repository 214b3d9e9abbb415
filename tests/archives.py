"""Zip archives on a server as scilpy's, and a home to fetch them to."""

import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.faults import FaultServer

FILES = {"bundles/af.trk": b"streamlines" * 99, "bundles/sub/fa.nii.gz": bytes(range(256)) * 20}


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


@dataclass
class Store:
    """Objects as scilpy's server has them, and a home to fetch them to."""

    objects: Path
    server: FaultServer
    home: Path

    def add(self, files: Mapping[str, bytes] | bytes) -> str:
        """Put an archive on the server; return its md5."""
        data = files if isinstance(files, bytes) else zip_bytes(files)
        md5 = hashlib.md5(data).hexdigest()
        path = self.objects / "files/md5" / md5[:2] / md5[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return md5

    @property
    def downloads(self) -> int:
        """How many objects were asked for."""
        return sum(each.method == "GET" for each in self.server.requests)

    def tree(self, name: str = "") -> dict[str, bytes]:
        """Return what anybody sees of the home, or one folder of it."""
        return {
            each.relative_to(self.home / name).as_posix(): each.read_bytes()
            for each in (self.home / name).rglob("*")
            if each.is_file() and ".neurogister" not in each.parts
        }

    def start(self, code: str) -> "subprocess.Popen[str]":
        """Start a script that has the functions."""
        script = f"from neurogister.compat.scilpy import *\n{code}\n"
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", script], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def stripped(files: Mapping[str, bytes], root: str = "bundles/") -> dict[str, bytes]:
    return {name.removeprefix(root): data for name, data in files.items()}


@contextmanager
def archive_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Serve archives, to be fetched to a home in a folder from a working directory there."""
    objects, work = folder / "objects", folder / "work"
    objects.mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("SCILPY_HOME", str(folder / "scilpy"))
    with FaultServer(objects) as server:
        monkeypatch.setenv("NEUROGISTER_SCILPY_URL", f"{server.url}/")
        yield Store(objects, server, folder / "scilpy")
