"""Writing YAML: new files as DVC writes them; old ones edited, with comments and order kept.

What is written is what `document.parse_document` reads back: YAML 1.2's plain values. New files go
through PyYAML's emitter, as a deposit of thousands of files writes thousands of pointers; files
that people may have edited are edited by ruamel.yaml's round trip.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ..errors import InvalidFileError, UsageError
from .document import MAX_BYTES, DocumentError, parse_document
from .scalars import NUMERIC, WORDS, resolve

Edit = Callable[[Any], None]

SCHEMAS = "https://neurogister.github.io/neurogister/schemas/"
"""Where the schemas of our files are published; their ``$id`` begin with it."""

_WIDTH = 1000  # DVC never breaks lines; neither do people who compare them


def dump_document(value: Mapping[str, Any], *, schema: str | None = None) -> bytes:
    """Write a new YAML file, in DVC's style.

    Parameters
    ----------
    value : mapping
        Of text, numbers, booleans, None, lists and mappings.
    schema : str, optional
        The name of the schema that it keeps to: a first line tells editors. For files of our own,
        not for pointers.

    Returns
    -------
    bytes
        UTF-8; block style, keys in their order.
    """
    import yaml  # 20 ms

    text: str = yaml.dump(
        value, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_WIDTH,
        default_flow_style=False,
    )  # fmt: skip
    head = (
        "" if schema is None else f"# yaml-language-server: $schema={SCHEMAS}{schema}.schema.json\n"
    )
    return f"{head}{text}".encode()


@cache
def _dumper() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc] # either of two
        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

    def text(dumper: Any, value: str) -> Any:
        style = None
        if "\n" in value and value == value.strip() and not value.startswith(("#", "|", ">")):
            style = "|"
        elif _means_something_else(value):
            style = "'"
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return Dumper


def _means_something_else(text: str) -> bool:
    """Tell whether YAML 1.2 would take unquoted text for something else (1.1 is known already)."""
    if text in WORDS:
        return True
    if text[:1] not in NUMERIC:
        return False
    try:
        return not isinstance(resolve(text), str)
    except ValueError:
        return True


def edit_document(data: bytes, path: str, edit: Edit, *, limit: int = MAX_BYTES) -> bytes:
    """Change a YAML file, and keep what people wrote: comments, order, quotes.

    Parameters
    ----------
    data : bytes
        The file.
    path : str
        Its name, for messages.
    edit : callable
        Changes the mapping that it is given, in place.
    limit : int
        The largest number of bytes that the result may have.

    Returns
    -------
    bytes
        The changed file.

    Raises
    ------
    InvalidFileError
        If it could not be read before, or not afterwards.
    """
    if not isinstance(parse_document(data, path, limit=limit), dict):
        raise DocumentError(path, "is not a mapping (lines of `key: value`)", line=1)
    editor = _editor(data)
    document = editor.load(data.decode())
    edit(document)
    stream = io.BytesIO()
    editor.dump(document, stream)
    changed = stream.getvalue()
    check_document(changed, path, limit=limit)
    return changed


def check_document(data: bytes, path: str, *, limit: int = MAX_BYTES) -> Any:
    """Read back what is about to be written.

    Raises
    ------
    UsageError
        If our own rules for files do not let it pass: a text with control characters, say.
    """
    try:
        return parse_document(data, path, limit=limit)
    except InvalidFileError as error:
        raise UsageError(
            f"{path} cannot be written so: {error.message}", hint="Nothing was changed."
        ) from error


def _editor(data: bytes) -> Any:
    from ruamel.yaml import YAML  # 60 ms; only where a file is rewritten

    editor = YAML()
    editor.Constructor, editor.Representer = _verbatim()
    editor.preserve_quotes = True
    editor.width = _WIDTH
    editor.allow_unicode = True
    editor.explicit_start = data.startswith(b"---")
    mapping, sequence, offset = _indents(data.decode())
    editor.indent(mapping=mapping, sequence=sequence, offset=offset)
    return editor


class _Verbatim(str):
    """A number or date of a file that is edited, as it stands there."""

    __slots__ = ("tag",)
    tag: str


@cache
def _verbatim() -> tuple[Any, Any]:
    """Return what reads and writes numbers and dates as they stand there.

    ruamel.yaml would take more for one than we do: ``1__0`` would become ``1_0``.
    """
    from ruamel.yaml.constructor import RoundTripConstructor
    from ruamel.yaml.representer import RoundTripRepresenter

    class Constructor(RoundTripConstructor):
        pass

    class Representer(RoundTripRepresenter):
        pass

    def read(_: Any, node: Any) -> _Verbatim:
        text = _Verbatim(node.value)
        text.tag = str(node.tag)
        return text

    def write(representer: Any, text: _Verbatim) -> Any:
        return representer.represent_scalar(text.tag, str(text))

    for kind in ("int", "float", "timestamp"):
        Constructor.add_constructor(f"tag:yaml.org,2002:{kind}", read)
    Representer.add_representer(_Verbatim, write)
    return Constructor, Representer


def _indents(text: str) -> tuple[int, int, int]:
    """Tell how far a file indents mappings and lists, so that its other lines stay as they are.

    The first of each counts: in a pointer, that is what DVC wrote.
    """
    mapping, offset, before = 0, -1, -1
    for line in text.splitlines():
        bare = line.lstrip(" ")
        if not bare or bare.startswith("#"):
            continue
        depth = len(line) - len(bare)
        if bare.startswith("- "):
            if before >= 0 > offset:
                offset = max(depth - before, 0)
            before = -1
            continue
        if before >= 0 and depth > before and not mapping:
            mapping = depth - before
        before = depth if bare.rstrip().endswith(":") else -1
    offset = max(offset, 0)
    return mapping or 2, offset + 2, offset
