"""What of a DVC repository does not fit into a registry, and how to mend it; nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from ..backends.dvctrust import judge_config, parse_committed
from ..backends.gitindex import list_index, sizes_of
from ..backends.gitprogram import Git
from ..backends.gitvalues import FILE_MODES, LINK_MODE, SUBMODULE_MODE
from ..backends.remoteconfigs import build_remotes
from ..errors import NeurogisterError
from ..model.clashes import find_clashes
from ..model.dataset import UNKNOWN_LICENSE
from ..model.paths import check_path
from ..registry.layout import COLLECTION_FILE, DATA, DVC_CONFIG, STORE, YAML_LIMIT
from ..registry.worktree import read_worktree

if TYPE_CHECKING:
    from ..backends.gitvalues import TreeEntry
    from ..model.dataset import Dataset
    from .session import Session

_LARGE = 3_000_000
_COMMAND = re.compile(rb"(?m)^\s*(?:-\s+)?[\"']?cmd[\"']?\s*:")
_PLAIN = {"outs", "meta", "desc"}
_PLAIN_OUT = {"md5", "size", "nfiles", "hash", "path"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit.

    Parameters
    ----------
    path : str
        The file or folder, from the top of the repository.
    rule : str
        What kind of thing it is, in a word: ``outside``, ``broken``, ``large`` …
    message : str
        What is wrong with it.
    hint : str, optional
        How to mend it.
    """

    path: str
    rule: str
    message: str
    hint: str | None = None


def find_misfits(session: Session, root: Path) -> list[Misfit]:
    """Find what does not fit into a registry.

    Parameters
    ----------
    session : Session
        The repository, as it is.
    root : Path
        Its work tree.

    Returns
    -------
    list of Misfit
        Sorted by path.
    """
    items = session.reader.everything()
    git = Git(root)
    entries = list_index(git)
    found = [
        *_broken(items),
        *_outside(items),
        *_names(items),
        *_clashes(items),
        *(each for item in items for each in _pointers(session, item)),
        *_collections(session),
        *_configuration(root, entries),
        *_git(entries, _folders_in_tree(root)),
        *_large(git, entries, _folders_in_tree(root)),
        *_pipelines(root, entries),
    ]
    return sorted(found, key=lambda each: (each.path, each.rule, each.message))


def _broken(items: Sequence[Dataset]) -> Iterator[Misfit]:
    for item in items:
        if item.error is not None:
            yield Misfit(item.path, "broken", item.error, "Mend or remove it: it is not read.")


def _outside(items: Sequence[Dataset]) -> Iterator[Misfit]:
    for item in items:
        if item.pointer is None or item.kind == "package":
            continue
        place = item.place
        if not place.startswith(DATA):
            message = f"lies outside {DATA} and {STORE}, and belongs to no collection"
            hint = _move(place, place.rpartition("/")[2])
            yield Misfit(item.path, "outside", message, hint)
        elif item.collection is None:
            name = place.removeprefix(DATA)
            message = f"lies directly in {DATA}, and belongs to no collection"
            yield Misfit(item.path, "outside", message, _move(place, name))


def _move(place: str, name: str) -> str:
    # names come from strangers, and hints are pasted into shells
    return f"`dvc move {quote(place)} {quote(f'{DATA}COLLECTION/{name}')}`"


def _names(items: Sequence[Dataset]) -> Iterator[Misfit]:
    for item in items:
        try:
            check_path(item.place)
        except ValueError as error:
            hint = "Rename it with `dvc move`: not every system and program can have this name."
            yield Misfit(item.path, "name", f"its path {error}", hint)


def _clashes(items: Sequence[Dataset]) -> Iterator[Misfit]:
    owned = [(item.place, item.path) for item in items]
    for later, earlier, why in find_clashes(owned):
        hint = f"Rename one of them (the other is {earlier})."
        yield Misfit(later, "case", f"{why}: some systems can have only one of them", hint)


def _pointers(session: Session, item: Dataset) -> list[Misfit]:
    pointer, path = item.pointer, item.path
    if pointer is None or item.error is not None:
        return []
    found = []
    if pointer.legacy:
        message = "is in DVC 2's form; it is read, but gets no new versions"
        hint = "`dvc cache migrate --dvc-files` brings all of them to DVC 3's, and then `dvc push`."
        found.append(Misfit(path, "dvc2", message, hint))
    if pointer.size is None or (pointer.is_dir and pointer.nfiles is None):
        message = "does not say how large its data is"
        hint = f"`dvc pull {quote(path)}`, then `dvc commit --force {quote(path)}`."
        found.append(Misfit(path, "no-size", message, hint))
    if pointer.imported:
        message = "is an import from elsewhere, which no registry follows"
        hint = (
            f"Keep the data as your own: `dvc unprotect {item.place}`, remove `deps` and `frozen`."
        )
        found.append(Misfit(path, "import", message, hint))
    return found or _breaches(session, path)


def _breaches(session: Session, path: str) -> list[Misfit]:
    """Compare a pointer with its schema, if it has more than what all pointers have."""
    from ..model.document import parse_document
    from ..registry.schemas import check_files  # 0.1 s, of few registries

    data = session.reader.read_file(path) or b""
    document = parse_document(data, path)
    if set(document) <= _PLAIN and set(document["outs"][0]) <= _PLAIN_OUT:
        meta = document.get("meta") or {}
        if "neurogister" not in meta and "desc" not in document:
            return []
    return [
        Misfit(path, "pointer", problem.message, "Remove what DVC does not need there.")
        for problem in check_files({path: data})
    ]


def _collections(session: Session) -> Iterator[Misfit]:
    for collection in session.reader.collections():
        folder = f"{DATA}{collection.name}"
        if collection.error is not None:
            yield Misfit(collection.path, "broken", collection.error, "Mend it.")
        elif collection.license in (None, UNKNOWN_LICENSE):
            hint = f"Ask the owner, and say so in {folder}/{COLLECTION_FILE} (`license: CC0-1.0`)."
            yield Misfit(folder, "license", "its licence is not known", hint)


def _configuration(root: Path, entries: Sequence[TreeEntry]) -> Iterator[Misfit]:
    for entry in entries:
        if entry.path.startswith((".dvc/config.local", ".dvc/cache/", ".dvc/tmp/")):
            message = "is committed, where it stands for what only its user may decide"
            hint = f"`git rm --cached -r {quote(entry.path)}`, and put its secrets out of use."
            yield Misfit(entry.path, "config", message, hint)
    file = read_worktree(root, DVC_CONFIG)
    if file is None or file.mode not in FILE_MODES:
        return
    try:
        for what, how in judge_config(file.data, root=root):
            yield Misfit(DVC_CONFIG, "config", what, how)
    except NeurogisterError as error:
        yield Misfit(DVC_CONFIG, "config", error.message, error.hint)


def _folders_in_tree(root: Path) -> tuple[str, ...]:
    """Return the folders that keep bytes in git on purpose."""
    file = read_worktree(root, DVC_CONFIG)
    try:
        remotes = build_remotes(parse_committed(file.data if file else b"", root), root=root)
    except NeurogisterError:
        return ()
    return tuple(f"{each.in_tree}/" for each in remotes.values() if each.in_tree)


def _git(entries: Sequence[TreeEntry], own: tuple[str, ...]) -> Iterator[Misfit]:
    kinds: dict[str, tuple[str, str, str]] = {
        LINK_MODE: ("link", "is a symbolic link, which is not followed", "Put a file there."),
        SUBMODULE_MODE: ("submodule", "is a submodule, which is not read", "`git rm` it."),
    }  # fmt: skip
    for entry in entries:
        if entry.mode in kinds and not entry.path.startswith(own or "\0"):
            rule, message, hint = kinds[entry.mode]
            yield Misfit(entry.path, rule, message, hint)


def _large(git: Git, entries: Sequence[TreeEntry], own: tuple[str, ...]) -> Iterator[Misfit]:
    files = [each for each in entries if each.mode in FILE_MODES]
    sizes = sizes_of(git, [each.oid for each in files])
    for entry in files:
        size = sizes.get(entry.oid, 0)
        if size > _LARGE and not entry.path.startswith(own or "\0"):
            message = f"has {size / 1e6:,.1f} MB in git, of which every clone has every version"
            hint = f"`git rm --cached {quote(entry.path)} && dvc add {quote(entry.path)}`"
            yield Misfit(entry.path, "large", message, hint)


def _pipelines(root: Path, entries: Sequence[TreeEntry]) -> Iterator[Misfit]:
    for entry in entries:
        if entry.path.rpartition("/")[2] != "dvc.yaml":
            continue
        file = read_worktree(root, entry.path, limit=YAML_LIMIT)
        runs = file is not None and _COMMAND.search(file.data) is not None
        message = "is a pipeline; its outputs are no datasets"
        if runs:
            message += ", and `dvc repro` runs its commands"
        hint = "Keep pipelines in a repository of their own, and import the data from there."
        yield Misfit(entry.path, "pipeline", message, hint)
