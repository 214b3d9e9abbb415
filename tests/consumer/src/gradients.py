"""The b-values and images of a diffusion acquisition."""

import gzip
import struct
from pathlib import Path


def read_bvals(path: Path) -> list[int]:
    """Return the b-value of each volume."""
    return [int(value) for value in path.read_text(encoding="utf-8").split()]


def read_shape(path: Path) -> tuple[int, ...]:
    """Return the shape of a NIfTI image."""
    with gzip.open(path) as stream:
        header = stream.read(348)
    dimensions = struct.unpack_from("<8h", header, 40)
    return dimensions[1 : 1 + dimensions[0]]


def drop_unweighted(path: Path) -> None:
    """Take the volumes without diffusion weighting out of a file of b-values."""
    kept = [value for value in read_bvals(path) if value]
    path.write_text(" ".join(map(str, kept)), encoding="utf-8")
