"""DVC's own files: settings that do harm, secrets, remotes that move, what belongs to one user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import InvalidFileError, NeurogisterError
from ...model.document import parse_document
from ...model.strangers import find_secret
from ...registry.layout import DVC_CONFIG, YAML_LIMIT
from .reading import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...backends.dvcsettings import Settings
    from ...model.finding import Finding
    from .submission import FileChange, Submission

_LIMIT = 1024 * 1024
_IGNORE = ".dvcignore"
_PRIVATE = (".dvc/config.local", ".dvc/cache", ".dvc/tmp")
_STAGES = ("dvc.yaml", "dvc.lock")


def check_dvc(submission: Submission) -> Iterator[Finding]:
    """Check DVC's files wherever they change."""
    for change in submission.changes:
        if change.mode is None:
            continue
        name = change.path.rpartition("/")[2]
        if _is_private(change.path):
            yield finding("dvc-private", change, "is for one user only", offending=change.path)
        elif name.lower() in _STAGES:
            yield from _stages(submission, change)
        elif change.is_file and change.path == DVC_CONFIG:
            yield from _config(submission, change)
        elif change.is_file and name == _IGNORE:
            yield from _ignored(submission, change)


def _is_private(path: str) -> bool:
    folded = path.lower()  # as macOS and Windows open it
    return any(folded == each or folded.startswith(f"{each}/") for each in _PRIVATE)


def _stages(submission: Submission, change: FileChange) -> Iterator[Finding]:
    data = submission.content(change.oid or "", limit=_LIMIT) if change.is_file else None
    try:
        value = None if data is None else parse_document(data, change.path, limit=YAML_LIMIT)
    except InvalidFileError:
        value = None
    if isinstance(value, dict) and not value.keys() & {"stages", "schema"}:
        return  # plots and metrics of others, which run nothing
    yield finding("dvc-stage", change, "may have commands for DVC to run", offending=change.path)


def _ignored(submission: Submission, change: FileChange) -> Iterator[Finding]:
    data = submission.content(change.oid or "", limit=_LIMIT) or b""
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        pattern = line.strip()
        if pattern and not pattern.startswith(("#", "!")) and _may_hide_data(pattern):
            yield finding(
                "dvc-ignore", change, "hides files from DVC", line=number, offending=pattern
            )


def _may_hide_data(pattern: str) -> bool:
    """Tell whether a pattern could match something below data/ or store/."""
    path = pattern.rstrip("/")
    first = path.lstrip("/").partition("/")[0]
    elsewhere = "/" in path and not first.startswith(("data", "store")) and first.isascii()
    return not elsewhere or any(each in first for each in "*?[\\")


def _config(submission: Submission, change: FileChange) -> Iterator[Finding]:
    from ...backends.dvctrust import parse_committed, remarks_on  # only where it changes

    data = submission.content(change.oid or "", limit=_LIMIT) or b""
    try:
        settings = parse_committed(data)
        remarks = remarks_on(settings)
    except NeurogisterError as error:
        yield finding("dvc-config", change, error.message, fix=error.hint)
        return
    rules = {"secret": "secret", "unknown": "dvc-config-unknown"}
    for remark in remarks:
        yield finding(
            rules.get(remark.kind, "dvc-config"), change, f"{remark.entry.dotted}: {remark.why}",
            line=remark.entry.line, offending=remark.entry.dotted,
        )  # fmt: skip
    secret = {remark.entry.line for remark in remarks if remark.kind == "secret"}
    yield from _secrets(change, data, secret)
    yield from _remotes(submission, change, settings)


def _secrets(change: FileChange, data: bytes, known: set[int | None]) -> Iterator[Finding]:
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if number not in known and (danger := find_secret(line)) is not None:
            yield finding(danger.rule, change, danger.what, line=number, offending=danger.shown)


def _remotes(submission: Submission, change: FileChange, settings: Settings) -> Iterator[Finding]:
    from ...backends.dvcoptions import ADDRESSING

    before = _before(submission)
    for entry in settings.values():
        if entry.section != "remote" or not entry.name:
            continue
        old = before.get(entry.id)
        if old is not None and entry.key in ADDRESSING and old != entry.value:
            yield finding(
                "dvc-remote-moved", change, f"the remote {entry.name!r} is another one than before",
                line=entry.line, right=None if find_secret(str(old)) else f"{entry.key} = {old}",
            )  # fmt: skip
        verify = settings.get(("remote", entry.name, "verify"))
        if entry.key == "url" and (verify is None or str(verify.value).lower() != "true"):
            yield finding(
                "dvc-verify", change, f"the remote {entry.name!r} has no `verify = true`",
                line=entry.line,
            )  # fmt: skip


def _before(submission: Submission) -> dict[tuple[str, str, str], object]:
    """Return the settings of the base by what they set."""
    from ...backends.dvctrust import parse_committed

    entry = submission.base_tree.get(DVC_CONFIG)
    data = None if entry is None else submission.content(entry.oid, limit=_LIMIT)
    try:
        settings = parse_committed(data or b"")
    except NeurogisterError:
        return {}
    return {each.id: each.value for each in settings.values()}
