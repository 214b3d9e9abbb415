"""DVC's configuration, read as DVC reads it, but with little trust in the committed file.

Each file shadows the one before it: system, global, the registry's committed ``.dvc/config``,
``.dvc/config.local``. The committed one comes with the registry, from whoever wrote it; the
others are the user's own. `dvctrust` says what a stranger may set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import NotFoundError
from ..files import system_errors
from ..model.remote import RemoteConfig
from .dvcoptions import ADDRESSING, parse_bool, parse_link_kinds
from .dvcsettings import Entry, Settings, Source, parse_settings, shown
from .dvctrust import (
    COMMITTED,
    is_known,
    parse_committed,
    refusal,
    remark_on_place,
    remarks_on,
)
from .remoteconfigs import build_remotes

DEFAULT_LINKS = ("reflink", "copy")
_LOCAL = ".dvc/config.local"


@dataclass(frozen=True)
class DVCConfig:
    """What DVC's configuration says, as far as we use it.

    Parameters
    ----------
    default_remote : str, optional
        The remote to be asked if nobody names one.
    remotes : mapping
        The remotes by their names (in lower case, as in DVC).
    cache_dir : Path, optional
        Where the cache is, if not at ``.dvc/cache``.
    cache_types : tuple of str
        The kinds of links to the cache, in order of preference.
    shared_group : bool
        Whether all members of a group may write to the cache.
    verify : bool
        Whether DVC itself checks what is in the cache.
    notes : tuple of str
        What somebody should know about the configuration; for ``doctor`` and ``validate``.
    """

    default_remote: str | None
    remotes: Mapping[str, RemoteConfig]
    cache_dir: Path | None = None
    cache_types: tuple[str, ...] = DEFAULT_LINKS
    shared_group: bool = False
    verify: bool = False
    notes: tuple[str, ...] = ()

    def remote(self, name: str | None = None) -> RemoteConfig:
        """Return a remote by its name, or else the default one.

        Raises
        ------
        NotFoundError
            If there is none of that name, or no default.
        """
        wanted = (name or self.default_remote or "").lower()
        known = ", ".join(shown(each) for each in sorted(self.remotes)) or "none"
        if not wanted:
            raise NotFoundError(
                "the DVC configuration names no default remote",
                hint=f"Choose one with `--remote NAME` (there are: {known}),"
                " or for always with `dvc remote default NAME`.",
            )
        if wanted not in self.remotes:
            raise NotFoundError(
                f"there is no remote '{shown(wanted)}' in the DVC configuration",
                hint=f"It has: {known} (`dvc remote list`).",
            )
        return self.remotes[wanted]


def read_config(committed: bytes | None, *, root: Path | None) -> DVCConfig:
    """Read DVC's configuration.

    Parameters
    ----------
    committed : bytes, optional
        The content of the registry's ``.dvc/config``, if it has one.
    root : Path, optional
        The registry's work tree; none if it is read straight from git.

    Raises
    ------
    RefusedError
        If the committed file asks for something that a stranger may not decide: to run a
        program, to read a file of this computer, to move the cache.
    InvalidFileError
        If a file is not what DVC can read.
    """
    dvc_dir = None if root is None else Path(os.path.abspath(root)) / ".dvc"
    merged = _read_own_settings()
    local = _read_file(dvc_dir / "config.local", _LOCAL) if dvc_dir else {}
    theirs = parse_committed(committed or b"", root)
    theirs = {id_: entry for id_, entry in theirs.items() if id_ not in local}
    notes = []
    for remark in remarks_on(theirs):
        if (error := remark.error(in_checkout=root is not None)) is not None:
            raise error
        notes.append(remark.note)
    theirs = {id_: entry for id_, entry in theirs.items() if is_known(entry)}
    notes += _keep_apart(merged, theirs)
    merged |= theirs
    merged |= local
    remotes = build_remotes(merged, root=root)
    notes += [note for remote in remotes.values() if (note := remark_on_place(remote))]
    return _build(merged, remotes, tuple(dict.fromkeys(notes)), root)


def _build(
    merged: Settings, remotes: Mapping[str, RemoteConfig], notes: tuple[str, ...], root: Path | None
) -> DVCConfig:
    default = merged.get(("core", "", "remote"))
    types = merged.get(("cache", "", "type"))
    shared = merged.get(("cache", "", "shared"))
    verify = merged.get(("cache", "", "verify"))
    if shared is not None and shared.text.lower() != "group":
        raise shared.invalid("must be 'group'")
    return DVCConfig(
        default_remote=default.text.lower() or None if default else None,
        remotes=remotes,
        cache_dir=_cache_dir(merged.get(("cache", "", "dir")), root),
        cache_types=_link_kinds(types) if types else DEFAULT_LINKS,
        shared_group=shared is not None,
        verify=_truth(verify) if verify else False,
        notes=notes,
    )


def _link_kinds(entry: Entry) -> tuple[str, ...]:
    try:
        return parse_link_kinds(entry.value) or DEFAULT_LINKS
    except ValueError as error:
        raise entry.invalid(str(error)) from None


def _truth(entry: Entry) -> bool:
    try:
        return parse_bool(entry.text)
    except ValueError as error:
        raise entry.invalid(str(error)) from None


def _cache_dir(entry: Entry | None, root: Path | None) -> Path | None:
    if entry is None or not entry.text or entry.source.folder is None:
        return None  # without a work tree there is no cache inside the registry
    path = os.path.abspath(entry.source.folder / os.path.expanduser(entry.text))
    if not entry.source.trusted and root is not None:
        _refuse_links(entry, Path(os.path.abspath(root)), Path(path))
    return Path(path)


def _refuse_links(entry: Entry, root: Path, path: Path) -> None:
    """A committed link could lead a committed ``cache.dir`` out of the registry."""
    for parent in [path, *path.parents]:
        if parent == root:
            return
        if parent.is_symlink():
            raise refusal(entry, f"{parent} is a symbolic link", in_checkout=True)


def _read_own_settings() -> Settings:
    """Read what the computer and the user configure, where DVC looks for it."""
    import platformdirs  # only whoever needs remotes or the cache

    environment = os.environ
    system = environment.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir(
        "dvc", "iterative"
    )
    own = environment.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir(
        "dvc", "iterative"
    )
    settings: Settings = {}
    for folder in (system, own):
        path = Path(folder) / "config"
        settings |= _read_file(path, str(path))
    return settings


def _read_file(path: Path, label: str) -> Settings:
    with system_errors(path, "read"):
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return {}
    return parse_settings(data, Source(label, Path(os.path.abspath(path.parent)), trusted=True))


def _keep_apart(ours: Settings, theirs: Settings) -> list[str]:
    """Let no committed setting lead the credentials of a user's own remote elsewhere.

    Where both have a remote of one name at different addresses, it is the registry's, and what
    the user says of the other one does not count.
    """
    notes = []
    for name in sorted({name for section, name, _ in theirs if section == "remote" and name}):
        if ("remote", name, "url") not in ours or not _differs(ours, theirs, name):
            continue
        if ("remote", name, "url") in theirs:
            _drop(ours, [id_ for id_ in ours if id_[:2] == ("remote", name)])
            notes.append(
                f"{COMMITTED}: the remote {shown(name)!r} is another one than in your own"
                " configuration, whose settings for it are not used here"
            )
        else:
            _drop(theirs, [("remote", name, key) for key in ADDRESSING])
            notes.append(
                f"{COMMITTED}: another address for your own remote {shown(name)!r} is not used"
            )
    return notes


def _differs(ours: Settings, theirs: Settings, name: str) -> bool:
    for key in ADDRESSING:
        mine, other = (settings.get(("remote", name, key)) for settings in (ours, theirs))
        if other is not None and (mine is None or mine.value != other.value):
            return True
    return False


def _drop(settings: Settings, ids: list[tuple[str, str, str]]) -> None:
    for id_ in ids:
        settings.pop(id_, None)
