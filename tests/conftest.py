"""What many tests share: an environment of their own, the real command, looks at what it left."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tests.factories import RegistryBuilder, make_registry
from tests.faults import Always, Fault, FaultServer
from tests.servers import isolated_environment

import neurogister
from neurogister import PullReport

# A gate must say the same twice of the same code: there, hypothesis takes the same examples each
# time. On a laptop it looks for new ones.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("laptop", deadline=None)
settings.load_profile("gate" if os.environ.get("CI") else "laptop")

_LARGE = 1_000_000  # bytes

collect_ignore = ["consumer"]  # a repository of its own: integration/test_action.py runs its tests


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Keep the disk of a gate small: what is large in a test's folder goes when it is over.

    Only that: to remove all of it would take longer than the tests do.
    """
    yield
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if folder is None or not os.environ.get("CI"):
        return
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                path = os.path.join(parent, name)
                if os.lstat(path).st_size > _LARGE:
                    os.unlink(path)


Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, for this process and those it starts.

    Nothing is found or left there of the developer: no git, DVC or AWS settings, no proxies, no
    cache, no options of neurogister.
    """
    folder = tmp_path / "home"
    environment = isolated_environment(folder) | {
        "NEUROGISTER_CACHE": str(folder / "cache"),
        "NEUROGISTER_CONFIG_DIR": str(folder / "config"),
        "COLUMNS": "100",
    }
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    """Run the real command to its end: ``run("pull", cwd=folder, NEUROGISTER_JOBS="2")``."""

    def run(
        *arguments: str | Path, cwd: Path, timeout: float = 60, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            cwd=cwd,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Start the real command, to be interrupted; whatever is left of it is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path, cwd: Path, **variables: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            command(*arguments),
            cwd=cwd,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Heard:
    """A `neurogister.progress.Progress` that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warnings: list[str] = []

    def start(self, activity: str, *, files: int, size: int) -> None: ...

    def advance(self, *, files: int = 0, size: int = 0) -> None: ...

    def finish(self) -> None: ...

    def say(self, message: str) -> None:
        """Keep a line."""
        self.said.append(message)

    def warn(self, message: str) -> None:
        """Keep a warning."""
        self.warnings.append(message)


@dataclass
class Place:
    """A registry whose remote is an HTTP server that can go wrong."""

    registry: RegistryBuilder
    server: FaultServer
    warnings: list[str] = field(default_factory=list)
    """What the last pull warned of."""

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.registry.root

    def pull(self, *names: str, **options: Any) -> PullReport:
        """Pull all that is named, or all there is; ``options`` are those of ``open``."""
        heard = Heard()
        self.warnings = heard.warnings
        with neurogister.open(self.root, progress=heard, **options) as opened:
            return opened.pull(names or None)

    def spoil(self, name: str, fault: Fault) -> str:
        """Let something go wrong with an object whenever it is asked for; return its path."""
        path = self.path(name)
        self.server.rules.append(Always(fault, match=path))
        return path

    def path(self, name: str) -> str:
        """Return the path of an object on the server: of ``DATASET`` or ``DATASET:FILE``."""
        dataset, _, part = name.partition(":")
        digests = self.registry.find(dataset).digests
        return f"/{(digests.files[part] if part else digests).key}"

    @property
    def delivered(self) -> dict[str, bytes]:
        """The files of all datasets in the work tree."""
        return delivered_files(self.root)

    @property
    def cache(self) -> Path:
        """DVC's cache in the checkout."""
        return self.root / ".dvc" / "cache"

    @property
    def cached(self) -> set[str]:
        """The objects in DVC's cache, by their path on the server."""
        return {f"/{key}" for key in cached_objects(self.cache)}


@pytest.fixture
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A registry behind a server; what fails is tried twice again."""
    monkeypatch.setenv("NEUROGISTER_RETRIES", "2")
    monkeypatch.setenv("NEUROGISTER_TIMEOUT", "10")
    registry = make_registry(tmp_path / "registry")
    with FaultServer(registry.objects) as server:
        registry.remote_url(server.url)
        yield Place(registry, server)


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of neurogister, as this Python has it."""
    return [sys.executable, "-m", "neurogister", *map(str, arguments)]


def cached_objects(cache: Path) -> dict[str, Path]:
    """Return the objects of a cache by their key, having read each: all are what they are called.

    Whatever is not an object must be in our own folder for unfinished work.
    """
    found: dict[str, Path] = {}
    for path in sorted(cache.rglob("*")):
        key = path.relative_to(cache).as_posix()
        if path.is_dir() or key.startswith("neurogister/"):
            continue
        name = re.fullmatch(r"files/md5/([0-9a-f]{2})/([0-9a-f]{30})(\.dir)?", key)
        assert name, f"{key} is no object"
        assert hashlib.md5(path.read_bytes()).hexdigest() == name[1] + name[2], key
        assert path.stat().st_mode & 0o777 == 0o444, key
        found[key] = path
    return found


def delivered_files(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder that are neither git's nor DVC's, with their content.

    None is one that we left half-done.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        ours = name.split("/")[0] in (".git", ".dvc", "store") or not name.startswith("data/")
        if not path.is_file() or ((folder / ".dvc").is_dir() and ours):
            continue
        assert not name.endswith(".tmp"), name
        if not re.search(r"(\.dvc|\.csv|\.yaml|\.gitignore)$", name):
            found[name] = path.read_bytes()
    return found
