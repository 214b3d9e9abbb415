"""One file of DVC's configuration: its settings, and the line on which each stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidFileError

MAX_BYTES = 1 << 20

_NAMED = re.compile(r"^\s*(remote|machine|db)\s*\"(.*)\"\s*$")
_HEADER = re.compile(r"\s*\[(.*)\]\s*(#.*)?\Z")


@dataclass(frozen=True)
class Source:
    """A file of the configuration.

    Parameters
    ----------
    label : str
        What messages call it.
    folder : Path, optional
        Where it lies, as relative paths in it start there; none if it is read from git.
    trusted : bool
        Whether it is the user's own, and not the registry's.
    """

    label: str
    folder: Path | None
    trusted: bool


@dataclass(frozen=True)
class Entry:
    """One setting: ``key = value`` in a section, which may be that of one remote.

    Parameters
    ----------
    section : str
        As ``core``, or ``remote`` for all remotes.
    name : str
        Of the remote; else empty.
    key : str
        In lower case.
    value : str or list of str
        As DVC takes it: what has a comma outside quotes is a list.
    source : Source
        Where it stands.
    line : int, optional
        The line, from 1, if it could be found.
    """

    section: str
    name: str
    key: str
    value: str | list[str]
    source: Source
    line: int | None = None

    @property
    def id(self) -> tuple[str, str, str]:
        """What it sets: the same in all files."""
        return self.section, self.name, self.key

    @property
    def dotted(self) -> str:
        """What it sets, as ``dvc config`` wants it."""
        return ".".join(part for part in self.id if part)

    @property
    def place(self) -> str:
        """Where it stands, as ``.dvc/config, line 3``."""
        return self.source.label if self.line is None else f"{self.source.label}, line {self.line}"

    @property
    def text(self) -> str:
        """The value, which must not be a list.

        Raises
        ------
        InvalidFileError
            If it is one.
        """
        if isinstance(self.value, list):
            raise self.invalid("has a comma: put the value in quotes")
        return self.value

    def invalid(self, reason: str) -> InvalidFileError:
        """Return the error that says what is wrong with the value."""
        return InvalidFileError(
            f"{self.place}: {shown(self.dotted)} {reason}",
            hint=f"Mend it there, or with `dvc config {shown(self.dotted)} VALUE`.",
        )


Settings = dict[tuple[str, str, str], Entry]


def parse_settings(data: bytes, source: Source) -> Settings:
    """Take a file of the configuration apart, as DVC does.

    Parameters
    ----------
    data : bytes
        The content of the file.
    source : Source
        Where it comes from.

    Returns
    -------
    dict
        The settings; what stands in sections within sections is left out.

    Raises
    ------
    InvalidFileError
        If DVC could not read it either.
    """
    if len(data) > MAX_BYTES:
        raise InvalidFileError(f"{source.label} is larger than {MAX_BYTES:,} bytes")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidFileError(f"{source.label} is not UTF-8: {error.reason}") from error
    sections = _parse_ini(lines, source)
    numbers = _number_lines(lines)
    found: Settings = {}
    for header, content in sections.items():
        if not isinstance(content, Mapping):
            continue  # a key before the first section says nothing to DVC
        section, name = _split_header(header)
        for key, value in content.items():
            if isinstance(value, str | list):
                line = numbers.get((section, name, key))
                entry = Entry(section, name, key, value, source, line)
                found[entry.id] = entry
    return found


def shown(text: str) -> str:
    """Return a name out of a file without what would confuse a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:200])


def _parse_ini(lines: list[str], source: Source) -> dict[str, object]:
    from configobj import ConfigObj, ConfigObjError  # only whoever needs remotes or the cache

    try:
        # No `%(name)s` in a stranger's file: ten levels of it can fill the memory.
        content = ConfigObj(lines, interpolation=source.trusted).dict()
    except ConfigObjError as error:
        raise InvalidFileError(
            f"{source.label} is not a DVC configuration: {shown(str(error))}",
            hint="`dvc config --list` shows whether DVC can read it.",
        ) from error
    return _lower(content)


def _lower(content: Mapping[str, object]) -> dict[str, object]:
    return {
        key.lower(): _lower(value) if isinstance(value, Mapping) else value
        for key, value in content.items()
    }


def _split_header(header: str) -> tuple[str, str]:
    found = _NAMED.match(header)
    return (found[1], found[2]) if found else (header, "")


def _number_lines(lines: list[str]) -> dict[tuple[str, str, str], int]:
    """Find the lines on which settings stand; ``configobj`` does not tell."""
    return {id_: number for number, id_ in _find_keys(lines)}


def _find_keys(lines: list[str]) -> Iterator[tuple[int, tuple[str, str, str]]]:
    section, name = "", ""
    for number, line in enumerate(lines, 1):
        if header := _HEADER.match(line):
            section, name = _split_header(_unquoted(header[1]).lower())
        elif "=" in line:
            yield number, (section, name, _unquoted(line.partition("=")[0]).lower())


def _unquoted(text: str) -> str:
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text
