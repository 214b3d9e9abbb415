"""Which datasets and packages there are, chosen by pattern and by what their records say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import NotFoundError, UsageError
from ..model.names import Target, glob_matcher, is_glob
from ..registry.resolve import nearest

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from .session import Session

STATUSES = ("active", "deprecated", "withdrawn", "broken")


def list_datasets(
    session: Session,
    pattern: str | None = None,
    *,
    dtype: str | None = None,
    license: str | None = None,  # noqa: A002 - the field's name
    status: str | None = None,
) -> list[Dataset]:
    """List datasets, sorted by name.

    Parameters
    ----------
    session : Session
        The registry.
    pattern : str, optional
        As `choose` takes it.
    dtype, license, status : str, optional
        Only those that have just this.

    Raises
    ------
    NotFoundError
        If nothing is called as the pattern says, which is no glob.
    UsageError
        If there is no such status.
    """
    if status is not None and status not in STATUSES:
        raise UsageError(f"there is no status {status!r}", hint=f"One of {', '.join(STATUSES)}.")
    chosen = choose(session.reader.datasets(), pattern)
    return [
        item
        for item in chosen
        if (dtype is None or item.dtype == dtype)
        and (license is None or item.license == license)
        and (status is None or item.status == status)
    ]


def choose(items: Sequence[Dataset], pattern: str | None) -> list[Dataset]:
    """Keep the items whose name, path or identifier fits a pattern.

    Parameters
    ----------
    items : sequence of Dataset
        All there are.
    pattern : str, optional
        A glob (``*`` crosses ``/``), a name, or the folder of some.

    Raises
    ------
    NotFoundError
        If it is no glob, and nothing is called so.
    """
    if pattern is None:
        return list(items)
    plain = pattern.removeprefix("./").rstrip("/")
    if is_glob(plain):
        return [item for item in items if _matches(item, plain)]
    folder = plain.removeprefix("data/").removeprefix("store/").removesuffix(".dvc")
    chosen = [item for item in items if _is_or_in(item, plain, folder)]
    if not chosen and plain not in ("", ".", "data", "store"):
        raise _not_found(pattern, folder, items)
    return chosen or list(items)


def _matches(item: Dataset, pattern: str) -> bool:
    fits = glob_matcher(pattern)
    identifier = "" if item.id is None else str(item.id)
    return fits(item.name) or fits(item.place) or fits(identifier)


def _is_or_in(item: Dataset, plain: str, folder: str) -> bool:
    if item.name == folder or item.name.startswith(f"{folder}/"):
        return True
    if item.place == plain or item.place.startswith(f"{plain}/"):
        return True
    return item.id is not None and item.id.casefold() == plain.casefold()


def _not_found(pattern: str, folder: str, items: Sequence[Dataset]) -> NotFoundError:
    import difflib  # only for the suggestion

    folders = {item.name.rpartition("/")[0] for item in items if "/" in item.name}
    near = difflib.get_close_matches(folder, sorted(folders), 2, 0.6) or nearest(folder, items)
    return NotFoundError(
        f"there is no dataset, package or folder {pattern!r}",
        hint=f"Perhaps {' or '.join(near)}?" if near else "`neurogister list` shows all names.",
    )


def everything(session: Session, *, withdrawn: bool = False) -> list[Target]:
    """Return all datasets and packages that have bytes to pull.

    Parameters
    ----------
    session : Session
        The registry.
    withdrawn : bool
        Whether to return those too that were withdrawn, and of which there may be copies.
    """
    items = [*session.reader.datasets(), *session.reader.packages()]
    return [
        Target(item=item, version=None, part=None, as_typed=item.name)
        for item in items
        if (item.pointer is not None and item.status not in ("withdrawn", "broken"))
        or (withdrawn and item.status == "withdrawn" and any(each.md5 for each in item.versions))
    ]
