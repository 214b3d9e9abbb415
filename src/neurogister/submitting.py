"""The verbs of submissions, as scripts see them; a part of `neurogister.Registry`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .model.names import Names, listed

if TYPE_CHECKING:
    from .actions.promotion import Promotion
    from .actions.session import Session
    from .actions.submit import Submitted
    from .model.table import Said
    from .progress import Progress


class Submitting:
    """From a contributor's files to the main remote; the registry must be a checkout."""

    _session: Session
    _progress: Progress

    def submit(
        self,
        files: Iterable[str | os.PathLike[str]],
        *,
        to: str | None = None,
        id: str | None = None,  # noqa: A002 - the field's name
        new_version: str | None = None,
        said: Said | None = None,
        staging: str | None = None,
        form: str | None = None,
        bundle: str | os.PathLike[str] | None = None,
        push_to: str | None = None,
        branch: str | None = None,
        dry_run: bool = False,
    ) -> Submitted:
        """Deposit files on a branch, bring their bytes to staging, and open the pull request.

        Parameters
        ----------
        files : iterable of path
            Files and folders; each becomes a dataset.
        to : str, optional
            The collection.
        id : str, optional
            The identifier, of a single file.
        new_version : str, optional
            The dataset that gets a new version, instead of `to`.
        said : Said, optional
            Title, licence, metadata and so on (`neurogister.model.table.Said`).
        staging : str, optional
            Where the bytes wait; else as ``registry.yaml`` says.
        form : str, optional
            A presigned form: a file or an address.
        bundle : path, optional
            A folder or zip file that is written instead.
        push_to : str, optional
            The git remote that the branch is pushed to.
        branch : str, optional
            Its name; made up if not given.
        dry_run : bool
            Only find out what would happen.

        Raises
        ------
        UsageError, NotFoundError
            If nothing says where the bytes, or the branch, should go.
        RefusedError, NetworkError, CredentialsError
            As for `deposit`.
        """
        from .actions.deposited import Manner
        from .actions.drafts import Wishes
        from .actions.sources import find_sources
        from .actions.submit import Route, submit
        from .model.table import Said as Nothing

        sources = find_sources(list(files), table=None, said=said or Nothing())
        route = Route(
            staging=staging, form=form, bundle=None if bundle is None else Path(bundle),
            push_to=push_to,
        )  # fmt: skip
        return submit(
            self._session, sources, Wishes(to=to, id=id, new_version=new_version),
            Manner(branch=branch, dry_run=dry_run), route, progress=self._progress,
        )  # fmt: skip

    def promote(
        self,
        *,
        base: str | None = None,
        sources: Names = (),
        to: str | None = None,
        verify_remote: bool = False,
        log: str | os.PathLike[str] | None = None,
        dry_run: bool = False,
    ) -> Promotion:
        """Bring the objects that the last commit names from staging to the main remote.

        Parameters
        ----------
        base : str, optional
            A revision: what it names already is left out.
        sources : str or iterable of str
            Where the bytes are, if not where the commits say.
        to : str, optional
            The DVC remote that they go to; else the registry's own.
        verify_remote : bool
            Read back what the main remote has.
        log : path, optional
            A file that gets a line of JSON for each object.
        dry_run : bool
            Only find out what would happen.

        Raises
        ------
        IntegrityError, InvalidFileError
            If an object is another one than the commit says. Nothing was stored.
        NotFoundError
            If neither staging nor the main remote has one.
        RefusedError
            If a submission names an address that it may not.
        """
        from .actions.promote import promote
        from .actions.promotion import Order

        order = Order(
            base=base, sources=listed(sources), to=to, verify_remote=verify_remote,
            log=None if log is None else Path(log), dry_run=dry_run,
        )  # fmt: skip
        return promote(self._session, order, progress=self._progress)
