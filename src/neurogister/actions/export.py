"""What other programs read, made of a registry or a lockfile: lists of zip archives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidFileError, NotFoundError, RefusedError, UsageError, collect_errors
from ..files import open_regular, system_errors, write_whole
from ..model.digest import is_digest
from ..progress import SILENT, Progress
from .layouts import zips_in_lockfile
from .zipped import Zipped, find_zips, name_zips

if TYPE_CHECKING:
    from ..model.names import Target
    from .lockfiles import OnDisk
    from .session import Session

NF_NEURO = "nf-neuro"
FORMATS = (NF_NEURO,)
_MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One zip archive in a list.

    Parameters
    ----------
    name : str
        What it is called: ``raw_b0.zip``.
    md5 : str
    size : int, optional
    sha256 : str, optional
    of : str
        The dataset or package that it is from, as one would type it.
    """

    name: str
    md5: str
    size: int | None
    sha256: str | None
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One name of a list that is compared with what it should say.

    Parameters
    ----------
    name : str
    status : {'same', 'changed', 'missing', 'extra'}
        ``missing``: the list lacks it; ``extra``: only the list has it.
    listed, wanted : str, optional
        The md5 in the list, and the one that should be there.
    """

    name: str
    status: str
    listed: str | None
    wanted: str | None


def check_format(name: str) -> None:
    """Check that lists can be made for such a program.

    Raises
    ------
    UsageError
        If they cannot.
    """
    if name not in FORMATS:
        raise UsageError(
            f"there is no format {name!r} of manifests", hint=f"One of {', '.join(FORMATS)}."
        )


def export_zips(
    session: Session,
    targets: Sequence[Target],
    *,
    named: bool = True,
    progress: Progress = SILENT,
) -> list[Exported]:
    """List the zip archives that names stand for in a registry.

    Parameters
    ----------
    session : Session
        The registry.
    targets : sequence of Target
        What is wanted.
    named : bool
        Whether each target was named, so that one without an archive is an error.
    progress : Progress
        Told about the transfer of listings, and what is passed over.

    Returns
    -------
    list of Exported
        In the order of their names.

    Raises
    ------
    NotFoundError
        If something that is named has no zip archive.
    RefusedError
        If one name stands for different bytes, or something was withdrawn.
    """
    zips, failed = find_zips(session, targets, named=named, progress=progress)
    errors = [one.error for one in failed if one.error is not None]
    if errors:
        raise collect_errors(errors, len(targets))
    return _exported(zips)


def export_locked_zips(
    found: OnDisk, names: Sequence[str] = (), *, progress: Progress = SILENT
) -> list[Exported]:
    """List the zip archives that a lockfile names; no registry is asked.

    Parameters
    ----------
    found : OnDisk
        The lockfile.
    names : sequence of str
        What of it; none stand for everything.
    progress : Progress
        Told what was withdrawn.
    """
    return _exported([each for _, each in zips_in_lockfile(found, names, progress=progress)])


def _exported(zips: Sequence[Zipped]) -> list[Exported]:
    return [
        Exported(
            name=name, md5=each.wanted.oid.md5, size=each.wanted.expected.size,
            sha256=each.wanted.expected.sha256, of=each.label,
        )
        for name, each in name_zips(zips).items()
    ]  # fmt: skip


def dump_nf_neuro(exported: Sequence[Exported]) -> bytes:
    """Return the list as nf-neuro reads it: JSON, ``{"raw_b0.zip": md5}``, sorted by name.

    Parameters
    ----------
    exported : sequence of Exported
        What to list.
    """
    listed = {each.name: each.md5 for each in exported}
    return (json.dumps(listed, indent=4, sort_keys=True, ensure_ascii=False) + "\n").encode()


def write_export(path: Path, data: bytes) -> bool:
    """Write a list whole, if the file does not say so already.

    Parameters
    ----------
    path : Path
        The file; its folder must be there.
    data : bytes
        What it shall have.

    Returns
    -------
    bool
        Whether it had to be written.
    """
    if path.is_file() and path.read_bytes() == data:
        return False
    write_whole(path.resolve() if path.is_file() else path, data)  # a link stays one
    return True


def compare_nf_neuro(path: Path, exported: Sequence[Exported]) -> list[Compared]:
    """Compare a list that nf-neuro reads with what it should say, whatever its spaces and order.

    Parameters
    ----------
    path : Path
        The file.
    exported : sequence of Exported
        What it should say.

    Returns
    -------
    list of Compared
        Of every name, sorted.

    Raises
    ------
    NotFoundError, InvalidFileError
        If there is no such file, or it is no such list.
    """
    listed = _read_nf_neuro(path)
    wanted = {each.name: each.md5 for each in exported}
    return [
        Compared(
            name=name, status=_status(listed.get(name), wanted.get(name)), listed=listed.get(name),
            wanted=wanted.get(name),
        )
        for name in sorted({**listed, **wanted})
    ]  # fmt: skip


def refuse_differences(path: Path, compared: Sequence[Compared]) -> None:
    """Refuse a list that does not say what it should.

    Parameters
    ----------
    path : Path
        The file.
    compared : sequence of Compared
        As `compare_nf_neuro` returns them.

    Raises
    ------
    RefusedError
        If anything differs.
    """
    wrong = [each for each in compared if each.status != "same"]
    if wrong:
        some = ", ".join(f"{each.name} {each.status}" for each in wrong[:5])
        raise RefusedError(
            f"{path} does not say what is locked or released: {some}"
            f"{f', and {len(wrong) - 5} more' if len(wrong) > 5 else ''}",
            hint=f"The same command with `-o {path}` in place of `--check` writes it anew.",
        )


def _status(listed: str | None, wanted: str | None) -> str:
    if listed is None:
        return "missing"
    if wanted is None:
        return "extra"
    return "same" if listed == wanted else "changed"


def _read_nf_neuro(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint=f"`-o {path}` writes it.")
    with system_errors(path, "read"), open_regular(path.resolve()) as stream:
        data = stream.read(_MAX_BYTES + 1)
    try:
        content = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"{path} is not JSON: {error}", hint=_MEND) from None
    if not isinstance(content, dict) or len(data) > _MAX_BYTES:
        raise InvalidFileError(f"{path} is no list of zip archives", hint=_MEND)
    for name, md5 in content.items():
        if not isinstance(md5, str) or not is_digest("md5", md5):
            raise InvalidFileError(
                f"{path}: {name[:80]!a} has the md5 {md5!r:.80}, which is none", hint=_MEND
            )
    return content


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """A name that stands there twice would stand for different bytes in different readers."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:80]!a} stands there twice")
        found[name] = value
    return found


_MEND = 'It must be `{"NAME.zip": "MD5"}`: `-o FILE` writes it anew.'
