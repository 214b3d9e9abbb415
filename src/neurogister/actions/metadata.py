"""Whether what is said of a dataset is what its dtype asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import InvalidFileError, RefusedError

if TYPE_CHECKING:
    from .session import Session

FOLDER = "schemas/dtypes/"
_SHOWN = 5


def schema_path(dtype: str) -> str:
    """Return where the JSON Schema for the metadata of a dtype is, if it has one."""
    return f"{FOLDER}{dtype}.schema.json"


class MetadataChecker:
    """Compares metadata with the schemas of dtypes (JSON Schema 2020-12).

    Parameters
    ----------
    session : Session
        The registry that has the schemas.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._validators: dict[str, Any] = {}

    def problems(self, dtype: str | None, metadata: Mapping[str, Any]) -> list[str]:
        """Say what the schema of a dtype does not allow; nothing without a schema.

        Raises
        ------
        InvalidFileError
            If the schema itself is broken.
        """
        validator = None if dtype is None else self._validator(dtype)
        if validator is None:
            return []
        found = sorted(validator.iter_errors(dict(metadata)), key=lambda e: [*map(str, e.path)])
        return [_said(error) for error in found[:_SHOWN]]

    def check(self, dtype: str | None, metadata: Mapping[str, Any], label: str) -> None:
        """Check metadata.

        Raises
        ------
        RefusedError
            That says what is wrong with which key.
        """
        if problems := self.problems(dtype, metadata):
            raise RefusedError(
                f"{label}: the metadata is not what the dtype {dtype!r} asks for:"
                f" {'; '.join(problems)}",
                hint=f"{schema_path(dtype or '')} says what it must be. Give it with"
                " `-k KEY=VALUE`.",
            )

    def _validator(self, dtype: str) -> Any:
        if dtype not in self._validators:
            data = self._session.reader.read_file(schema_path(dtype))
            self._validators[dtype] = None if data is None else load_schema(data, dtype)
        return self._validators[dtype]


def load_schema(data: bytes, dtype: str) -> Any:
    """Return what validates by a schema.

    Raises
    ------
    InvalidFileError
        If it is no JSON Schema, or refers to another one: nothing is ever fetched.
    """
    from jsonschema import Draft202012Validator, SchemaError  # 0.1 s, only for such dtypes
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    path = schema_path(dtype)
    try:
        schema = json.loads(data)
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, registry=Registry())
        list(validator.iter_errors({}))  # follows the references
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"{path} is not JSON: {error}") from error
    except SchemaError as error:
        raise InvalidFileError(f"{path} is not a JSON Schema: {error.message[:300]}") from None
    except Unresolvable as error:
        raise InvalidFileError(
            f"{path} refers to another schema, {error.ref!r}",
            hint="Nothing is fetched for a check: put it into `$defs` of the same file.",
        ) from None
    return validator


def _said(error: Any) -> str:
    where = ".".join(str(each) for each in error.absolute_path)
    return f"{where}: {error.message[:200]}" if where else str(error.message[:200])
