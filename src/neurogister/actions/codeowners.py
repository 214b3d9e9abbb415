"""Who is asked to review a vendor's folder: lines of CODEOWNERS, made from ``vendor.yaml``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import InvalidFileError, NeurogisterError
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from ..registry.worktree import LINK, read_worktree
from .vendors import folder_of
from .writable import check_git, commit_changes, open_for_writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..model.package import Vendor
    from .session import Session

PATH = ".github/CODEOWNERS"
BEGIN = "# >>> neurogister vendor codeowners: made from vendor.yaml; write nothing between"
END = "# <<< neurogister vendor codeowners"
_START = "# Who is asked to review. The last matching line counts."
_ACCOUNT = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9_.-]{1,100})?\Z")
_FOLDER = re.compile(r"\A[A-Za-z0-9._/-]+\Z", re.ASCII)  # others mean something in a pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Codeowners:
    """What the file says of vendors now, or would say.

    Parameters
    ----------
    path : str
        The file, from the top of the registry.
    lines : tuple of str
        A line for each vendor with a maintainer who has an account.
    without : tuple of str
        The folders of the others: who is asked follows from the lines above.
    changed : bool
        False if it was so already.
    staged : tuple of str
        The files that were staged or committed.
    commit : str, optional
        The commit that was made.
    """

    path: str
    lines: tuple[str, ...]
    without: tuple[str, ...]
    changed: bool
    staged: tuple[str, ...] = ()
    commit: str | None = None


def write_codeowners(
    session: Session,
    *,
    check: bool = False,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Codeowners:
    """Write who is asked to review each vendor's folder; other lines stay as they are.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    check : bool
        Whether only to make sure that it is so.
    commit : bool
        Whether to commit in git, and not only to stage.
    dry_run : bool
        Whether only to find out what would happen.
    progress : Progress
        Told when it waits.

    Raises
    ------
    NeurogisterError
        With `check`, if it is not so.
    InvalidFileError
        If one of the two lines around the block is missing.
    """
    root = open_for_writing(session)
    with session.tree_lock(root, progress):
        session.reader.refresh()
        lines, without = _lines(session.reader.vendors())
        before = _read(root)
        after = _with_block(before, lines)
        done = Codeowners(path=PATH, lines=lines, without=without, changed=after != before)
        if check and done.changed:
            raise NeurogisterError(
                f"{root / PATH} does not say what the files vendor.yaml say",
                hint="`neurogister vendor codeowners` mends it.",
            )
        if dry_run or not done.changed:
            return done
        check_git(session, [PATH], commit=commit)
        ChangeSet({PATH: after.encode()}).apply(root)
        made = commit_changes(session, [PATH], "Ask vendors' maintainers to review", commit=commit)
        return replace(done, staged=(PATH,), commit=made)


def _read(root: Path) -> str:
    file = read_worktree(root, PATH)
    if file is None or file.mode == LINK:  # where a link is in the way, writing refuses
        return ""
    try:
        return file.data.decode()
    except UnicodeDecodeError as error:
        raise InvalidFileError(f"{root / PATH} is not UTF-8: {error}") from error


def _lines(vendors: Sequence[Vendor]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    lines, without = [], []
    for vendor in sorted(vendors, key=folder_of):
        folder = folder_of(vendor)
        accounts = list(dict.fromkeys(filter(None, map(_account, vendor.maintainers))))
        if accounts and _FOLDER.match(folder):
            lines.append(f"/{folder}/ {' '.join(accounts)}")
        else:
            without.append(folder)
    return tuple(lines), tuple(without)


def _account(maintainer: Any) -> str | None:
    """Return an account as GitHub writes it; nothing else may get into the file."""
    account = maintainer.get("github") if isinstance(maintainer, dict) else None
    found = isinstance(account, str) and _ACCOUNT.match(account)
    return f"@{account}" if found else None


def _with_block(text: str, lines: Sequence[str]) -> str:
    """Return the file with its block replaced, or added at the end."""
    block = "\n".join([BEGIN, *lines, END]) + "\n"
    rows = text.splitlines()
    if (rows.count(BEGIN), rows.count(END)) == (0, 0):
        if not lines:
            return text
        above = text if text.endswith("\n") or not text else f"{text}\n"
        return f"{above or _START + chr(10)}\n{block}"
    if (rows.count(BEGIN), rows.count(END)) != (1, 1) or rows.index(BEGIN) > rows.index(END):
        raise InvalidFileError(
            f"{PATH}: the lines around what is made from vendor.yaml are not one of each, in order",
            hint=f"Let one line say {BEGIN!r}, and a later one {END!r}; or remove them all.",
        )
    kept = [*rows[: rows.index(BEGIN)], block.rstrip("\n"), *rows[rows.index(END) + 1 :]]
    return "".join(f"{row}\n" for row in kept)
