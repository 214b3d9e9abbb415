"""How a deposit is made, and what came of it: plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..backends.remotes import Remote
    from ..model.finding import Report
    from ..model.objects import ObjectId

DEPOSITED = "deposited"
UNCHANGED = "unchanged"
PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a deposit is made.

    Parameters
    ----------
    move : bool
        Whether the user's files are removed at the end.
    push : bool, optional
        Whether objects go to the remote; None: if there is one that can be written.
    verify_remote : bool
        Whether to read back what the remote has.
    commit : bool
        Whether to commit in git, and not only to stage.
    branch : str, optional
        A new branch to commit on.
    dry_run : bool
        Whether only to find out what would happen.
    check : bool
        The same, and what would be written is validated as a pull request is.
    into : Remote, optional
        Where objects go, if not to the registry's own remote: the staging of a submission.
    trailers : tuple of str
        Lines at the end of the commit's message.
    """

    move: bool = False
    push: bool | None = None
    verify_remote: bool = False
    commit: bool = False
    branch: str | None = None
    dry_run: bool = False
    check: bool = False
    into: Remote | None = None
    trailers: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether anything is to be changed."""
        return not (self.dry_run or self.check)


@dataclass(frozen=True, slots=True)
class Also:
    """Files of the registry that appear together with a deposit, or not at all.

    Parameters
    ----------
    paths : tuple of str
        Which, from the top of the registry.
    build : callable
        Returns what is to be written; called once before anything is uploaded, and again at the
        end, when nobody else changes the registry. What it raises ends the deposit.
    message : str
        Of the commit.
    """

    paths: tuple[str, ...]
    build: Callable[[], Mapping[str, bytes]]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited:
    """What became of one file or folder.

    Parameters
    ----------
    id : str
        Its identifier.
    file : str
        What the user named.
    name : str
        The dataset.
    version : int
        Which version it is.
    pointer : str
        Its pointer, from the top of the registry.
    md5, sha256, sha1, blake3 : str, optional
        Digests; of a folder, of its listing.
    size : int
        Bytes.
    nfiles : int, optional
        Of a folder: how many files it has.
    status : {'deposited', 'unchanged', 'planned'}
        ``unchanged``: the registry had it just so already.
    remote : str, optional
        Where its bytes were pushed to.
    stored : {'stored', 'there'}, optional
        Whether they were uploaded now or were there already.
    proof : {'size', 'md5', 'content'}, optional
        How we know that the remote has them.
    """

    id: str
    file: str
    name: str
    version: int | str
    pointer: str
    md5: str
    sha256: str | None
    sha1: str | None
    blake3: str | None
    size: int
    nfiles: int | None
    status: str
    remote: str | None = None
    stored: str | None = None
    proof: str | None = None


@dataclass(slots=True)
class DepositReport:
    """What a deposit did, or would do.

    Parameters
    ----------
    deposited : list of Deposited
        One for each file or folder, in their order.
    commit : str, optional
        The commit that was made.
    staged : list of str
        The files that were staged or committed.
    unpushed : str, optional
        Why nothing was pushed.
    validation : Report, optional
        What a pull request with it would be told; where `Manner.check` asks for it.
    objects : list of ObjectId
        What the datasets are made of.
    """

    deposited: list[Deposited] = field(default_factory=list)
    commit: str | None = None
    staged: list[str] = field(default_factory=list)
    unpushed: str | None = None
    validation: Report | None = None
    objects: list[ObjectId] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether anything was, or would be, changed."""
        return any(each.status != UNCHANGED for each in self.deposited)
