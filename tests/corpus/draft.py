"""A branch in the making: files with any path, mode and content, written as git's objects.

Git's own commands refuse many paths (`.git/config`, `..`); a hostile client does not use them. So
the objects are written here as git keeps them: a header, the content, zlib.
"""

import hashlib
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.factories import digest_file, digest_folder, manifest_text, pointer_out, to_yaml
from tests.servers import run_git

import neurogister

FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"
_WHO = b"Stranger <stranger@example.org> 1735689600 +0000"
Path_ = str | bytes


class Draft:
    """A submission that is being written.

    Parameters
    ----------
    root : Path
        The registry.
    folder : Path
        Where a checkout can be made, for what our own commands shall do.
    base : str
        The commit to start from.
    """

    def __init__(self, root: Path, folder: Path, base: str = "main") -> None:
        self.root = root
        self.folder = folder
        self.parents = [run_git("rev-parse", base, folder=root).strip()]
        self.files: dict[bytes, tuple[str, str]] = {}
        self._read(self.parents[0])

    def _read(self, commit: str) -> None:
        listing = subprocess.run(
            ["git", "-C", str(self.root), "ls-tree", "-r", "-z", commit],
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        self.files = {}
        for line in listing.split(b"\0")[:-1]:
            said, _, path = line.partition(b"\t")
            mode, _, oid = said.decode().split()
            self.files[path] = (mode, oid)

    def start_at(self, revision: str) -> None:
        """Start again, from another commit."""
        self.parents = [run_git("rev-parse", revision, folder=self.root).strip()]
        self._read(self.parents[0])

    # Any file.

    def put(self, path: Path_, content: str | bytes, mode: str = FILE) -> None:
        """Write a file."""
        data = content.encode("utf-8") if isinstance(content, str) else content
        self.files[_bytes(path)] = (mode, self._store(b"blob", data))

    def link(self, path: Path_, target: str) -> None:
        """Make a symbolic link."""
        self.put(path, target, LINK)

    def submodule(self, path: Path_) -> None:
        """Make a submodule."""
        self.files[_bytes(path)] = (SUBMODULE, "1" * 40)

    def remove(self, path: Path_) -> None:
        """Remove a file."""
        del self.files[_bytes(path)]

    def move(self, path: str, new: str) -> None:
        """Move a file as it is."""
        self.files[new.encode()] = self.files.pop(path.encode())

    def read(self, path: str) -> str:
        """Read a file."""
        _, oid = self.files[path.encode()]
        return run_git("cat-file", "blob", oid, folder=self.root)

    def replace(self, path: str, old: str, new: str, count: int = -1) -> None:
        """Replace text in a file, which must be there."""
        text = self.read(path)
        assert old in text, (path, old)
        self.put(path, text.replace(old, new, count))

    def append(self, path: str, text: str) -> None:
        """Add text to a file."""
        self.put(path, self.read(path) + text)

    # Datasets.

    def dataset(
        self, name: str = "c/new.bin", data: bytes = b"new\n", id: str | None = "newcomer",
        **fields: object,
    ) -> None:  # fmt: skip
        """Write the pointer of a file that is as it should be."""
        self.put(f"data/{name}.dvc", pointer_text(name, data, id=id, **fields))

    def folder_dataset(
        self, name: str = "c/folder", files: dict[str, bytes] | None = None,
        id: str = "newcomer", manifest: str | None = None,
    ) -> None:  # fmt: skip
        """Write the pointer and the manifest of a folder that are as they should be."""
        each = {path: digest_file(data) for path, data in (files or {"a": b"1", "b": b"2"}).items()}
        digests = digest_folder(each)
        self.put(f"data/{name}.dvc", pointer_text(name, digests, id=id))
        self.put(f"data/{name}.manifest.csv", manifest or manifest_text(digests.files))

    # What our own commands do.

    def by_command(self, work: Callable[[neurogister.Registry, Path], object]) -> None:
        """Let our own commands do something in a checkout; take what they committed."""
        place = self.folder / f"checkout-{len(self.parents)}-{self.parents[0][:8]}"
        run_git("clone", "--quiet", "--shared", str(self.root), str(place))
        run_git("checkout", "--quiet", "--detach", self.parents[0], folder=place)
        inbox = self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        with neurogister.open(place) as registry:
            work(registry, inbox)
        commit = run_git("rev-parse", "HEAD", folder=place).strip()
        run_git("fetch", "--quiet", str(place), commit, folder=self.root)
        self.parents = [commit]
        self._read(commit)

    # History.

    def commit(self) -> str:
        """Write the commit and return it; what follows is on top of it."""
        tree = self._write_tree()
        parents = b"".join(b"parent %s\n" % each.encode() for each in self.parents)
        text = b"tree %s\n%sauthor %s\ncommitter %s\n\nSubmit\n" % (
            tree.encode(), parents, _WHO, _WHO,
        )  # fmt: skip
        commit = self._store(b"commit", text)
        self.parents = [commit]
        return commit

    def merge(self, commit: str) -> None:
        """Let the next commit be a merge."""
        self.parents.append(commit)

    def _write_tree(self) -> str:
        folders: dict[bytes, dict[bytes, tuple[str, str]]] = {b"": {}}
        for path, entry in self.files.items():
            folder, _, name = path.rpartition(b"/")
            folders.setdefault(folder, {})[name] = entry
            while folder and (parent := folder.rpartition(b"/")[0]) not in folders:
                folders[parent] = {}
                folder = parent
        for folder in sorted(folders, key=lambda each: -each.count(b"/") - bool(each)):
            oid = self._store(b"tree", _tree(folders[folder]))
            if folder:
                parent, _, name = folder.rpartition(b"/")
                folders[parent].setdefault(name, ("40000", oid))
        return oid

    def _store(self, kind: bytes, data: bytes) -> str:
        whole = b"%s %d\0%s" % (kind, len(data), data)
        oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        path = self.root / ".git" / "objects" / oid[:2] / oid[2:]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(whole, 1))
        return oid


def _tree(entries: dict[bytes, tuple[str, str]]) -> bytes:
    def order(item: tuple[bytes, tuple[str, str]]) -> bytes:
        return item[0] + (b"/" if item[1][0] == "40000" else b"")

    return b"".join(
        b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(oid))
        for name, (mode, oid) in sorted(entries.items(), key=order)
    )


def _bytes(path: Path_) -> bytes:
    return path.encode("utf-8") if isinstance(path, str) else path


def pointer_text(
    name: str, content: object = b"new\n", *, id: object = "newcomer", **fields: object
) -> str:
    """Return the text of a pointer; ``content`` is bytes, or digests."""
    digests = digest_file(content) if isinstance(content, bytes) else content
    out = pointer_out(name.rpartition("/")[2], digests)
    version = {"version": 1, "md5": digests.md5, "size": digests.size}
    if digests.nfiles is not None:
        version["nfiles"] = digests.nfiles
    version |= {"sha256": digests.sha256, "date": "2025-01-01", "by": "A Stranger"}
    record = {"id": id, "version": 1, "versions": [version], "dtype": "any"}
    record |= {"created_by": "A Stranger", "created_on": "2025-01-01", "status": "active", **fields}
    record = {key: value for key, value in record.items() if value is not None}
    return to_yaml({"outs": [out], "meta": {"neurogister": record}})
