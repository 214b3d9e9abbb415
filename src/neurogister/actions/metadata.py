"""Whether what is said of a dataset is what its dtype asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import RefusedError

if TYPE_CHECKING:
    from ..registry.metadataschemas import MetadataSchema
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
        self._validators: dict[str, MetadataSchema | None] = {}

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
        return [each.message for each in validator.problems(metadata)[:_SHOWN]]

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

    def _validator(self, dtype: str) -> MetadataSchema | None:
        if dtype not in self._validators:
            data = self._session.reader.read_file(schema_path(dtype))
            self._validators[dtype] = None if data is None else load_schema(data, dtype)
        return self._validators[dtype]


def load_schema(data: bytes, dtype: str) -> MetadataSchema:
    """Return what compares metadata with a schema.

    Raises
    ------
    InvalidFileError
        If it is no JSON Schema, refers to another one, or could take forever.
    """
    from ..registry.metadataschemas import load_schema as load  # only for such dtypes

    return load(data, schema_path(dtype))
