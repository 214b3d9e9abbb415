"""DICOM headers in a remote: 132 bytes of each new object tell whether it is DICOM."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ...errors import InvalidFileError, MissingExtraError, NeurogisterError
from ...model.finding import UNJUDGED
from ...progress import SILENT, Progress
from ...registry.layout import YAML_SUFFIX, is_package_place, place_of
from ..attempts import Attempts
from .privacy import cleared, severity_of
from .reading import finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...backends.remotes import Remote
    from ...model.finding import Finding
    from ...model.objects import ObjectId, Wanted
    from .objects import Held
    from .submission import Submission

_START = 8 << 20
"""How many bytes of a DICOM file are taken: its header, and of most pixels only the first."""
_JOBS = 4


class _Headers(Attempts["Wanted", "list[str] | NeurogisterError | None"]):
    """Reads the start of objects, and of DICOM ones which tags are filled."""

    def __init__(self, remote: Remote, **options: Any) -> None:
        super().__init__([remote], **options)
        self.starts: dict[ObjectId, list[str] | NeurogisterError] = {}

    def _do(self, task: Wanted) -> Any:
        return self._persist(self._remotes[0], task)

    def _try(self, remote: Remote, task: Wanted, *, careful: bool) -> Any:
        del careful
        return _start_of(remote, task.oid.key)

    def _keep(self, done: Sequence[tuple[Wanted, Any]]) -> None:
        for task, start in done:
            if start is not None:
                self.starts[task.oid] = _said(start, task.label)


def _start_of(remote: Remote, key: str) -> bytes | None:
    """Return the start of an object, if it is DICOM."""
    from ...backends.dicom import HEAD, is_dicom

    data = bytearray()
    with remote.open(key) as stream:
        for chunk in stream:
            data += chunk
            if len(data) >= HEAD and not is_dicom(bytes(data[:HEAD])):
                return None
            if len(data) > _START:
                break
    return bytes(data) if is_dicom(bytes(data[:HEAD])) else None


def _said(start: bytes, label: str) -> list[str] | NeurogisterError:
    from ...backends.dicom import filled_tags_of

    try:
        return [tag.keyword for tag in filled_tags_of(io.BytesIO(start), label) if tag.refused]
    except (InvalidFileError, MissingExtraError) as error:
        return error


def check_headers(
    submission: Submission, held: Held, progress: Progress = SILENT
) -> Iterator[Finding]:
    """Check the headers of DICOM files among the objects that a submission brings.

    Parameters
    ----------
    submission : Submission
        Whose policy of the base says how strict to be.
    held : Held
        Where the objects are; what is not there is told elsewhere.
    progress : Progress
        Told about each object.
    """
    severity = severity_of(submission)
    if severity is None:
        return
    todo: dict[str, tuple[Remote, list[Wanted]]] = {}
    for oid, remote in held.where.items():
        if not all(_is_excused(submission, path) for path, _ in held.owners[oid]):
            todo.setdefault(remote.name, (remote, []))[1].append(held.wanted[oid])
    for remote, wanted in todo.values():
        progress.start("Looking for DICOM", files=len(wanted), size=0)
        headers = _Headers(remote, jobs=_JOBS, progress=progress)
        failed = headers.run_all(wanted)
        progress.finish()
        for oid, said in {**headers.starts, **failed}.items():
            yield from _tell(submission, held, oid, said, severity)


def _is_excused(submission: Submission, path: str) -> bool:
    """Tell whether a pointer need not be judged: its collection is cleared, or its members are."""
    place = place_of(path)
    if is_package_place(place):
        return f"{place}{YAML_SUFFIX}" in submission.tree
    return cleared(submission, path)


def _tell(
    submission: Submission,
    held: Held,
    oid: ObjectId,
    said: list[str] | NeurogisterError,
    severity: str,
) -> Iterator[Finding]:
    for path, label in held.owners[oid]:
        if _is_excused(submission, path):
            continue
        file = label or "the file"
        if isinstance(said, InvalidFileError):
            yield finding(
                "identifying-header", path, said.message, severity=severity, offending=label
            )
        elif isinstance(said, NeurogisterError):
            yield finding(
                "not-judged", path, f"{file}: {said.message}", fix=said.hint, severity=UNJUDGED
            )
        elif said:
            yield finding(
                "identifying-header", path, f"the header of {file} has {', '.join(said)}",
                severity=severity, offending=label or None,
            )  # fmt: skip
