"""The files of a new registry, as they come with neurogister.

Every file below ``templates/registry`` is one: `dot-` at the start of a name stands for a dot (so
that git and DVC do not obey these files in our own repository), ``@NAME@`` and ``@TITLE@`` for
what the registry is called, ``@REMOTE@`` for the folder of a remote that lies in the registry.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..model.writing import dump_document
from .schemas import schema_files

_FOLDER = Path(__file__).parent.parent / "templates" / "registry"
_DOT = "dot-"
_YAML = (".yaml", ".yml")


def registry_files(name: str, title: str, remote: str = "remote") -> dict[str, bytes]:
    """Return what a new registry consists of, but for DVC's own files.

    Parameters
    ----------
    name, title : str
        What it is called.
    remote : str
        The folder that is, or could be, its remote.

    Returns
    -------
    dict of str to bytes
        By path from the top of the registry.
    """
    values = {"@NAME@": name, "@TITLE@": title, "@REMOTE@": remote}
    files = {
        _path_of(path): _filled(path.read_bytes(), path.suffix, values)
        for path in sorted(_FOLDER.rglob("*"))
        if path.is_file()
    }
    schemas = {
        f"schemas/{path.name}": path.read_bytes().replace(b"\r\n", b"\n")
        for path in schema_files().values()
    }
    return {**schemas, **files}


def _path_of(path: Path) -> str:
    parts = path.relative_to(_FOLDER).parts
    return "/".join(f".{part[len(_DOT) :]}" if part.startswith(_DOT) else part for part in parts)


def _filled(data: bytes, suffix: str, values: dict[str, str]) -> bytes:
    """Put values in the place of their names; in YAML as values of its own, quoted if need be."""

    def value(found: re.Match[bytes]) -> bytes:
        text = values[found[0].decode()]
        if suffix not in _YAML:
            return text.encode()
        return dump_document({"x": text})[len(b"x: ") :].rstrip(b"\n")

    data = data.replace(b"\r\n", b"\n")  # of a checkout on Windows
    return re.sub("|".join(values).encode(), value, data)
