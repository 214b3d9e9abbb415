"""The remotes that DVC's configuration describes, each made of what its files say about it."""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import InvalidFileError, NeurogisterError, RefusedError
from ..model.remote import OptionValue, RemoteConfig
from .dvcoptions import ADDRESSING, PATHS, parse_option
from .dvcsettings import Entry, Settings, shown

_URL = re.compile(r"\A\w[\w+.-]*://")

Entries = dict[str, Entry]


def build_remotes(settings: Settings, *, root: Path | None) -> dict[str, RemoteConfig]:
    """Make the remotes of a configuration.

    What is wrong with one of them is its `RemoteConfig.problem`: others may still be used.

    Parameters
    ----------
    settings : Settings
        Of all files together.
    root : Path, optional
        The registry's work tree, if it has one.
    """
    found: dict[str, Entries] = {}
    for (section, name, key), entry in settings.items():
        if section == "remote" and name:
            found.setdefault(name, {})[key] = entry
    single = {name: _build(name, entries, root) for name, entries in found.items()}
    return {name: _resolve(remote, single, ()) for name, remote in single.items()}


@dataclass(frozen=True)
class _Place:
    """Where a remote is: its URL, or the path of a folder, perhaps in the registry."""

    url: str
    in_tree: str | None = None
    problem: NeurogisterError | None = None


def _build(name: str, entries: Entries, root: Path | None) -> RemoteConfig:
    problem: NeurogisterError | None = None
    options: dict[str, OptionValue] = {}
    place = _Place("")
    for key, entry in entries.items():
        try:
            if key == "url":
                place = _locate(entry, root)
            else:
                options[key] = _parse(entry)
        except NeurogisterError as error:
            problem = problem or error
    if "url" not in entries:
        problem = InvalidFileError(
            f"the remote {shown(name)!r} has no url",
            hint=f"`dvc remote modify {shown(name)} url URL` says where it is.",
        )
    return RemoteConfig(
        name=name,
        url=place.url,
        options=options,
        origin=entries["url"].source.label if "url" in entries else "",
        committed=frozenset(key for key, entry in entries.items() if not entry.source.trusted),
        in_tree=place.in_tree,
        problem=problem or place.problem,
    )


def _parse(entry: Entry) -> OptionValue:
    if entry.key == "type":
        return entry.value if isinstance(entry.value, str) else ",".join(entry.value)
    try:
        value = parse_option(entry.key, entry.text)
    except ValueError as error:
        raise entry.invalid(str(error)) from None
    if entry.key in PATHS and entry.text and not _URL.match(entry.text):
        return _own_path(entry, entry.text)
    if entry.key == "ssl_verify" and isinstance(value, str):
        return os.path.expanduser(value)
    return value


def _locate(entry: Entry, root: Path | None) -> _Place:
    """Say where the ``url`` of a remote leads, from the file in which it stands."""
    url = entry.text
    try:
        parts = urlsplit(url)
    except ValueError:
        raise entry.invalid("is not a URL") from None
    if parts.scheme.lower() == "file" and _URL.match(url):
        from urllib.request import url2pathname  # 30 ms

        url = url2pathname(parts.path)
    elif _URL.match(url):
        return _Place(url)
    if entry.source.trusted:
        return _Place(_own_path(entry, url))
    return _locate_committed(entry, url, root)


def _locate_committed(entry: Entry, path: str, root: Path | None) -> _Place:
    name = shown(entry.name)
    if path.startswith("~"):
        return _Place(path, problem=RefusedError(
            f"{entry.place}: the remote {name!r} is {shown(path)}, in somebody's home folder",
            hint=f"If it is in yours: `dvc remote modify --local {name} url {shown(path)}`.",
        ))  # fmt: skip
    if posixpath.isabs(path) or ntpath.isabs(path) or ntpath.splitdrive(path)[0]:
        return _Place(path)
    return _inside(posixpath.join(".dvc", _with_slashes(path)), entry.place, name, root)


def _inside(path: str, where: str, name: str, root: Path | None) -> _Place:
    """Return the place at a path from the top of the registry, which it may leave."""
    path = posixpath.normpath(path)
    in_tree = None if path == ".." or path.startswith("../") else path
    if root is not None:
        return _Place(os.path.abspath(root / path), in_tree)
    if in_tree is not None:
        return _Place(in_tree, in_tree)
    return _Place(path, problem=RefusedError(
        f"{where}: the remote {name!r} is a folder outside the registry, beside a checkout of it",
        hint="Clone the registry to where that folder is, and work there.",
    ))  # fmt: skip


def _own_path(entry: Entry, path: str) -> str:
    """Return a path that stands in a file of the user's own."""
    return os.path.abspath(os.path.join(entry.source.folder or "", os.path.expanduser(path)))


def _with_slashes(path: str) -> str:
    return path.replace("\\", "/") if os.sep == "\\" else path


def _resolve(
    remote: RemoteConfig, others: Mapping[str, RemoteConfig], seen: tuple[str, ...]
) -> RemoteConfig:
    """Follow ``remote://other/path`` to what it means."""
    if remote.scheme != "remote" or remote.problem is not None:
        return remote
    name, _, path = remote.url.partition("://")[2].partition("/")
    seen = (*seen, remote.name)
    base = others.get(name.lower())
    problem: NeurogisterError | None = None
    if base is None:
        problem = _broken(remote, f"{shown(name)!r}, which there is not")
    elif base.name in seen:
        problem = _broken(remote, f"{shown(name)!r}, and so on to itself")
    else:
        base = _resolve(base, others, seen)
        problem = base.problem or _steering(remote, base)
    return _on_top(remote, base, path) if base and not problem else replace(remote, problem=problem)


def _broken(remote: RemoteConfig, why: str) -> InvalidFileError:
    return InvalidFileError(
        f"{remote.origin}: the remote {shown(remote.name)!r} is a part of the remote {why}",
        hint="`dvc remote list` shows them all.",
    )


def _steering(remote: RemoteConfig, base: RemoteConfig) -> RefusedError | None:
    """Refuse that the registry sends the credentials of a user's own remote elsewhere."""
    options = remote.committed & (ADDRESSING - {"url"})
    if not options or "url" in base.committed:
        return None
    return RefusedError(
        f"{remote.origin}: the remote {shown(remote.name)!r} is a part of your own remote"
        f" {shown(base.name)!r}, and may not change its {', '.join(sorted(options))}",
        hint=f"`dvc remote modify --local {shown(remote.name)} OPTION VALUE` if you trust it.",
    )


def _on_top(remote: RemoteConfig, base: RemoteConfig, path: str) -> RemoteConfig:
    """Return a remote that is a folder of another one, with options of its own."""
    committed = {key for key in base.committed if key not in remote.options}
    committed |= remote.committed & remote.options.keys()
    in_tree = None
    if base.scheme:
        url = f"{base.url.rstrip('/')}/{path}"
    else:
        url = os.path.normpath(os.path.join(base.url, path))
        if base.in_tree is not None:
            in_tree = posixpath.normpath(posixpath.join(base.in_tree, path))
            if in_tree == ".." or in_tree.startswith("../"):
                problem = _broken(remote, f"{shown(base.name)!r}, and outside of it")
                return replace(remote, problem=problem)
    return replace(
        remote,
        url=url,
        options={**base.options, **remote.options},
        committed=frozenset(committed),
        in_tree=in_tree,
    )
