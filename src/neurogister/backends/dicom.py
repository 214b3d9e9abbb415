"""DICOM files: which of the tags that show who a person is are filled in a header.

Files come from strangers. Only the header is read, up to the pixels, and never more than 32 MiB of
it; what is packed is unpacked to that size at most; sequences are followed 16 levels deep. A value
is looked at as bytes and never decoded, as all that counts is whether there is one.
"""

from __future__ import annotations

import io
import logging
import warnings
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import InvalidFileError, MissingExtraError
from ..files import open_regular, system_errors
from ..model.identifying import Tag, is_dummy, tags

if TYPE_CHECKING:
    from pydicom.dataset import Dataset as Header

HEAD = 132
"""How many bytes tell whether a file is DICOM."""
LIMIT = 32 << 20
_DEEPEST = 16
_DEFLATED = "1.2.840.10008.1.2.1.99"
_IDENTITY_REMOVED = 0x00120062
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})


def is_dicom(head: bytes | memoryview) -> bool:
    """Tell whether a file is DICOM by its first 132 bytes."""
    return bytes(head[128:HEAD]) == b"DICM"


def is_dicom_file(path: Path) -> bool:
    """Tell whether a file on disk is DICOM, whatever its name; only 132 bytes are read."""
    with system_errors(path, "read"), open_regular(path) as stream:
        return is_dicom(stream.read(HEAD))


def filled_tags(path: Path) -> list[Tag]:
    """Return the tags of a DICOM file that show who a person is, and have a value.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of Tag
        In the order of their numbers, each once. Of a header that says that identities were
        removed (PatientIdentityRemoved), only those that should not be there even then: values
        in the others are dummies.

    Raises
    ------
    MissingExtraError
        If pydicom is not installed.
    InvalidFileError
        If the header cannot be read within its bounds.
    """
    with system_errors(path, "read"), open_regular(path) as stream:
        return filled_tags_of(stream, str(path))


def filled_tags_of(stream: BinaryIO, name: str) -> list[Tag]:
    """Return the same for an open file; `name` stands for it in messages."""
    _need_pydicom()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns of what is odd, which is no fault here
            header = _read(_Bounded(stream, LIMIT))
            found = {tag.number: tag for tag in _filled(header, 0)}
            removed = _text(header, _IDENTITY_REMOVED).upper() == "YES"
    except _TooMuchError as error:
        raise _unreadable(name, str(error)) from None
    except (RecursionError, MemoryError) as error:
        raise _unreadable(name, "is nested too deeply") from error
    except Exception as error:  # pydicom raises whatever its parts raise at a broken file
        raise _unreadable(name, f"cannot be read: {' '.join(str(error).split())[:120]}") from error
    tags_found = [found[number] for number in sorted(found)]
    return [tag for tag in tags_found if not removed or tag.action == "X"]


class _TooMuchError(Exception):
    """A header that is larger than one may be."""


def _unreadable(name: str, why: str) -> InvalidFileError:
    return InvalidFileError(
        f"the DICOM header of {name} {why}",
        hint="Look at the file with a DICOM viewer. What cannot be read cannot be checked for"
        " names of persons.",
    )


@cache
def _need_pydicom() -> None:
    try:
        import pydicom  # noqa: F401 - 0.2 s, only where there are DICOM files
    except ImportError:
        purpose = "looking for names of persons in DICOM headers"
        raise MissingExtraError.of("dicom", purpose) from None
    # it logs what is odd in a file, with values that may be those of a person
    logging.getLogger("pydicom").addHandler(logging.NullHandler())


class _Bounded(io.RawIOBase):
    """A file of which only so many bytes can be read in all, whatever it says of lengths."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuchError("is larger than 32 MiB")
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _read(stream: _Bounded) -> Header:
    """Read a header up to the pixels."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import dcmread
    from pydicom.uid import UID

    stream.seek(HEAD)
    meta = FileMetaDataset(_explicit(stream, _behind_meta))
    if str(meta.get("TransferSyntaxUID", UID(""))) != _DEFLATED:
        stream.seek(0)
        return dcmread(stream, stop_before_pixels=True)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = unpacker.decompress(stream.read(), LIMIT)
    if unpacker.unconsumed_tail:
        raise _TooMuchError("unpacks to more than 32 MiB")
    return _explicit(_Bounded(io.BytesIO(plain), LIMIT), _at_pixels)


def _explicit(stream: _Bounded, until: Callable[[Any, str | None, int], bool]) -> Header:
    """Read elements in explicit little endian."""
    from pydicom.filereader import read_dataset

    form = {"is_implicit_VR": False, "is_little_endian": True}
    return read_dataset(stream, **form, stop_when=until)


def _behind_meta(tag: Any, _vr: str | None, _length: int) -> bool:
    return bool(tag.group != 2)


def _at_pixels(tag: Any, _vr: str | None, _length: int) -> bool:
    return int(tag) in _PIXELS


def _filled(header: Header, depth: int) -> Iterator[Tag]:
    """Find filled tags, in sequences too."""
    if depth > _DEEPEST:
        raise _TooMuchError(f"has sequences in more than {_DEEPEST} levels")
    known = tags()
    for number, element in list(header._dict.items()):  # noqa: SLF001 - else each value is decoded
        tag = known.get(int(number))
        items = _items(header, number, element)
        if items is not None:
            if tag is not None and len(items):
                yield tag
            for item in items:
                yield from _filled(item, depth + 1)
        elif tag is not None and not _is_empty(element.value):
            yield tag


def _items(header: Header, number: Any, element: Any) -> Any:
    """Return the items of a sequence; None of what is none."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    vr = element.VR
    if vr is None and dictionary_has_tag(number):
        vr = dictionary_VR(number)
    if vr != "SQ":
        return None
    return header[number].value or []


def _is_empty(value: Any) -> bool:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return is_dummy(str(value).strip(" \0") if value is not None else None)


def _text(header: Header, number: int) -> str:
    if number not in header:
        return ""
    value = header._dict[number].value  # noqa: SLF001
    return (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip(" \0")
