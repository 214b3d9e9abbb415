"""What identifies content: an algorithm and its value, computed in one pass over the bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ..errors import MissingExtraError

Buffer = bytes | bytearray | memoryview

CHUNK_SIZE = 1 << 20
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"

_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64}
_HEX = re.compile(r"\A[0-9a-f]+\Z")
_STRENGTH = ("sha256", "sha1", "md5")


def is_digest(algorithm: str, value: object) -> bool:
    """Tell whether a value is a well-formed digest, in lower-case hexadecimal."""
    return (
        isinstance(value, str)
        and len(value) == _LENGTHS.get(algorithm, -1)
        and _HEX.match(value) is not None
    )


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest: ``md5:5d41…``.

    Parameters
    ----------
    algorithm : {'md5', 'sha1', 'sha256'}
    value : str
        Lower-case hexadecimal.
    """

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


class Hasher(Protocol):
    """What computes a digest."""

    def update(self, data: Buffer, /) -> None: ...

    def hexdigest(self) -> str: ...


class LegacyTextMD5:
    """DVC 2's md5: of text, with every CRLF counted as LF; of anything else, of the bytes.

    DVC 2 read files in blocks of 1 MiB, called the file text if its first 512 bytes hold no NUL
    and at most 30 % bytes outside printable ASCII, and replaced within each block (dvc 2.58,
    ``dvc_data.hashfile.utils`` and ``istextfile``). Blocks arrive here in any size.
    """

    def __init__(self) -> None:
        self._hasher = hashlib.md5(usedforsecurity=False)
        self._raw = hashlib.md5(usedforsecurity=False)
        self._block = bytearray()
        self._text: bool | None = None

    def update(self, data: Buffer, /) -> None:
        """Take in more of the content."""
        self._raw.update(data)
        self._block += data
        while len(self._block) >= CHUNK_SIZE:
            self._digest(bytes(self._block[:CHUNK_SIZE]))
            del self._block[:CHUNK_SIZE]

    def hexdigest(self) -> str:
        """Return the digest of all that came."""
        if self._block:
            self._digest(bytes(self._block))
            self._block.clear()
        return self._hasher.hexdigest() if self._text else self._raw.hexdigest()

    def _digest(self, block: bytes) -> None:
        if self._text is None:
            self._text = _is_text(block[:512])
        if self._text:
            self._hasher.update(block.replace(b"\r\n", b"\n"))


_TEXT_BYTES = bytes(range(32, 127)) + b"\n\r\t\f\b"


def _is_text(start: bytes) -> bool:
    if b"\x00" in start:
        return False
    return len(start.translate(None, _TEXT_BYTES)) <= 0.3 * len(start)


class MultiHasher:
    """Several digests of one stream, each byte handed over once.

    Parameters
    ----------
    algorithms : iterable of str
        Which: ``md5``, ``sha1``, ``sha256``, or ``md5-dos2unix`` for DVC 2's.
    """

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._hashers: dict[str, Hasher] = {name: new_hasher(name) for name in algorithms}

    def update(self, data: Buffer) -> None:
        """Take in more of the content."""
        for hasher in self._hashers.values():
            hasher.update(data)

    def hexdigests(self) -> dict[str, str]:
        """Return the digests of all that came, by algorithm."""
        return {name: hasher.hexdigest() for name, hasher in self._hashers.items()}


def new_hasher(algorithm: str) -> Hasher:
    """Return a hasher for an algorithm; ``md5-dos2unix`` is DVC 2's (`LegacyTextMD5`)."""
    if algorithm == "md5-dos2unix":
        return LegacyTextMD5()
    if algorithm == "blake3":
        return _new_blake3()
    return hashlib.new(algorithm, usedforsecurity=False)


def _new_blake3() -> Hasher:
    try:
        from blake3 import blake3  # only where a policy asks for it
    except ImportError:
        purpose = "the digest blake3, which the policy asks for,"
        raise MissingExtraError.of("blake3", purpose) from None
    hasher: Hasher = blake3()
    return hasher


@dataclass(frozen=True, slots=True)
class Expected:
    """What content must be: its address in the cache, and all that is known beside it.

    Parameters
    ----------
    md5 : str
        The address, 32 hexadecimal digits (without ``.dir``).
    size : int, optional
        In bytes.
    sha256, sha1 : str, optional
        Checked too where they are known.
    legacy : bool
        Whether the md5 is DVC 2's, in which CRLF counts as LF in text.
    needs_sha256 : bool
        Whether the sha256 is to be found out where it is not known: a folder has one of them all.
    """

    md5: str
    size: int | None = None
    sha256: str | None = None
    sha1: str | None = None
    legacy: bool = False
    needs_sha256: bool = False

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Return which digests to compute: the md5, and the strongest other one that is known."""
        first = "md5-dos2unix" if self.legacy else "md5"
        for name in _STRENGTH[:-1]:
            if getattr(self, name):
                return first, name
        return (first, "sha256") if self.needs_sha256 else (first,)

    def difference(self, size: int, digests: dict[str, str]) -> str | None:
        """Say how content differs from what it must be; None if it does not.

        Parameters
        ----------
        size : int
            The number of bytes that there are.
        digests : dict
            By algorithm, as `MultiHasher.hexdigests` returns them.
        """
        if self.size is not None and size != self.size:
            return f"it has {size:,} bytes, and should have {self.size:,}"
        for name, value in digests.items():
            wanted = self.md5 if name.startswith("md5") else getattr(self, name)
            if wanted and value != wanted:
                return f"its {name} is {value}, and should be {wanted}"
        return None
