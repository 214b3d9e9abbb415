"""What a ``.dvc`` file says: which content belongs to a name.

Lenient with what real registries have (no size, DVC 2's form, imports), strict with what could make
somebody read, write or run a thing that they did not ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .document import DocumentError, parse_document
from .fields import Fields, kind_of
from .ledger import take_md5
from .paths import check_component
from .record import Record

SUFFIX = ".dvc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """One file or folder that DVC tracks.

    Parameters
    ----------
    path : str
        The name of the data, beside the pointer: one component, without folders.
    md5 : str
        32 hexadecimal digits, without ``.dir``.
    is_dir : bool
        Whether the data is a folder, and `md5` that of its listing.
    size, nfiles : int, optional
        Bytes; number of files of a folder. Some pointers do not say.
    legacy : bool
        Whether DVC 2 wrote it: the md5 is of text with CRLF counted as LF, and the object is kept
        without ``files/md5/``.
    isexec : bool
        Whether the file may be run.
    imported : bool
        Whether it says where the data was imported from (which is never followed).
    remote : str, optional
        The name of the DVC remote that has the data.
    record : Record, optional
        Our block in it.
    desc : str, optional
        DVC's own description.
    """

    path: str
    md5: str
    is_dir: bool = False
    size: int | None = None
    nfiles: int | None = None
    legacy: bool = False
    isexec: bool = False
    imported: bool = False
    remote: str | None = None
    record: Record | None = None
    desc: str | None = None

    @property
    def digest(self) -> str:
        """The md5 as the pointer writes it: with ``.dir`` for a folder."""
        return f"{self.md5}.dir" if self.is_dir else self.md5

    @classmethod
    def parse(cls, data: bytes, path: str) -> Pointer:
        """Read a pointer.

        Parameters
        ----------
        data : bytes
            The content of the ``.dvc`` file.
        path : str
            Where it is in the registry, with ``/``; its last component says which name the data
            must have.

        Raises
        ------
        InvalidFileError
            If it is no pointer, or one that could do harm.
        """
        try:
            return cls.from_document(parse_document(data, path), path)
        except DocumentError as error:
            raise error.located(data) from error.__cause__

    @classmethod
    def from_document(cls, document: Any, path: str) -> Pointer:
        """Read a pointer whose YAML is read already (see `parse`)."""
        if type(document) is not dict:
            raise DocumentError(path, f"is not a pointer: it holds {kind_of(document)}", line=1)
        fields = Fields(document, path)
        outs = fields.mappings("outs")
        if len(outs) != 1:
            raise fields.error("outs", f"must have exactly one entry, not {len(outs)}")
        out = outs[0]
        _refuse_dangers(fields, out)
        digest = take_md5(out)
        if digest is None:
            raise out.error("md5", "is missing", hint="Run `dvc add` on the data again.")
        return cls(
            path=_take_path(out, path),
            md5=digest.removesuffix(".dir"),
            is_dir=digest.endswith(".dir"),
            size=out.count("size"),
            nfiles=out.count("nfiles"),
            legacy=_take_legacy(out),
            isexec=out.flag("isexec", default=False),
            imported=fields.take("deps") is not None,
            remote=out.text("remote"),
            record=_take_record(fields),
            desc=out.text("desc") or fields.text("desc"),
        )


def _refuse_dangers(fields: Fields, out: Fields) -> None:
    rest = fields.rest()
    if rest.get("cmd") is not None:
        raise fields.error("cmd", "is not allowed: a pointer runs nothing", hint="Remove it.")
    if rest.get("wdir") not in (None, "."):
        raise fields.error("wdir", "is not allowed: data lies beside its pointer")
    for name in ("files", "cloud"):
        if name in out.rest():
            raise out.error(name, "is not supported: a version-aware remote keeps no digests")


def _take_path(out: Fields, pointer: str) -> str:
    path = out.text("path")
    if path is None:
        raise out.error("path", "is missing")
    try:
        check_component(path)
    except ValueError as error:
        raise out.error("path", f"is {path[:80]!a}, which {error}") from error
    name = pointer.rpartition("/")[2]
    if f"{path}{SUFFIX}" != name:
        raise out.error("path", f"is {path!r}, but the pointer's own name is {name!r}")
    return path


def _take_legacy(out: Fields) -> bool:
    algorithm = out.text("hash")
    if algorithm is not None and algorithm != "md5":
        raise out.error("hash", f"must be md5, not {algorithm[:40]!a}")
    return algorithm is None


def _take_record(fields: Fields) -> Record | None:
    meta = fields.mapping("meta")
    block = meta.get("neurogister")
    if block is None:
        return None
    if type(block) is not dict:
        raise DocumentError(
            fields.path,
            f"meta.neurogister must be a mapping, not {kind_of(block)}",
            keys=("meta", "neurogister"),
        )
    return Record.from_fields(Fields(block, fields.path, ("meta", "neurogister")))
