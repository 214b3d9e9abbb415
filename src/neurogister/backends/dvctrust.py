"""What a registry's committed configuration may say: anybody who writes a pull request wrote it.

`dvcoptions` says which options do harm; here each setting is judged, and either refused, told of,
or taken.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from ..errors import NeurogisterError, RefusedError
from ..model.remote import RemoteConfig
from .dvcoptions import (
    CACHE_HARMLESS,
    CORE_HARMLESS,
    HARMFUL,
    HARMLESS,
    SECRETS,
    SECTION_HARMFUL,
)
from .dvcsettings import Entry, Settings, Source, parse_settings, shown
from .remoteconfigs import build_remotes

COMMITTED = ".dvc/config"
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Remark:
    """What is to be said of a committed setting.

    Parameters
    ----------
    entry : Entry
        The setting.
    kind : {'invalid', 'harm', 'secret', 'unknown'}
        Whether it makes no sense, could do harm, gives a secret away, or means nothing to us.
    why : str
        As a sentence without its subject.
    """

    entry: Entry
    kind: Literal["invalid", "harm", "secret", "unknown"]
    why: str

    def error(self, *, in_checkout: bool) -> NeurogisterError | None:
        """Return why the configuration cannot be used, if that is so.

        Parameters
        ----------
        in_checkout : bool
            Whether the user has the registry at hand, to look at it.
        """
        if self.kind == "invalid":
            return self.entry.invalid(self.why)
        if self.kind == "harm":
            return refusal(self.entry, self.why, in_checkout=in_checkout)
        return None

    @property
    def note(self) -> str:
        """What somebody should know of it, where it does no harm."""
        entry = self.entry
        if self.kind == "secret":
            return (
                f"{entry.place}: {shown(entry.dotted)} is a secret that everybody can read in git;"
                " replace it, and keep the new one with"
                f" `dvc config --local {shown(entry.dotted)} …`"
            )
        used = entry.section in ("core", "cache") or (entry.section == "remote" and entry.name)
        what = shown(entry.dotted) if used else f"the section {shown(entry.section)!r}"
        return f"{COMMITTED}: {what} says nothing to neurogister"


def remarks_on(settings: Settings) -> list[Remark]:
    """Judge committed settings, each by itself.

    Parameters
    ----------
    settings : dict
        As `parse_settings` returns them.
    """
    return [remark for entry in settings.values() if (remark := _remark_on(entry)) is not None]


def parse_committed(data: bytes, root: Path | None = None) -> Settings:
    """Take the committed configuration apart.

    Parameters
    ----------
    data : bytes
        Its content.
    root : Path, optional
        The registry's work tree; none if it is read straight from git.

    Raises
    ------
    InvalidFileError
        If it is not what DVC can read.
    """
    folder = None if root is None else Path(os.path.abspath(root)) / ".dvc"
    return parse_settings(data, Source(COMMITTED, folder, trusted=False))


def judge_config(committed: bytes, *, root: Path) -> list[tuple[str, str | None]]:
    """Say all that somebody should know about a committed configuration, without using it.

    Parameters
    ----------
    committed : bytes
        The content of ``.dvc/config``.
    root : Path
        The registry's work tree.

    Returns
    -------
    list of (str, str or None)
        What is wrong or odd, and what to do about it.

    Raises
    ------
    InvalidFileError
        If DVC could not read it either.
    """
    settings = parse_committed(committed, root)
    found: list[tuple[str, str | None]] = []
    for remark in remarks_on(settings):
        error = remark.error(in_checkout=True)
        found.append((remark.note, None) if error is None else (error.message, error.hint))
    for remote in build_remotes(settings, root=root).values():
        found += _judge_remote(remote)
    if ("core", "", "remote") not in settings:
        found.append((f"{COMMITTED}: no default remote", "`dvc remote add -d NAME URL`"))
    return found


def is_known(entry: Entry) -> bool:
    """Tell whether a committed setting means something to us, and may be taken."""
    if entry.section == "remote" and entry.name:
        return entry.key in HARMLESS or entry.key == "ssl_verify"
    known = {"core": CORE_HARMLESS, "cache": CACHE_HARMLESS}.get(entry.section, frozenset())
    return entry.key in known


def refusal(entry: Entry, why: str, *, in_checkout: bool) -> RefusedError:
    """Return the error for a setting that only the user's own configuration may have.

    Parameters
    ----------
    entry : Entry
        The setting.
    why : str
        What is wrong with it, as a sentence.
    in_checkout : bool
        Whether the user has the registry at hand, to look at it.
    """
    command = f"`dvc config --local {shown(entry.dotted)} VALUE`"
    look = "Look" if in_checkout else "Clone the registry and look"
    return RefusedError(
        f"{entry.place} sets {shown(entry.dotted)}, which only your own configuration may: {why}",
        hint=f"{look} at the value. If you trust it, say so: {command}.",
    )


def remark_on_place(remote: RemoteConfig) -> str | None:
    """Say that a committed remote is a folder of one computer, if it is."""
    if remote.scheme or "url" not in remote.committed or remote.in_tree is not None:
        return None
    return (
        f"{COMMITTED}: the remote {shown(remote.name)!r} is a folder outside the registry"
        f" ({remote.address}), which others may not have"
    )


def _judge_remote(remote: RemoteConfig) -> Iterator[tuple[str, str | None]]:
    name = shown(remote.name)
    if remote.problem is not None:
        yield remote.problem.message, remote.problem.hint
    elif (note := remark_on_place(remote)) is not None:
        yield note, None
    if not remote.flag("verify"):
        yield (
            f"{COMMITTED}: of the remote {name!r}, plain DVC does not check what it downloads",
            f"`dvc remote modify {name} verify true`",
        )


def _remark_on(entry: Entry) -> Remark | None:
    if not (entry.name.isprintable() and len(entry.name) <= _LONGEST_NAME):
        return Remark(entry, "invalid", "is set for what is not a name of a remote")
    if isinstance(entry.value, list) and (entry.section, entry.key) == ("cache", "dir"):
        return Remark(entry, "invalid", "has a comma: put the value in quotes")
    if (why := _harm(entry)) is not None:
        return Remark(entry, "harm", why)
    if _is_secret(entry):
        return Remark(entry, "secret", "it is a secret that everybody can read in git")
    return None if is_known(entry) else Remark(entry, "unknown", "it says nothing to neurogister")


def _harm(entry: Entry) -> str | None:
    """Say what harm a committed setting could do; None if it is harmless."""
    if entry.section == "remote" and entry.name:
        if entry.key == "ssl_verify" and str(entry.value).lower() == "true":
            return None
        return HARMFUL.get(entry.key)
    if (entry.section, entry.key) == ("cache", "dir"):
        return None if _stays_inside(entry.text) else "it moves the cache out of the registry"
    return SECTION_HARMFUL.get((entry.section, entry.key))


def _stays_inside(path: str) -> bool:
    """Tell whether a path from ``.dvc`` stays in the registry, and out of git's own folder."""
    if os.path.isabs(path) or path.startswith(("~", "/")) or "\\" in path or ":" in path:
        return False
    parts = posixpath.normpath(posixpath.join(".dvc", path)).split("/")
    return parts[0] != ".." and not any(part.lower().startswith(".git") for part in parts)


def _is_secret(entry: Entry) -> bool:
    if entry.section != "remote":
        return False
    if entry.key != "url":
        return entry.key in SECRETS and bool(entry.value)
    try:
        return isinstance(entry.value, str) and urlsplit(entry.value).password is not None
    except ValueError:
        return False
