"""What git tells about a repository, as plain values: entries of trees, changes, commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_MODES = frozenset({"100644", "100755"})
LINK_MODE = "120000"
SUBMODULE_MODE = "160000"

LOG_FORMAT = "--format=%x02%H%x03%aI%x03%aN"


class TreeEntry(NamedTuple):
    """A file in a commit: its path from the top, its mode as git writes it, its blob."""

    path: str
    mode: str
    oid: str


class Change(NamedTuple):
    """A difference: what is at a path now.

    `mode` is None where there is nothing any more; `oid` is None where git has not stored the
    content yet, so that it has to be read from the work tree.
    """

    path: str
    mode: str | None
    oid: str | None


class Commit(NamedTuple):
    """A commit that changed a file, and the blob (None: removed) that it left there."""

    oid: str
    date: str
    author: str
    mode: str | None
    blob: str | None


def decode_path(path: bytes) -> str:
    r"""Return a path as text; bytes that are not UTF-8 become ``\xff``."""
    return path.decode("utf-8", "backslashreplace")


def parse_tree_entry(line: bytes) -> TreeEntry:
    """Read one entry of ``git ls-tree -z``."""
    meta, path = line.split(b"\t", 1)
    mode, _, oid = meta.decode("ascii").split(" ")
    return TreeEntry(decode_path(path), mode, oid)


def parse_changes(output: bytes) -> Iterator[Change]:
    """Read what ``git diff-tree`` and ``git diff-index`` print with ``--raw -z``."""
    tokens = iter(output.split(b"\0"))
    for meta in tokens:
        if not meta:
            continue
        _, mode, _, oid, status = meta.decode("ascii").lstrip(":").split(" ")
        path = decode_path(next(tokens))
        if status == "D":
            yield Change(path, None, None)
        elif status == "U":
            yield Change(path, "100644", None)
        else:
            yield Change(path, mode, oid if oid.strip("0") else None)


def parse_touched(output: bytes) -> Iterator[tuple[str, str]]:
    """Give blob and path of both sides of each change in ``--raw -z``; files only."""
    tokens = iter(output.split(b"\0"))
    for meta in tokens:
        words = meta.decode("ascii", "replace").strip().lstrip(":").split(" ")
        if len(words) < 5:
            continue
        path = decode_path(next(tokens))
        for mode, oid in zip(words[:2], words[2:4], strict=True):
            if mode in FILE_MODES:
                yield oid, path


def parse_log(output: bytes) -> Iterator[Commit]:
    """Read what ``git log -c --raw -z`` prints with `LOG_FORMAT`."""
    for _, commit in parse_log_paths(output):
        yield commit


def parse_log_paths(output: bytes) -> Iterator[tuple[str, Commit]]:
    """Read the same, of many files: each with its path."""
    head: tuple[str, str, str] | None = None
    tokens = iter(output.split(b"\0"))
    for token in tokens:
        text = token.lstrip(b"\n")
        if text.startswith(b"\x02"):
            oid, date, author = text[1:].decode("utf-8", "replace").split("\x03", 2)
            head = (oid, date, author)
        elif text.startswith(b":") and head is not None:
            parents = len(text) - len(text.lstrip(b":"))
            words = text.lstrip(b":").decode("ascii").split(" ")
            mode, blob = words[parents], words[2 * parents + 1]
            path = decode_path(next(tokens))
            gone = not mode.strip("0")
            yield path, Commit(*head, None if gone else mode, None if gone else blob)
