"""What git tracks in a work tree, as its index has it; making a new repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .gitvalues import TreeEntry, decode_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .gitprogram import Git


def make_repository(git: Git) -> None:
    """Make a repository in a folder, or complete one that was made by half."""
    git.run("init", "--quiet", "--initial-branch=main")


def is_repository(git: Git) -> bool:
    """Tell whether a folder is the top of a complete repository with a work tree."""
    code, output, _ = git.attempt("rev-parse", "--show-cdup", "--is-inside-work-tree")
    return code == 0 and output.split(b"\n")[:2] == [b"", b"true"]


def list_index(git: Git) -> list[TreeEntry]:
    """List what git tracks, staged or committed."""
    entries = []
    for line in git.run("ls-files", "--stage", "-z", "--full-name").split(b"\0"):
        if line:
            meta, path = line.split(b"\t", 1)
            mode, oid, _ = meta.decode("ascii").split(" ")
            entries.append(TreeEntry(decode_path(path), mode, oid))
    return entries


def sizes_of(git: Git, oids: Iterable[str]) -> dict[str, int]:
    """Return how large blobs are, by their ids; those that are not here are left out."""
    output = git.run(
        "cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer",
        stdin="".join(f"{oid}\n" for oid in dict.fromkeys(oids)).encode(),
    )  # fmt: skip
    words = [line.split(" ") for line in output.decode("ascii").splitlines()]
    return {oid: int(size) for oid, size in words if size.isdecimal()}


def unfinished(git: Git, pattern: str = "", *, committed: bool = True) -> list[str]:
    """Return the files that are not committed, or not even staged, as they are.

    Parameters
    ----------
    git : Git
        Bound to the top of a work tree.
    pattern : str
        Which files; without it, all.
    committed : bool
        Whether those count that are staged.
    """
    output = git.run(
        "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames",
        *(("--", pattern) if pattern else ()),
    )  # fmt: skip
    lines = [each for each in output.split(b"\0") if each]
    return [decode_path(each[3:]) for each in lines if committed or each[1:2] != b" "]


def with_carriage_returns(git: Git, pattern: str) -> list[str]:
    """Return the tracked files, of some pattern, that are stored with CRLF line ends."""
    found = []
    for line in git.run("ls-files", "--eol", "-z", "--", pattern).split(b"\0"):
        info, _, path = line.partition(b"\t")
        if info[:6] in (b"i/crlf", b"i/mixe"):
            found.append(decode_path(path))
    return found
