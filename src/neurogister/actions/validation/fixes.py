"""What can be mended without a decision: the form of files, never what they mean."""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from collections import defaultdict
from typing import TYPE_CHECKING

from ...errors import InvalidFileError
from ...files import system_errors
from ...model.document import parse_document
from ...model.manifest import dump_manifest, read_rows
from ...model.pointer import SUFFIX
from ...registry.changes import ChangeSet, with_ignored
from ...registry.layout import (
    COLLECTION,
    DATA,
    MANIFEST,
    PACKAGE,
    POINTER,
    RESOURCE,
    STORE,
    VENDOR,
    size_limit,
)
from .tree import superfluous_lines

if TYPE_CHECKING:
    from pathlib import Path

    from .submission import FileChange, Submission

_YAML = frozenset({POINTER, RESOURCE, PACKAGE, COLLECTION, VENDOR})
_BOM = b"\xef\xbb\xbf"
_TRAILING = re.compile(rb"[ \t]+$", re.MULTILINE)
_IGNORE_LIMIT = 64 * 1024


class Fixes:
    """What is to be mended in a work tree.

    Parameters
    ----------
    submission : Submission
        The work tree; only what it changes is looked at.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self.changes = ChangeSet()
        self.executable: list[str] = []
        own = [each for each in submission.changes if each.path.startswith((DATA, STORE))]
        for change in own:
            if change.is_file:
                self._mend(change)
        self._ignore(own)

    @property
    def paths(self) -> list[str]:
        """The files that it is about."""
        return sorted({*self.changes.paths, *self.executable})

    def apply(self, root: Path) -> None:
        """Mend all of it, or nothing.

        Raises
        ------
        RefusedError, NoSpaceError, NeurogisterError
            If a file is a link, or cannot be written.
        """
        applied = self.changes.apply(root)
        try:
            for path in self.executable:
                _make_ordinary(root / path)
        except BaseException:
            applied.undo()
            raise

    def _mend(self, change: FileChange) -> None:
        if change.mode == "100755":
            self.executable.append(change.path)
        if change.kind not in _YAML and change.kind != MANIFEST:
            return
        data = (
            self._submission.manifest(change.path)
            if change.kind == MANIFEST
            else self._submission.content(change.oid or "", limit=size_limit(change.path))
        )
        if data is None:
            return
        mended = mend_manifest(data) if change.kind == MANIFEST else mend_yaml(data)
        if mended != data:
            self.changes.write(change.path, mended)

    def _ignore(self, own: list[FileChange]) -> None:
        """Let each ``.gitignore`` name the data of the pointers beside it, and nothing else."""
        names: dict[str, list[str]] = defaultdict(list)
        for each in own:
            folder, _, name = each.path.rpartition("/")
            if each.kind == POINTER and each.is_file:
                names[folder].append(name.removesuffix(SUFFIX))
            elif name == ".gitignore" and each.is_file:
                names[folder] += []
        for folder, added in names.items():
            path = f"{folder}/.gitignore"
            entry = self._submission.tree.get(path)
            old = None
            if entry is not None:
                old = self._submission.content(entry.oid, limit=_IGNORE_LIMIT)
                if old is None:
                    continue
            bad = {number for number, _ in superfluous_lines(self._submission, folder, old or b"")}
            lines = enumerate((old or b"").split(b"\n"), 1)
            kept = b"\n".join(line for number, line in lines if number not in bad)
            new = with_ignored(kept, *sorted(added))
            if new != (old or b""):
                self.changes.remove(path) if not new else self.changes.write(path, new)


def mend_yaml(data: bytes) -> bytes:
    """Return YAML in its usual form: no mark in front, LF, no trailing spaces, an end of line.

    What it says stays; where it would not, or cannot be read, nothing is changed.
    """
    plain = data.removeprefix(_BOM)
    unix = plain.replace(b"\r\n", b"\n")
    ended = unix if not unix or unix.endswith(b"\n") else unix + b"\n"
    for candidate in (_TRAILING.sub(b"", ended), ended, unix, plain):
        if _says_the_same(plain, candidate):
            return candidate
    return data


def _says_the_same(some: bytes, other: bytes) -> bool:
    try:
        before, after = (parse_document(each, "", limit=len(each)) for each in (some, other))
    except InvalidFileError:
        return False
    return repr(before) == repr(after)  # 1, 1.0 and true are equal, and not the same


def mend_manifest(data: bytes) -> bytes:
    """Return a manifest sorted by path, each row once, with LF; as it is, if it is broken."""
    plain = data.removeprefix(_BOM)
    rows, faults = read_rows(plain)
    unique = {entry.path: entry for _, entry in rows}
    if faults or any(unique[entry.path] != entry for _, entry in rows):
        return data
    try:
        columns = next(csv.reader(io.StringIO(plain.decode("utf-8"), newline="")))
    except (UnicodeDecodeError, StopIteration):
        return data
    return dump_manifest(unique.values(), columns=columns)


def _make_ordinary(path: Path) -> None:
    with system_errors(path, "change the mode of"):
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode):
            path.chmod(stat.S_IMODE(mode) & ~0o111)
