"""``neurogister.lock``, written: sorted, a line for each file, always the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .lockfile import FORMAT
from .manifest import REGISTRY_COLUMNS, dump_manifest

if TYPE_CHECKING:
    from .locked import Locked, Lockfile
    from .remote import OptionValue

_HEAD = """\
# Which data this project uses, to the byte. Written by `neurogister lock`; commit it.
"""


def dump_lockfile(lockfile: Lockfile) -> bytes:
    """Write a lockfile: always the same bytes for the same content.

    Parameters
    ----------
    lockfile : Lockfile
        What to write.
    """
    parts = [_HEAD, f"format = {FORMAT}\n"]
    if lockfile.folder is not None:
        parts.append(f"folder = {_quoted(lockfile.folder)}\n")
    for registry in sorted(lockfile.registries, key=lambda each: each.url):
        parts.append(f"\n[[registry]]\n{_pairs(url=registry.url)}")
        for remote in registry.remotes:
            options = dict(sorted(remote.options.items()))
            said = _pairs(name=remote.name, url=remote.url, in_tree=remote.in_tree, **options)
            parts.append(f"\n[[registry.remote]]\n{said}")
    parts += [_dump_locked(each) for each in sorted(lockfile.locked, key=lambda each: each.key)]
    return "".join(parts).encode()


def _dump_locked(each: Locked) -> str:
    said = _pairs(
        name=each.name, part=each.part, kind=each.kind, id=each.id, version=each.version,
        registry=each.registry, commit=each.commit, md5=each.md5, size=each.size,
        sha256=each.sha256, legacy=each.legacy or None, executable=each.executable or None,
        withdrawn=each.withdrawn or None,
    )  # fmt: skip
    archive = "" if each.zip is None else f"zip = {{ {_inline(each.zip.as_mapping())} }}\n"
    return f"\n[[locked]]\n{said}{archive}{_dump_files(each) if each.is_folder else ''}"


def _dump_files(each: Locked) -> str:
    columns: Sequence[str] = REGISTRY_COLUMNS
    if any(entry.sha1 is not None for entry in each.files):
        columns = ("size", "md5", "sha1", "sha256", "path")
    rows = dump_manifest(each.files, columns=columns).decode()
    # A path has no backslash, and no quote: nothing has to be escaped in either form.
    fence = "'''" if "'''" not in rows else '"""'
    return f"files = {fence}\n{rows}{fence}\n"


def _pairs(**values: OptionValue | None) -> str:
    return "".join(
        f"{key} = {_dumped(value)}\n" for key, value in values.items() if value is not None
    )


def _inline(values: Mapping[str, OptionValue]) -> str:
    return ", ".join(f"{key} = {_dumped(value)}" for key, value in values.items())


def _dumped(value: OptionValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
