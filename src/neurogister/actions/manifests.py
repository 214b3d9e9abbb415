"""Manifests of folders: making one from what is on disk, and checking a folder against one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..backends.cache import digests_of
from ..errors import InvalidFileError, NotFoundError, RefusedError
from ..files import system_errors, walk
from ..model.listing import Entry
from ..model.manifest import parse_manifest
from ..model.paths import check_path
from ..progress import SILENT, Progress
from .verify import CHANGED, EXTRA, MISSING, OK, Verdict

_WORKERS = 4


def build_manifest(
    folder: Path,
    *,
    algorithms: Sequence[str] = ("sha256",),
    without: Path | None = None,
    progress: Progress = SILENT,
) -> list[Entry]:
    """Read every file below a folder once.

    Parameters
    ----------
    folder : Path
        The folder.
    algorithms : sequence of str
        Which digests: ``md5``, ``sha1``, ``sha256``.
    without : Path, optional
        A file that is left out: the manifest itself, if that is in the folder.
    progress : Progress
        Told about each file.

    Returns
    -------
    list of Entry
        In the order of their paths.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    RefusedError
        If it has a link or device, which a manifest cannot stand for.
    InvalidFileError
        If a name could not be written on every system.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder} is not a folder", hint="Give the folder that has the files.")
    found = []
    skipped = None if without is None else os.path.realpath(without)
    with system_errors(folder, "read"):
        for relative, entry in walk(folder):
            if skipped == os.path.realpath(entry.path):
                continue
            if not entry.is_file(follow_symlinks=False):
                raise RefusedError(
                    f"{entry.path} is not a regular file",
                    hint="A manifest lists files only: replace the link by what it leads to.",
                )
            try:
                check_path(relative)
            except ValueError as error:
                raise InvalidFileError(
                    f"{entry.path}: the name {error}", hint="Rename the file."
                ) from None
            found.append((relative, Path(entry.path)))
    found.sort()
    progress.start("Reading", files=len(found), size=sum(os.lstat(p).st_size for _, p in found))

    def read(pair: tuple[str, Path]) -> Entry:
        size, digests = digests_of(pair[1], algorithms)
        progress.advance(files=1, size=size)
        return Entry(
            pair[0], digests.get("md5", ""), size, digests.get("sha256"), digests.get("sha1")
        )

    try:
        with ThreadPoolExecutor(_WORKERS) as executor:
            return list(executor.map(read, found))
    finally:
        progress.finish()


def find_manifest(folder: Path) -> Path:
    """Return the manifest of a folder: beside it, as in a registry, or inside it.

    Raises
    ------
    NotFoundError
        If there is none; the names that were tried are in the message.
    """
    folder = Path(os.path.abspath(folder))  # `.` has no name
    beside = folder.with_name(f"{folder.name}.manifest.csv")
    for path in (beside, folder / "manifest.csv"):
        if path.is_file():
            return path
    raise NotFoundError(
        f"there is neither {beside} nor {folder / 'manifest.csv'}",
        hint="Name it with `--manifest FILE`.",
    )


def check_manifest(folder: Path, manifest: Path, *, progress: Progress = SILENT) -> list[Verdict]:
    """Compare a folder with a manifest: every file's size and every digest that it has.

    Returns
    -------
    list of Verdict
        One for each file of either, in the order of their paths.
    """
    with system_errors(manifest, "read"):
        data = manifest.read_bytes()
    known = {entry.path: entry for entry in parse_manifest(data, name=str(manifest))}
    columns = {
        name for name in ("md5", "sha1", "sha256") if any(getattr(e, name) for e in known.values())
    }
    found = {
        entry.path: entry
        for entry in build_manifest(
            folder, algorithms=sorted(columns), without=manifest, progress=progress
        )
    }
    return [
        _compare(folder, path, known.get(path), found.get(path))
        for path in sorted(known.keys() | found.keys())
    ]


def _compare(folder: Path, path: str, known: Entry | None, found: Entry | None) -> Verdict:
    where = str(folder.joinpath(*path.split("/")))
    if found is None:
        return Verdict(path, where, MISSING, "the file is not there")
    if known is None:
        return Verdict(path, where, EXTRA, "not in the manifest")
    if known.size is not None and known.size != found.size:
        return Verdict(path, where, CHANGED, f"it has {found.size:,} bytes, not {known.size:,}")
    for name in ("sha256", "sha1", "md5"):
        wanted, actual = getattr(known, name), getattr(found, name)
        if wanted and wanted != actual:
            return Verdict(path, where, CHANGED, f"its {name} is {actual}, not {wanted}")
    return Verdict(path, where, OK)
