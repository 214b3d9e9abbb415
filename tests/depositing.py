"""A lab that deposits: a registry with a remote, an inbox, and looks at all that is left."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.factories import RegistryBuilder, make_registry

from neurogister.actions.deposit import deposit
from neurogister.actions.deposited import Deposited, DepositReport, Manner
from neurogister.actions.drafts import Wishes
from neurogister.actions.session import Session, open_session
from neurogister.actions.sources import find_sources
from neurogister.model.pointer import Pointer
from neurogister.model.record import Record
from neurogister.model.table import Said
from neurogister.settings import load_settings

_WISHES = set(Wishes.__dataclass_fields__)
_MANNER = set(Manner.__dataclass_fields__)
_SAID = set(Said.__dataclass_fields__) - {"id"}
# What a command may leave that is no part of the registry: DVC's cache, locks and temporary files.
_NOT_IN_IT = (
    ".dvc/cache", ".dvc/tmp", ".git/objects", ".git/logs", ".git/COMMIT_EDITMSG", ".git/index",
)  # fmt: skip


class Lab:
    """A registry in ``root``, and files to deposit in ``inbox``."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.registry: RegistryBuilder = make_registry(folder / "registry", **options)
        self.root = self.registry.root
        self.inbox = folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.registry.add_collection("c", license="CC0-1.0")
        self.registry.commit("Add a collection")

    def file(self, name: str = "a.bin", data: bytes = b"data\n") -> Path:
        """Write a file to deposit."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def folder(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Write a folder to deposit."""
        for relative, data in files.items():
            self.file(f"{name}/{relative}", data)
        return self.inbox / name

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open the registry as a command does."""
        session = open_session(load_settings(registry=str(self.root)))
        try:
            yield session
        finally:
            session.close()

    def deposit(
        self, *names: Path | str, table: Path | None = None, **options: Any
    ) -> DepositReport:
        """Deposit as a script does; into the collection ``c``, and not to the remote."""
        wishes = {key: options.pop(key) for key in _WISHES & options.keys()}
        manner = {"push": False} | {key: options.pop(key) for key in _MANNER & options.keys()}
        said = {key: options.pop(key) for key in _SAID & options.keys()}
        assert not options, options
        if "new_version" not in wishes:
            wishes.setdefault("to", "c")
        with self.session() as session:
            sources = find_sources(names, table=table, said=Said(**said))
            return deposit(session, sources, Wishes(**wishes), Manner(**manner))

    def put(self, name: str = "a.bin", data: bytes = b"data\n", **options: Any) -> Deposited:
        """Deposit one file with some content."""
        [one] = self.deposit(self.file(name, data), **options).deposited
        return one

    def pointer(self, place: str) -> Pointer:
        """Read a pointer, by the path of its data below ``data/``."""
        path = f"data/{place}.dvc"
        return Pointer.parse((self.root / path).read_bytes(), path)

    def record(self, place: str) -> Record:
        """Read the record in a pointer."""
        record = self.pointer(place).record
        assert record is not None
        return record

    def data(self, place: str) -> bytes:
        """Read data in the work tree."""
        return (self.root / "data" / place).read_bytes()

    def git(self, *arguments: str) -> str:
        """Run git in the registry."""
        return self.registry.git(*arguments)

    def staged(self) -> set[str]:
        """Return the files that are staged, each with its letter: ``A data/c/a.bin.dvc``."""
        lines = self.git("diff", "--cached", "--name-status", "--no-renames").splitlines()
        return {line.replace("\t", " ") for line in lines}

    def tree(self) -> dict[str, str]:
        """Return everything in the registry, git's index and branches included."""
        return look(self.root) | {"index": self.git("ls-files", "--stage")}

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Check that a block changes nothing of the registry and of what was to be deposited."""
        before = self.tree(), look(self.inbox)
        yield
        assert (self.tree(), look(self.inbox)) == before
        self.check_clean()

    def check_clean(self) -> None:
        """Check that nothing half-done lies about."""
        assert [path.name for path in (self.root / "data").rglob("*.tmp")] == []
        work = self.root / ".dvc" / "cache" / "neurogister" / "tmp"
        assert not work.exists() or list(work.iterdir()) == []
        assert not (self.root / ".git" / "index.lock").exists()


def look(folder: Path) -> dict[str, str]:
    """Return every file below a folder with its kind, permissions and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(_NOT_IN_IT):
            found[name] = _describe(path)
    return found


def _describe(path: Path) -> str:
    status = path.lstat()
    mode = f"{status.st_mode:o}"
    if stat.S_ISLNK(status.st_mode):
        return f"{mode} -> {os.readlink(path)}"
    if stat.S_ISREG(status.st_mode):
        return f"{mode} {path.read_bytes()!r}"
    return mode
