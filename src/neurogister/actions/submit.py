"""Submitting: a deposit on a branch of its own, its bytes in staging, and a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..backends.pullrequests import Fork
from ..errors import NotFoundError, OfflineError, UsageError
from ..model.submissions import TRAILER, find_trailers, trailer
from ..progress import SILENT, Progress
from .deposit import deposit
from .deposited import DepositReport, Manner
from .presence import ask_for
from .stagings import open_web_staging, sink
from .writable import open_for_writing

if TYPE_CHECKING:
    from .drafts import Wishes
    from .session import Session
    from .sources import Source

_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which ways the bytes and the branch of a deposit take to become a pull request.

    Parameters
    ----------
    staging : str, optional
        Where the bytes wait: an address, or a DVC remote; else as ``registry.yaml`` says.
    form : str, optional
        A presigned form that takes them: a file or an address.
    bundle : Path, optional
        A folder or zip file that is written for the contributor to upload or attach.
    push_to : str, optional
        The git remote that the branch is pushed to.
    """

    staging: str | None = None
    form: str | None = None
    bundle: Path | None = None
    push_to: str | None = None

    def check(self) -> None:
        """Check that the parts fit.

        Raises
        ------
        UsageError
            If bytes would go two ways.
        """
        if self.form is not None and self.bundle is not None:
            raise UsageError("bytes go into a form or a bundle, not both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of a submission.

    Parameters
    ----------
    report : DepositReport
        Of the deposit.
    branch : str
        The branch.
    staging : str, optional
        The address under which the maintainers find the bytes; none if they are yet to be told.
    pushed_to : str
        The git remote that has the branch, or will.
    pull_request : str, optional
        The address of the pull request that was opened, or is.
    steps : tuple of str
        What is left for the contributor to do.
    """

    report: DepositReport
    branch: str
    staging: str | None
    pushed_to: str
    pull_request: str | None = None
    steps: tuple[str, ...] = ()


def submit(
    session: Session,
    sources: Sequence[Source],
    wishes: Wishes,
    manner: Manner,
    route: Route,
    *,
    progress: Progress = SILENT,
) -> Submitted:
    """Deposit files on a branch, bring their bytes to staging, and open the pull request.

    Each step that is done already is found done when it is run again.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    sources, wishes, manner
        As for `deposit`; the branch, if not given, is made up.
    route : Route
        The rest.
    progress : Progress
        Told about long work.

    Raises
    ------
    UsageError, NotFoundError
        If nothing says where the bytes, or the branch, should go.
    RefusedError, NetworkError, CredentialsError, …
        As `deposit` does; and of pushing and opening.
    """
    route.check()
    if manner.push is False:
        raise UsageError(
            "a submission brings its bytes somewhere: `--no-push` does not go with `--submit`",
            hint="`--bundle FILE.zip` writes them into a file.",
        )
    if session.settings.offline and manner.writes:
        raise OfflineError(
            "a submission needs the network, which may not be used (`--offline`)",
            hint="Run it again without `--offline`.",
        )
    return _Submitting(session, route, progress).run(sources, wishes, manner)


class _Submitting:
    def __init__(self, session: Session, route: Route, progress: Progress) -> None:
        self._session = session
        self._route = route
        self._progress = progress
        self._fork = Fork(open_for_writing(session))
        self._remote = self._fork.remote(route.push_to)

    def run(self, sources: Sequence[Source], wishes: Wishes, manner: Manner) -> Submitted:
        branch = manner.branch or self._branch(sources, wishes)
        report, address = self._deposit(sources, wishes, replace(manner, branch=branch))
        done = Submitted(
            report=report, branch=branch, staging=address, pushed_to=self._remote,
            steps=tuple(self._steps(address)),
        )  # fmt: skip
        if not manner.writes:
            return done
        self._say_where(address)
        self._fork.push(self._remote, branch)
        self._progress.say(f"pushed {branch} to {self._remote}")
        title, body = _title(report), _body(report, address)
        request = self._fork.open_request(self._remote, branch, title=title, body=body)
        steps = (*done.steps, *([] if request else [self._by_hand(branch)]))
        return replace(done, pull_request=request, steps=steps)

    @staticmethod
    def _branch(sources: Sequence[Source], wishes: Wishes) -> str:
        """Make up a branch; the same for the same deposit."""
        about = wishes.id or wishes.new_version or Path(sources[0].typed).name.partition(".")[0]
        if len(sources) > 1 and wishes.id is None:
            about = f"{about}-and-{len(sources) - 1}-more"
        words = f"{wishes.to or ''}-{about}".replace("/", "-")
        return f"submit/{_ODD.sub('-', words).strip('-.')[:80] or 'data'}"

    def _deposit(
        self, sources: Sequence[Source], wishes: Wishes, manner: Manner
    ) -> tuple[DepositReport, str | None]:
        mine = self._route
        needed = self._session.reader.info().submissions.needs_login and not mine.staging
        login = self._fork.login() if needed else None
        with sink(
            self._session, staging=mine.staging, form=mine.form,
            bundle=mine.bundle if manner.writes else None, login=login,
            dry_run=not manner.writes and mine.bundle is not None,
        ) as (remote, address):  # fmt: skip
            trailers = (trailer(address),) if address else ()
            report = deposit(
                self._session, sources, wishes,
                replace(
                    manner, into=remote, push=remote is not None, commit=True, trailers=trailers
                ),
                progress=self._progress,
            )  # fmt: skip
        if remote is None:
            report.unpushed = None
            if address is not None and manner.writes:
                self._check_there(address, report)
        return report, address

    def _check_there(self, address: str, report: DepositReport) -> None:
        """Ask an address, which the contributor fills without us, whether it has the bytes."""
        if address.lower().endswith(".zip"):
            return
        oids = report.objects
        answers = ask_for(open_web_staging(self._session, address), oids, retries=1)
        absent = [oid for oid in oids if isinstance(answers[oid], NotFoundError)]
        if absent:
            raise NotFoundError(
                f"{address} does not have {len(absent)} of {len(oids)} objects, as {absent[0].key}",
                hint="`--bundle DIR` writes the files that have to lie there. The branch is made,"
                " but was not pushed: upload them, and run the same command again.",
            )

    def _say_where(self, address: str | None) -> None:
        """Say in a commit where the bytes are, if the deposit's own commit could not."""
        if address and address not in find_trailers(self._fork.messages(f"{TRAILER}:")):
            self._fork.note(f"Say where the bytes are\n\n{trailer(address)}")

    def _steps(self, address: str | None) -> list[str]:
        bundle = self._route.bundle
        if bundle is None:
            return []
        if address is None:
            return [f"attach {bundle} to the pull request, so that its maintainers can promote it"]
        if bundle.suffix.lower() == ".zip":
            return [f"see that {bundle} lies at {address}"]
        return [f"upload what is in {bundle} to {address}"]

    def _by_hand(self, branch: str) -> str:
        address = self._fork.address(self._remote, branch)
        if address:
            return f"open {address}"
        return f"open a pull request of the branch {branch}, which is in {self._remote}"


def _title(report: DepositReport) -> str:
    names = [each.name for each in report.deposited]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"Add {names[0]}{more}"[:200] if names else "Add data"


def _body(report: DepositReport, address: str | None) -> str:
    """Return what the pull request says: what is added, in a table of Markdown."""
    rows = [
        f"| `{each.id}` | `{each.name}` | {each.version} | {each.size:,} | {each.nfiles or 1:,} |"
        for each in report.deposited
    ]
    where = f"Bytes: {address}" if address else "Bytes: see the attached bundle"
    return "\n".join(
        ["| identifier | name | version | bytes | files |", "| --- | --- | --- | --- | --- |",
         *rows, "", where, ""]
    )  # fmt: skip
