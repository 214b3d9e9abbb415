"""DICOM files written from the standard (PS3.5, PS3.10), not with the library that reads them."""

import struct
import zlib

LITTLE = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
NAME, ID, BORN = (0x0010, 0x0010), (0x0010, 0x0020), (0x0010, 0x0030)
REMOVED, OTHER_NAMES = (0x0012, 0x0062), (0x0010, 0x1001)
SEQUENCE = (0x0040, 0x0275)
_LONG = ("OB", "OW", "SQ", "UN", "UT")


def element(tag: tuple[int, int], vr: str, value: bytes, *, length: int | None = None) -> bytes:
    """Return one element in explicit little endian; `length` may lie."""
    value += b" " * (len(value) % 2)
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", *tag, vr.encode())
    head += struct.pack("<HI", 0, size) if vr in _LONG else struct.pack("<H", size)
    return head + value


def implicit(tag: tuple[int, int], value: bytes) -> bytes:
    """Return one element in implicit little endian."""
    value += b" " * (len(value) % 2)
    return struct.pack("<HHI", *tag, len(value)) + value


def item(content: bytes) -> bytes:
    """Return one item of a sequence."""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def nested(depth: int, inner: bytes) -> bytes:
    """Return sequences in sequences."""
    for _ in range(depth):
        inner = element(SEQUENCE, "SQ", item(inner))
    return inner


def dicom_bytes(*elements: bytes, syntax: str = LITTLE, pixels: bytes = b"\0\1" * 64) -> bytes:
    """Return a file: preamble, meta header, elements, pixels."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = element((2, 0x0010), "UI", uid)
    meta = element((2, 0), "UL", struct.pack("<I", len(meta))) + meta
    image = implicit((0x7FE0, 0x0010), pixels)
    if syntax != IMPLICIT:
        image = element((0x7FE0, 0x0010), "OW", pixels)
    body = b"".join(elements) + image
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
    return bytes(128) + b"DICM" + meta + body


def patient(name: bytes = b"Doe^Jane", born: bytes = b"19800523") -> tuple[bytes, ...]:
    """Return what a scanner writes of a person."""
    return element(NAME, "PN", name), element(ID, "LO", b"4711"), element(BORN, "DA", born)
