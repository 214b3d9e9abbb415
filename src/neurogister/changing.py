"""The verbs that change a registry, as scripts see them; a part of `neurogister.Registry`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .curating import Curating
from .model.names import Names, listed
from .submitting import Submitting

if TYPE_CHECKING:
    from .actions.deposited import DepositReport
    from .actions.modify import ChangeReport
    from .actions.rename import Renamed
    from .actions.session import Session
    from .actions.withdraw import WithdrawReport
    from .progress import Progress

Files = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


class Changing(Curating, Submitting):
    """What changes a registry; the registry must be a checkout."""

    _session: Session
    _progress: Progress

    def deposit(
        self,
        files: Files = (),
        *,
        to: str | None = None,
        id: str | None = None,  # noqa: A002 - the field's name
        auto_id: bool | None = None,
        dtype: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        title: str | None = None,
        description: str | None = None,
        license: str | None = None,  # noqa: A002 - the field's name
        derived_from: Names = (),
        note: str | None = None,
        table: str | os.PathLike[str] | None = None,
        new_version: str | None = None,
        new_collection: bool = False,
        allow_duplicate: bool = False,
        move: bool = False,
        push: bool | None = None,
        verify_remote: bool = False,
        commit: bool = False,
        branch: str | None = None,
        dry_run: bool = False,
    ) -> DepositReport:
        """Deposit files and folders: each becomes a dataset, or nothing happens at all.

        Parameters
        ----------
        files : path or iterable of path
            Files and folders; none means all that the table lists.
        to : str, optional
            The collection; ``COLLECTION/FOLDER`` too.
        id : str, optional
            The identifier, of a single file.
        auto_id : bool, optional
            Whether identifiers are made up; None leaves it to the policy.
        dtype, title, description, license, note : str, optional
            As in the record; the note is about this version.
        metadata : mapping, optional
            Free keys and values.
        derived_from : str or iterable of str
            Identifiers of what it was made from.
        table : path, optional
            CSV or YAML with what is to be said of each file.
        new_version : str, optional
            The dataset that gets a new version, instead of `to`.
        new_collection, allow_duplicate : bool
            Let a new collection, or content that is there already, pass.
        move : bool
            Remove the files once they are deposited.
        push : bool, optional
            Whether to upload; None: if there is a remote that can be written.
        verify_remote : bool
            Read back what the remote has.
        commit : bool
            Commit in git, and do not only stage.
        branch : str, optional
            A new branch to commit on.
        dry_run : bool
            Only find out what would happen.

        Returns
        -------
        DepositReport
            With identifier, digests and outcome of each file.

        Raises
        ------
        RefusedError
            If the policy forbids it, an identifier was ever used, or the content is there already.
        NotFoundError, UsageError, InvalidFileError
            If what is said of a file makes no sense.
        NetworkError, CredentialsError, IntegrityError
            If the remote does not take the bytes.
        """
        from .actions.deposit import deposit
        from .actions.deposited import Manner
        from .actions.drafts import Wishes
        from .actions.sources import find_sources
        from .model.table import Said

        said = Said(
            dtype=dtype, title=title, description=description, license=license, note=note,
            derived_from=listed(derived_from), metadata=metadata or {},
        )  # fmt: skip
        names = [files] if isinstance(files, str | os.PathLike) else list(files)
        sources = find_sources(names, table=table, said=said)
        wishes = Wishes(
            to=to, id=id, auto_id=auto_id, new_version=new_version,
            new_collection=new_collection, allow_duplicate=allow_duplicate,
        )  # fmt: skip
        manner = Manner(
            move=move, push=push, verify_remote=verify_remote, commit=commit, branch=branch,
            dry_run=dry_run,
        )  # fmt: skip
        return deposit(self._session, sources, wishes, manner, progress=self._progress)

    def modify(
        self,
        names: Names,
        *,
        metadata: Mapping[str, Any] | None = None,
        removed: Names = (),
        title: str | None = None,
        description: str | None = None,
        license: str | None = None,  # noqa: A002 - the field's name
        dtype: str | None = None,
        status: str | None = None,
        commit: bool = False,
        dry_run: bool = False,
    ) -> ChangeReport:
        """Change what records say; comments and order of the files are kept.

        Parameters
        ----------
        names : str or iterable of str
            Datasets, resources or packages.
        metadata : mapping, optional
            Keys to set; nested mappings are merged.
        removed : str or iterable of str
            Keys of the metadata to remove; ``a.b`` for nested ones.
        title, description, license, dtype : str, optional
            Fields to set.
        status : {'active', 'deprecated'}, optional
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.

        Raises
        ------
        NotFoundError
            If there is no such dataset, dtype, or key to remove.
        RefusedError
            If one was withdrawn, or the dtype's schema is not met. Nothing was changed.
        """
        from .actions.modify import Modification, modify
        from .model.table import Said

        said = Said(
            dtype=dtype, title=title, description=description, license=license,
            metadata=metadata or {},
        )  # fmt: skip
        return modify(
            self._session, listed(names),
            Modification(said=said, removed=listed(removed), status=status),
            commit=commit, dry_run=dry_run, progress=self._progress,
        )  # fmt: skip

    def withdraw(
        self, names: Names, reason: str, *, commit: bool = False, dry_run: bool = False
    ) -> WithdrawReport:
        """Withdraw datasets: a tombstone stays, which every client obeys.

        Parameters
        ----------
        names : str or iterable of str
            Datasets or resources.
        reason : str
            Why, for everybody who asks.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.
        """
        from .actions.withdraw import withdraw

        return withdraw(
            self._session, listed(names), reason, commit=commit, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip

    def rename(
        self,
        name: str,
        to: str,
        *,
        new_collection: bool = False,
        commit: bool = False,
        dry_run: bool = False,
    ) -> Renamed:
        """Move a dataset to another place; its identifier stays.

        Parameters
        ----------
        name : str
            Which dataset.
        to : str
            ``COLLECTION/NAME``, or ``COLLECTION/`` to keep the last part of its name.
        new_collection : bool
            Whether the collection may be new.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.
        """
        from .actions.rename import rename

        return rename(
            self._session, name, to, new_collection=new_collection, commit=commit,
            dry_run=dry_run, progress=self._progress,
        )  # fmt: skip

    def add_dtype(
        self,
        name: str,
        *,
        title: str | None = None,
        description: str | None = None,
        content_type: str | None = None,
        extensions: Names = (),
        downloadable: bool = False,
        schema: str | os.PathLike[str] | None = None,
        commit: bool = False,
        dry_run: bool = False,
    ) -> list[str]:
        """Add a kind of data; return the files that are changed.

        Parameters
        ----------
        name : str
        title, description, content_type : str, optional
        extensions : str or iterable of str
            What the names of its files end with.
        downloadable : bool
            Whether it may be downloaded openly.
        schema : path, optional
            A JSON Schema for the metadata.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.
        """
        from .actions.dtypes import NewDtype, add_dtype

        dtype = NewDtype(
            name=name, title=title, description=description, content_type=content_type,
            extensions=listed(extensions), downloadable=downloadable,
            schema=None if schema is None else Path(schema),
        )  # fmt: skip
        return add_dtype(
            self._session, dtype, commit=commit, dry_run=dry_run, progress=self._progress
        )
