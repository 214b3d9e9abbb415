"""The registry as scripts see it: the same verbs as on the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .actions.session import Session, open_session
from .changing import Changing
from .errors import InvalidFileError, UsageError
from .model.names import Names, listed
from .progress import SILENT, Progress
from .settings import load_settings

if TYPE_CHECKING:
    from .actions.describe import Description
    from .actions.locate import Located
    from .actions.pull import PullReport
    from .actions.verify import Verdict
    from .actions.versions import Difference
    from .model.citation import Citation
    from .model.dataset import Collection, Dataset
    from .model.finding import Report
    from .model.names import Target
    from .model.package import Vendor
    from .model.record import Version


def open(  # noqa: A001 - as in `neurogister.open(…)`
    place: str | os.PathLike[str] = ".",
    rev: str | None = None,
    *,
    offline: bool | None = None,
    cache: str | os.PathLike[str] | None = None,
    remote: str | None = None,
    jobs: int | None = None,
    progress: Progress = SILENT,
) -> Registry:
    """Open a registry.

    Parameters
    ----------
    place : str or path
        A folder in a checkout, or a git URL.
    rev : str, optional
        A commit, branch or tag; None is the work tree as it is, or the newest state of a URL.
    offline : bool, optional
        Never use the network.
    cache : path, optional
        The user's own cache.
    remote : str, optional
        The only DVC remote to be asked.
    jobs : int, optional
        How many transfers at once.
    progress : Progress
        Told about long work.

    Returns
    -------
    Registry

    Raises
    ------
    NotFoundError
        If there is no registry, or no such revision.
    NetworkError, CredentialsError, OfflineError
        If a remote registry cannot be read.
    """
    settings = load_settings(
        registry=os.fspath(place), rev=rev, offline=offline,
        cache=None if cache is None else os.fspath(cache), remote=remote, jobs=jobs,
    )  # fmt: skip
    return Registry(open_session(settings, rev=settings.rev, progress=progress), progress=progress)


def fetch(
    name: str,
    registry: str | os.PathLike[str] | None = None,
    *,
    rev: str | None = None,
    into: str | os.PathLike[str] | None = None,
    offline: bool | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Bring one dataset, package or part here, and return where it is: one line for a test.

    Parameters
    ----------
    name : str
        ``VENDOR/PACKAGE@1.2.0``, an identifier, a path; a part as ``NAME:PATH``.
    registry : str or path, optional
        A folder or git URL; None is the configured one, or the one around the working directory.
    rev : str, optional
        A commit, branch or tag.
    into : path, optional
        The folder to deliver to; None is a folder of the user's cache that is kept for this very
        content.
    offline : bool, optional
        Never use the network: the cache must have it.
    progress : Progress
        Told about the transfer.

    Returns
    -------
    Path
        The file or folder; every byte was checked against the record.

    Raises
    ------
    NotFoundError
        If there is no such thing.
    IntegrityError
        If the data is not what the record says.
    """
    settings = load_settings(
        registry=None if registry is None else os.fspath(registry), rev=rev, offline=offline
    )
    session = open_session(settings, rev=settings.rev, progress=progress)
    with Registry(session, progress=progress) as opened:
        target = opened.one(name)
        folder = Path(into) if into is not None else opened.content_folder(target)
        return opened.pull_targets([target], into=folder, check=True).pulled[0].path


class Registry(Changing):
    """A registry, opened at one state.

    Made by `neurogister.open`; use it as a context manager, or call `close`.

    Parameters
    ----------
    session : Session
        The opened registry.
    progress : Progress
        Told about long work.
    """

    def __init__(self, session: Session, *, progress: Progress = SILENT) -> None:
        self._session = session
        self._progress = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Registry {self.url} at {self.commit or 'work tree'}>"

    def close(self) -> None:
        """Let go of files and databases."""
        self._session.close()

    @property
    def url(self) -> str:
        """Where it is: a path, or a git URL."""
        return self._session.reader.url

    @property
    def commit(self) -> str | None:
        """The commit that is read, or on which the work tree stands."""
        return self._session.reader.commit

    def list(self, pattern: str | None = None) -> Sequence[Dataset]:
        """List datasets, sorted by name.

        Parameters
        ----------
        pattern : str, optional
            A glob over names and identifiers.
        """
        from .actions.listing import list_datasets

        return list_datasets(self._session, pattern)

    def packages(self) -> Sequence[Dataset]:
        """List packages, sorted by name."""
        return self._session.reader.packages()

    def vendors(self) -> Sequence[Vendor]:
        """List vendors, sorted by name."""
        return self._session.reader.vendors()

    def collections(self) -> Sequence[Collection]:
        """List collections, sorted by name."""
        return self._session.reader.collections()

    def __getitem__(self, name: str) -> Dataset:
        target = self.one(name)
        if target.version is not None:
            self._session.reader.version(target.item, target.version)
        return target.item

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self._resolve(name))
        except LookupError:
            return False
        except (UsageError, InvalidFileError):
            return True  # several, or a broken one: something is called so

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())

    def one(self, name: str) -> Target:
        """Resolve a name that must stand for one thing.

        Raises
        ------
        NotFoundError, UsageError
            If it stands for nothing, or for several.
        """
        targets = self._resolve(name)
        if len(targets) != 1:
            raise UsageError(f"{name!r} stands for {len(targets)} datasets, and must for one")
        return targets[0]

    def _resolve(self, names: Names) -> Sequence[Target]:
        return self._session.reader.resolve([names] if isinstance(names, str) else [*names])

    def info(self, names: Names, *, ask_remotes: bool = False) -> Sequence[Description]:
        """Describe datasets: record, files, and where the copies are."""
        from .actions.info import describe_targets

        return describe_targets(self._session, self._resolve(names), ask_remotes=ask_remotes)

    def validate(
        self,
        base: str | None = None,
        *,
        staged: bool = False,
        actor: str | None = None,
        scope: str | None = None,
        remote: bool = False,
        staging: Names = (),
        fix: bool = False,
        dry_run: bool = False,
        contents: bool = False,
    ) -> Report:
        """Find everything that is wrong with the registry, or with a submission to it.

        Parameters
        ----------
        base : str, optional
            The revision that it is to be merged into; without one, everything is validated.
        staged : bool
            Whether what is staged is looked at, in place of the work tree.
        actor : str, optional
            The account of whoever submits, for what only some may do.
        scope : {'contributor', 'maintainer'}, optional
            Whether only what contributors may touch is allowed; by default where there is a base.
        remote : bool
            Whether the bytes of new data are looked for too, in the main remote and in staging.
        staging : str or iterable of str
            Where bytes may wait: a remote, an address, a folder or a zip file; by default what
            ``registry.yaml`` and the messages of the commits say.
        fix : bool
            Whether the form of files in the work tree is mended first; what they mean never is.
        dry_run : bool
            With `fix`: whether only to find out what would be mended.
        contents : bool
            Tell what is added, changed and removed too, as `Report.submitted` and `Report.others`.
        """
        from .actions import validate as validation

        if fix and staged:
            raise UsageError("fix and staged contradict each other: only the work tree is mended")
        options: dict[str, Any] = {
            "base": base, "actor": actor, "scope": scope, "remote": remote,
            "staging": [staging] if isinstance(staging, str) else [*staging],
            "progress": self._progress, "contents": contents,
        }  # fmt: skip
        if fix:
            return validation.fix(self._session, dry_run=dry_run, **options)
        return validation.validate(self._session, staged=staged, **options)

    def search(
        self,
        text: str | None = None,
        *,
        where: Names = (),
        where_not: Names = (),
        dtype: str | None = None,
        digest: str | None = None,
        archive: str | None = None,
        created_by: str | None = None,
        license: str | None = None,  # noqa: A002 - the field's name
        collection: str | None = None,
        status: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Dataset]:
        """Find datasets, resources and packages, sorted by name: everything given must hold.

        Parameters
        ----------
        text : str, optional
            Words that must all be there; a phrase in double quotes.
        where, where_not : str or iterable of str
            Conditions that must hold, and that must not: ``key=value``, ``key>=2``, ``key``.
        dtype, archive, created_by, license, collection : str, optional
            The value of this field, or a glob.
        digest : str, optional
            What a digest of any version starts with.
        status, kind : str, optional
            One of the words that a dataset may have there.
        limit : int, optional
            How many are wanted at most.

        Raises
        ------
        UsageError
            If what is searched for makes no sense.
        """
        from .actions.search import Wanted, search

        wanted = Wanted(
            text=text, where=listed(where), where_not=listed(where_not), dtype=dtype,
            digest=digest, archive=archive, created_by=created_by, license=license,
            collection=collection, status=status, kind=kind,
        )  # fmt: skip
        return search(self._session, wanted, limit=limit).items

    def cite(self, names: Names) -> Sequence[Citation]:
        """Return what citations of datasets, in just these versions, say."""
        from .actions.cite import cite

        return cite(self._session, self._resolve(names))

    def versions(self, name: str) -> Sequence[Version]:
        """List the versions of a dataset or package, oldest first."""
        from .actions.versions import list_versions

        return list_versions(self._session, self[name])

    def diff(self, before: str, after: str) -> Difference:
        """Compare two versions of one dataset or package."""
        from .actions.versions import diff

        return diff(self._session, self.one(before), self.one(after), progress=self._progress)

    def pull(
        self,
        names: Names | None = None,
        *,
        into: str | os.PathLike[str] | None = None,
        layout: str | None = None,
        force: bool = False,
        dry_run: bool = False,
        check: bool = False,
    ) -> PullReport:
        """Bring datasets here, each byte checked against its record.

        Parameters
        ----------
        names : str or iterable of str, optional
            What; None is everything.
        into : path, optional
            The folder to deliver to, where each dataset lies under its name. None is its place in
            the work tree; of a remote registry, the working directory.
        layout : {'nf-neuro', 'zip'}, optional
            Bring zip archives instead: by their md5 into the cache of nf-neuro's tests, or by their
            name into the working directory.
        force : bool
            Overwrite files that were changed here, and get what was withdrawn.
        dry_run : bool
            Only find out what would happen.
        check : bool
            Raise if a dataset could not be delivered (all others were). Without it, look at the
            `errors` of the report.

        Returns
        -------
        PullReport

        Raises
        ------
        IntegrityError, NetworkError, …
            With `check`: the failure of the only dataset that failed.
        SeveralErrors
            With `check`: if several did; they are in its `errors`.
        """
        if layout is not None:
            from .actions.layouts import pull_zips

            report = pull_zips(
                self._session, self.targets(names), layout, named=names is not None,
                into=None if into is None else Path(into).absolute(), force=force,
                dry_run=dry_run, progress=self._progress,
            )  # fmt: skip
            return _checked(report) if check else report
        if names is not None:
            return self.pull_targets(
                self._resolve(names), into=into, force=force, dry_run=dry_run, check=check
            )
        from .actions.pull import pull_everything

        report = pull_everything(
            self._session, into=None if into is None else Path(into).absolute(),
            force=force, dry_run=dry_run, progress=self._progress,
        )  # fmt: skip
        return _checked(report) if check else report

    def targets(self, names: Names | None) -> Sequence[Target]:
        """Resolve names; None is every dataset and package that can be pulled."""
        from .actions.listing import everything

        return everything(self._session) if names is None else self._resolve(names)

    def pull_targets(
        self,
        targets: Sequence[Target],
        *,
        into: str | os.PathLike[str] | None = None,
        force: bool = False,
        dry_run: bool = False,
        check: bool = False,
    ) -> PullReport:
        """Bring what was resolved already (see `pull`).

        Parameters
        ----------
        targets : sequence of Target
            As `targets` or `one` give them.
        into : path, optional
            The folder to deliver to; None is the place in the work tree.
        force : bool
            Overwrite files that were changed here, and get what was withdrawn.
        dry_run : bool
            Only find out what would happen.
        check : bool
            Raise what failed, instead of only reporting it.
        """
        from .actions.pull import pull

        folder = None if into is None else Path(into).absolute()
        report = pull(
            self._session, targets, into=folder, force=force, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip
        return _checked(report) if check else report

    def zip_archives(self, names: Names | None = None) -> dict[str, str]:
        """List zip archives with their md5, sorted by name, as test suites do.

        Parameters
        ----------
        names : str or iterable of str, optional
            Packages and datasets; None is everything.

        Raises
        ------
        NotFoundError
            If something that is named has none.
        RefusedError
            If one name stands for different bytes.
        """
        from .actions.export import export_zips

        targets = self.targets(names)
        found = export_zips(
            self._session, targets, named=names is not None, progress=self._progress
        )
        return {each.name: each.md5 for each in found}

    def content_folder(self, target: Target) -> Path:
        """Return the folder of the user's cache that is kept for the content of a target."""
        from .actions.selection import select

        selection = select(self._session.reader, target)
        return self._session.settings.cache / "content" / str(selection.oid)

    def locate(self, names: Names) -> Sequence[Located]:
        """Find the copies of datasets, the nearest first."""
        from .actions.locate import locate

        return [*locate(self._session, self._resolve(names))]

    def verify(
        self,
        names: Names | None = None,
        *,
        remote: bool = False,
        into: str | os.PathLike[str] | None = None,
    ) -> Sequence[Verdict]:
        """Read datasets to their end, and compare with their records.

        Parameters
        ----------
        names : str or iterable of str, optional
            What; None is everything.
        remote : bool
            Read what the remotes have, not what is here.
        into : path, optional
            The folder that a pull delivered to, instead of the work tree.
        """
        from .actions.verify import verify, verify_remote

        targets = self.targets(names)
        if remote:
            return [*verify_remote(self._session, targets, progress=self._progress)]
        folder = None if into is None else Path(into).absolute()
        return [*verify(self._session, targets, into=folder, progress=self._progress)]


def _checked(report: PullReport) -> PullReport:
    if report.errors:
        from .errors import collect_errors  # only when something failed

        raise collect_errors(report.errors, len(report.pulled))
    return report
