"""Whether data that is to be deposited shows who a person is, and what the policy says then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidFileError, MissingExtraError, NeurogisterError, RefusedError
from ..model.document import parse_document
from ..model.identifying import is_cleared, sign_in_path, signs_in_metadata
from ..progress import SILENT, Progress
from ..registry.layout import COLLECTION_FILE, DATA, YAML_LIMIT, collection_of

if TYPE_CHECKING:
    from .session import Session
    from .sources import Source

_SHOWN = 5
HINT = (
    "Take it out before it is deposited; of DICOM files, with a program that de-identifies them"
    " (and sets PatientIdentityRemoved). If nobody can be recognised, a maintainer can say so:"
    " `phi: {status: cleared, reason: …}` in collection.yaml."
)


def privacy_problems(
    session: Session,
    source: Source,
    folder: str,
    metadata: Mapping[str, Any],
    *,
    progress: Progress = SILENT,
) -> list[NeurogisterError]:
    """Say what in a file or folder shows who a person is, if the policy refuses that.

    Parameters
    ----------
    session : Session
        The registry, whose ``policy.phi`` counts.
    source : Source
        What is to be deposited. Of each file 132 bytes are read, of DICOM files the header.
    folder : str
        Where it will lie; its collection may be cleared.
    metadata : mapping
        What is said of it.
    progress : Progress
        Warned, if the policy is ``warn``.

    Returns
    -------
    list of NeurogisterError
        One at most; none if the policy is not ``refuse``.
    """
    policy = session.reader.info().policy.phi
    if policy == "allow" or _is_cleared(session, folder):
        return []
    found = [f"the metadata has {sign.what}" for sign in signs_in_metadata(metadata)]
    found += _in_files(source, strict=policy == "refuse")
    if not found:
        return []
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    text = f"{source.typed} shows who a person is: {'; '.join(found[:_SHOWN])}{more}"
    if policy == "refuse":
        return [RefusedError(text, hint=HINT)]
    progress.warn(text)
    return []


def refuse_metadata(session: Session, folder: str, metadata: Mapping[str, Any], label: str) -> None:
    """Refuse metadata that shows who a person is, if the policy does.

    Raises
    ------
    RefusedError
        That names the keys, and never the values.
    """
    if session.reader.info().policy.phi != "refuse" or _is_cleared(session, folder):
        return
    if found := [sign.what for sign in signs_in_metadata(metadata)]:
        raise RefusedError(
            f"{label} would show who a person is: the metadata has {'; '.join(found[:_SHOWN])}",
            hint=HINT,
        )


def _is_cleared(session: Session, folder: str) -> bool:
    collection = collection_of(f"{folder}/x")
    path = f"{DATA}{collection}/{COLLECTION_FILE}"
    data = None if collection is None else session.reader.read_file(path)
    try:
        return data is not None and is_cleared(parse_document(data, path, limit=YAML_LIMIT))
    except InvalidFileError:
        return False


def _in_files(source: Source, *, strict: bool) -> list[str]:
    from ..backends.dicom import is_dicom_file

    found = []
    names: Sequence[str] = source.files or (source.path.name,)
    for name, path in zip(names, source.paths, strict=True):
        if (what := sign_in_path(name)) is not None:
            found.append(f"the name {name!r} has {what}")
        if is_dicom_file(path) and (said := _in_header(path, name, strict=strict)) is not None:
            found.append(said)
    return found


def _in_header(path: Path, name: str, *, strict: bool) -> str | None:
    from ..backends.dicom import filled_tags

    try:
        tags = [tag.keyword for tag in filled_tags(path) if tag.refused]
    except MissingExtraError as error:
        if strict:
            raise
        return f"{name} is DICOM and cannot be looked into ({error.hint})"
    except InvalidFileError as error:
        return error.message
    return f"the header of {name} has {', '.join(tags)}" if tags else None
