"""The JSON Schemas of a registry's files, as they come with neurogister."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import InvalidFileError, NeurogisterError
from ..model.document import DocumentError, parse_document
from .layout import (
    ARCHIVE,
    COLLECTION,
    PACKAGE,
    POINTER,
    REGISTRY,
    RESOURCE,
    VENDOR,
    YAML_LIMIT,
    classify,
)

_NAMES = {
    COLLECTION: "collection",
    PACKAGE: "package",
    POINTER: "pointer",
    REGISTRY: "registry",
    RESOURCE: "record",
    VENDOR: "vendor",
    ARCHIVE: "archive",
}
_ENDING = ".schema.json"


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
        if data is not None
        for problem in _problems(path, data)
    ]


def _problems(path: str, data: bytes) -> list[NeurogisterError]:
    name = _NAMES.get(classify(path) or "")
    validator = None if name is None else _validator(name)
    if validator is None:
        return []
    try:
        document = parse_document(data, path, limit=YAML_LIMIT)
    except InvalidFileError as error:
        return [error]
    return [
        DocumentError(path, _said(error), keys=tuple(error.absolute_path)).located(data)
        for error in validator.iter_errors(document)
    ]


def _said(error: Any) -> str:
    where = ".".join(str(each) for each in error.absolute_path)
    return f"{where or 'the file'}: {error.message[:300]}"


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator  # 0.1 s
    from referencing import Registry, Resource

    schemas = _schemas()
    if name not in schemas:
        return None
    resources = [(each["$id"], Resource.from_contents(each)) for each in schemas.values()]
    return Draft202012Validator(schemas[name], registry=Registry().with_resources(resources))


@cache
def _schemas() -> dict[str, Any]:
    """Read the schemas: in the installed package, or at the top of our own checkout."""
    package = Path(__file__).parent.parent
    folders = (package / "schemas", package.parent.parent / "schemas")
    folder = next(each for each in folders if each.is_dir())
    return {
        path.name.removesuffix(_ENDING): json.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob(f"*{_ENDING}"))
    }
