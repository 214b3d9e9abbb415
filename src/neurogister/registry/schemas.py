"""The JSON Schemas of a registry's files, as they come with neurogister."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import InvalidFileError, NeurogisterError
from ..model.document import DocumentError, parse_document
from .layout import (
    ARCHIVE,
    ARCHIVES,
    COLLECTION,
    MANIFEST,
    PACKAGE,
    POINTER,
    REGISTRY,
    RESOURCE,
    VENDOR,
    YAML_LIMIT,
    classify,
)
from .quickcheck import Compiler, Test, UnsureError
from .schemawords import SchemaProblem, problems_of

_NAMES = {
    COLLECTION: "collection",
    PACKAGE: "package",
    POINTER: "pointer",
    REGISTRY: "registry",
    RESOURCE: "resource",
    VENDOR: "vendor",
    ARCHIVE: "archive",
    MANIFEST: "manifest",
}
_ENDING = ".schema.json"
_DTYPES = "schemas/dtypes/"
_LOCKFILE = "neurogister.lock"
_LONGEST_TABLE = 64 << 20
_TABLES = ("manifest", "inventory")
_COMMON = "common.schema.json#/$defs/"


def schema_of(path: str) -> str | None:
    """Return the name of the schema for a file; None if there is none.

    Parameters
    ----------
    path : str
        From the top of the registry, with ``/``; a lockfile may lie anywhere.

    Examples
    --------
    >>> schema_of("data/mni152/t1.nii.gz.dvc"), schema_of("schemas/dtypes/t1w.schema.json")
    ('pointer', 'dtype')
    """
    if path.rpartition("/")[2] == _LOCKFILE:
        return "lockfile"
    if path.startswith(_DTYPES) and path.endswith(_ENDING):
        return "dtype"
    if path.startswith(ARCHIVES) and path.endswith(".csv") and path.count("/") == 1:
        return "inventory"
    if path.endswith("/meta.yml"):
        return None  # an older form of vendor.yaml, by rules of its own
    return _NAMES.get(classify(path) or "")


def problems(path: str, document: Any) -> list[SchemaProblem]:
    """Compare what a file says with the schema of its kind.

    Parameters
    ----------
    path : str
        From the top of the registry; tells the kind.
    document : object
        What was read, as `read_document` gives it: of CSV, the rows as mappings.

    Returns
    -------
    list of SchemaProblem
        One for each field that is wrong; none if there is no schema for such a file.
    """
    name = schema_of(path)
    return [] if name is None else problems_by(name, document)


def problems_by(name: str, document: Any) -> list[SchemaProblem]:
    """Compare a document with a schema by its name: ``record``, ``vendor`` … (see `problems`)."""
    return [] if _is_valid(name, document) else problems_of(_validator(name).iter_errors(document))


def _is_valid(name: str, document: Any) -> bool:
    """Tell whether a document surely keeps to a schema; if not, the validator must tell."""
    test = _quick_test(name)
    try:
        return test is not None and test(document)
    except (UnsureError, RecursionError):
        return False


def check_files(files: Mapping[str, bytes | None]) -> list[NeurogisterError]:
    """Compare files with the schemas of their kinds.

    Parameters
    ----------
    files : mapping of str to bytes
        By path from the top of the registry; None for one that is removed.

    Returns
    -------
    list of NeurogisterError
        What is wrong, each with its file, line and field.
    """
    return [
        problem
        for path, data in files.items()
        if data is not None and schema_of(path) is not None
        for problem in _errors(path, data)
    ]


def _errors(path: str, data: bytes) -> list[NeurogisterError]:
    try:
        document = read_document(path, data)
    except InvalidFileError as error:
        return [error]
    return errors_in(path, document, data)


def errors_in(path: str, document: Any, data: bytes) -> list[NeurogisterError]:
    """Compare a file that was read already with the schema of its kind (see `check_files`)."""
    return [
        _located(DocumentError(path, each.message, keys=each.keys, hint=_hint(each)), path, data)
        for each in problems(path, document)
    ]


def _hint(problem: SchemaProblem) -> str | None:
    return f"{problem.right}." if problem.right else None


def _located(error: DocumentError, path: str, data: bytes) -> DocumentError:
    if not path.endswith(".csv"):
        return error.located(data) if path.endswith((".yaml", ".dvc")) else error
    row = error.keys[0] if error.keys and isinstance(error.keys[0], int) else -1
    return DocumentError(error.path, error.reason, line=row + 2, keys=error.keys, hint=error.hint)


def read_document(path: str, data: bytes) -> Any:
    """Read a file as its schema sees it.

    Parameters
    ----------
    path : str
        From the top of the registry; tells the form: YAML, CSV, TOML or JSON.
    data : bytes
        Its content.

    Returns
    -------
    object
        Of CSV, a list of mappings without empty fields, sizes as numbers.

    Raises
    ------
    InvalidFileError
        If it cannot be read in this form.
    """
    if path.endswith(".csv"):
        return _read_rows(path, data)
    if path.endswith(".lock"):
        return _read_toml(path, data)
    if path.endswith(".json"):
        from .metadataschemas import read_json

        return read_json(data, path)
    return parse_document(data, path, limit=YAML_LIMIT)


def _read_rows(path: str, data: bytes) -> list[dict[str, Any]]:
    if len(data) > _LONGEST_TABLE:
        raise DocumentError(path, f"is larger than {_LONGEST_TABLE:,} bytes")
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
        rows = list(reader)
    except (ValueError, csv.Error) as error:
        raise DocumentError(path, f"is not CSV in UTF-8: {error}") from None
    if not rows or len(set(rows[0])) < len(rows[0]):
        raise DocumentError(path, "lacks a first line that names each column once", line=1)
    columns, *rows = rows
    for number, row in enumerate(rows, 2):
        if len(row) != len(columns):
            reason = f"has {len(row)} fields, and should have {len(columns)}"
            raise DocumentError(path, reason, line=number)
    return [_row(columns, row) for row in rows]


def _row(columns: list[str], row: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {name: cell for name, cell in zip(columns, row, strict=True) if cell}
    size = said.get("size", "")
    if size.isascii() and size.isdigit() and len(size) < 17:
        said["size"] = int(size)
    return said


def _read_toml(path: str, data: bytes) -> Any:
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DocumentError(path, f"is not TOML: {error}") from None


@cache
def _quick_test(name: str) -> Test | None:
    try:
        return _compiler().test(f"{name}{_ENDING}")
    except UnsureError:
        return None


@cache
def _compiler() -> Compiler:
    return Compiler({f"{name}{_ENDING}": each for name, each in _schemas().items()})


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator  # 0.1 s
    from jsonschema.validators import extend
    from referencing import Registry, Resource

    from .metadataschemas import unique_items

    resources = [(each["$id"], Resource.from_contents(each)) for each in _schemas().values()]
    schema = _schemas()[name]
    if name in _TABLES:
        schema = _with_values(schema)
    validator = extend(Draft202012Validator, {"uniqueItems": unique_items})
    return validator(schema, registry=Registry().with_resources(resources).crawl())


def _with_values(schema: Any) -> Any:
    """Put the common definitions in the place of references: of many rows, each is told faster."""
    if isinstance(schema, list):
        return [_with_values(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    _, common, name = str(schema.get("$ref", "")).partition(_COMMON)
    said = {key: _with_values(each) for key, each in schema.items()}
    if not common:
        return said
    del said["$ref"]
    return {**_with_values(_schemas()["common"]["$defs"][name]), **said}


@cache
def _schemas() -> dict[str, Any]:
    """Read the schemas: in the installed package, or at the top of our own checkout."""
    return {name: json.loads(path.read_text("utf-8")) for name, path in schema_files().items()}


def schema_files() -> dict[str, Path]:
    """Return the files of our schemas by their names: ``registry``, ``pointer``."""
    package = Path(__file__).parent.parent
    folders = (package / "schemas", package.parent.parent / "schemas")
    folder = next(each for each in folders if each.is_dir())
    return {path.name.removesuffix(_ENDING): path for path in sorted(folder.glob(f"*{_ENDING}"))}
