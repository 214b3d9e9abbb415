"""Dtypes: a dataset's is one of the base, fits its name, and its metadata is what that asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import InvalidFileError
from ...model.fields import Fields
from ...model.registryinfo import RegistryInfo
from ...registry.layout import POINTER, REGISTRY_FILE, RESOURCE, is_package_place, place_of
from ..metadata import load_schema, schema_path
from .reading import finding
from .submission import MAINTAINER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...backends.gitvalues import TreeEntry
    from ...model.document import Keys
    from ...model.finding import Finding
    from ...model.registryinfo import Dtype
    from ...registry.metadataschemas import MetadataSchema
    from .reading import Document
    from .submission import Submission

_SCHEMA_LIMIT = 1024 * 1024


def check_dtypes(submission: Submission) -> Iterator[Finding]:
    """Check the dtypes of datasets that change, and their metadata."""
    tree = _authority(submission)
    if REGISTRY_FILE not in tree:
        return  # a plain DVC repository has no dtypes
    dtypes = _dtypes(submission, tree)
    schemas = _Schemas(submission, tree)
    for document in submission.documents(POINTER, RESOURCE):
        if is_package_place(place_of(document.path)):
            continue
        block, keys = document.record_block()
        name = block.get("dtype")
        if not isinstance(name, str):
            continue
        dtype = dtypes.get(name)
        if dtype is None:
            yield _unknown(document, name, keys, dtypes)
            continue
        yield from _extension(document, dtype, keys)
        yield from schemas.compare(document, name, block.get("metadata"), keys)


def _authority(submission: Submission) -> Mapping[str, TreeEntry]:
    """Return the tree whose dtypes count: that of the base, unless a maintainer changes them."""
    if submission.base is None or submission.scope == MAINTAINER:
        return submission.tree
    return submission.base_tree


def _dtypes(submission: Submission, tree: Mapping[str, TreeEntry]) -> Mapping[str, Dtype]:
    document = submission.document(REGISTRY_FILE, tree)
    if document is None or not isinstance(document.value, dict):
        return {}
    try:
        return RegistryInfo.from_fields(Fields(document.value, REGISTRY_FILE)).dtypes
    except InvalidFileError:
        return {}  # `documents` tells of it


def _unknown(document: Document, name: str, keys: Keys, dtypes: Mapping[str, Dtype]) -> Finding:
    import difflib  # only for the suggestion

    near = difflib.get_close_matches(name, dtypes, 3)
    return finding(
        "dtype-unknown", document, f"registry.yaml has no dtype {name[:40]!r}",
        keys=(*keys, "dtype"), offending=f"dtype: {name}",
        right=" or ".join(near) or ", ".join(sorted(dtypes)[:10]) or None,
    )  # fmt: skip


def _extension(document: Document, dtype: Dtype, keys: Keys) -> Iterator[Finding]:
    pointer = document.pointer() if document.kind == POINTER else None
    if pointer is None or pointer.is_dir or not dtype.extensions:
        return
    name = place_of(document.path).rpartition("/")[2].lower()
    if not any(name.endswith(f".{each.lower().lstrip('.')}") for each in dtype.extensions):
        yield finding(
            "dtype-extension", document, f"{name!r} does not end as files of {dtype.name!r} do",
            keys=(*keys, "dtype"), offending=f"dtype: {dtype.name}",
            right=", ".join(f".{each}" for each in dtype.extensions),
        )  # fmt: skip


class _Schemas:
    """The schemas of dtypes, each read when it is first needed."""

    def __init__(self, submission: Submission, tree: Mapping[str, TreeEntry]) -> None:
        self._submission = submission
        self._tree = tree
        self._loaded: dict[str, MetadataSchema | None] = {}

    def compare(
        self, document: Document, dtype: str, metadata: object, keys: Keys
    ) -> Iterator[Finding]:
        """Compare metadata with the schema of a dtype, if it has one."""
        try:
            schema = self._load(dtype)
        except InvalidFileError as error:
            yield finding(
                "dtype-schema", schema_path(dtype), error.message, fix=error.hint,
            )  # fmt: skip
            self._loaded[dtype] = None  # told once
            return
        if schema is None or not isinstance(metadata, dict | None):
            return
        said = metadata or {}
        for problem in schema.problems(said):
            place = (*keys, "metadata", *problem.keys) if metadata is not None else keys
            yield finding(
                "dtype-metadata", document,
                f"the dtype {dtype!r} does not allow this: {problem.message}", keys=place,
                offending=problem.offending or None,
                right=problem.right or f"what {schema_path(dtype)} says",
            )  # fmt: skip

    def _load(self, dtype: str) -> MetadataSchema | None:
        if dtype not in self._loaded:
            entry = self._tree.get(schema_path(dtype))
            data = None
            if entry is not None:
                data = self._submission.content(entry.oid, limit=_SCHEMA_LIMIT)
            self._loaded[dtype] = None if data is None else load_schema(data, dtype)
        return self._loaded[dtype]
