"""Names for new datasets: from the file's name, or made up."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence

from .identifier import Identifier

# What comes before these is a part of the extension too: `.nii.gz`, `.tar.xz`.
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".lz4")
_BEFORE_PACKED = (
    ".nii", ".tar", ".trk", ".tck", ".tsv", ".csv", ".json", ".mif", ".mgz", ".nrrd", ".gii",
    ".dcm", ".edf", ".vcf", ".txt", ".h5", ".fastq", ".bvec", ".bval", ".vtk", ".npy",
)  # fmt: skip
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 8
_SPACE = uuid.UUID("8a54a1b6-98f0-5cf5-9f0e-6c1d5ab7c1f4")  # of our own; see RFC 9562, 6.5


def split_name(name: str, extensions: Sequence[str] = ()) -> tuple[str, str]:
    """Split a file's name into its stem and its extension (with the dot; it may be empty).

    Parameters
    ----------
    name : str
        ``sub-01_T1w.nii.gz``.
    extensions : sequence of str
        Those of its dtype, without the first dot, such as ``nii.gz``.
    """
    for extension in sorted(extensions, key=len, reverse=True):
        end = f".{extension}"
        if name.lower().endswith(end.lower()) and len(name) > len(end):
            return name[: -len(end)], name[-len(end) :]
    stem, extension = _split_last(name)
    if extension.lower() in _PACKED:
        inner, before = _split_last(stem)
        if before.lower() in _BEFORE_PACKED:
            return inner, before + extension
    return stem, extension


def _split_last(name: str) -> tuple[str, str]:
    stem, dot, end = name.rpartition(".")
    return (stem, dot + end) if stem.strip(".") and end else (name, "")


def make_identifiers(seed: str, kind: str) -> Iterator[Identifier]:
    """Give identifiers for a new dataset, the same ones each time; the first free one is taken.

    That they follow from what is deposited, and where, lets an interrupted deposit be run again:
    it finds what it has made already. They do not tell anything about the content.

    Parameters
    ----------
    seed : str
        Place and digest.
    kind : {'base36', 'uuid'}
        Eight characters, or a UUID of version 5 (RFC 9562).
    """
    number = 0
    while True:
        text = f"{seed}\0{number}"
        if kind == "uuid":
            yield Identifier(uuid.uuid5(_SPACE, text))
        else:
            value = int.from_bytes(hashlib.sha256(text.encode()).digest())
            yield Identifier("".join(_DIGITS[value // 36**n % 36] for n in range(_LENGTH)))
        number += 1
