"""The verbs of vendors and packages, as scripts see them; a part of `neurogister.Registry`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .model.names import Names, listed

if TYPE_CHECKING:
    from .actions.codeowners import Codeowners
    from .actions.packages import Changed
    from .actions.release import Release
    from .actions.session import Session
    from .actions.vendors import Shelved
    from .progress import Progress


class Curating:
    """What changes the store of a registry; the registry must be a checkout."""

    _session: Session
    _progress: Progress

    def add_vendor(
        self,
        name: str,
        *,
        department: str | None = None,
        title: str | None = None,
        description: str | None = None,
        maintainers: Names = (),
        commit: bool = False,
        dry_run: bool = False,
    ) -> Shelved:
        """Add a vendor: who curates packages.

        Parameters
        ----------
        name : str
        department : str, optional
            The group of vendors that it belongs to.
        title, description : str, optional
        maintainers : str or iterable of str
            ``NAME <GITHUB-OR-MAIL>``; without any, who adds it.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.

        Raises
        ------
        RefusedError
            If there is a vendor or department of this name.
        """
        from .actions.vendors import NewVendor, add_vendor

        new = NewVendor(
            name=name, department=department, title=title, description=description,
            maintainers=listed(maintainers),
        )  # fmt: skip
        return add_vendor(
            self._session, new, commit=commit, dry_run=dry_run, progress=self._progress
        )

    def move_vendor(
        self,
        name: str,
        department: str | None = None,
        *,
        commit: bool = False,
        dry_run: bool = False,
    ) -> Shelved:
        """Move a vendor into a department, or out of one; its packages keep their names.

        Parameters
        ----------
        name : str
        department : str, optional
            Where to; none puts it directly into the store.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.
        """
        from .actions.vendors import move_vendor

        return move_vendor(
            self._session, name, department, commit=commit, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip

    def write_codeowners(
        self, *, check: bool = False, commit: bool = False, dry_run: bool = False
    ) -> Codeowners:
        """Write into ``.github/CODEOWNERS`` that a vendor's maintainers review its folder.

        Parameters
        ----------
        check : bool
            Only make sure that it is so.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.

        Raises
        ------
        NeurogisterError
            With `check`, if it is not so.
        """
        from .actions.codeowners import write_codeowners

        return write_codeowners(
            self._session, check=check, commit=commit, dry_run=dry_run, progress=self._progress
        )

    def create_package(
        self,
        name: str,
        members: Names = (),
        *,
        purpose: str,
        title: str | None = None,
        description: str | None = None,
        license: str | None = None,  # noqa: A002 - the field's name
        commit: bool = False,
        dry_run: bool = False,
    ) -> Changed:
        """Say what a new package is made of; nothing is released.

        Parameters
        ----------
        name : str
            ``VENDOR/PACKAGE``.
        members : str or iterable of str
            ``DATASET[@VERSION][:PART][=PATH]``.
        purpose : str
            What it is for.
        title, description, license : str, optional
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.

        Raises
        ------
        NotFoundError
            If there is no such vendor or dataset.
        RefusedError
            If there is such a package, or members are withdrawn or in each other's way.
        """
        from .actions.packages import NewPackage, create_package

        new = NewPackage(
            name=name, purpose=purpose, title=title, description=description, license=license
        )
        return create_package(
            self._session, new, listed(members), commit=commit, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip

    def create_package_from_zip(
        self,
        name: str,
        file: str | os.PathLike[str],
        *,
        to: str,
        purpose: str,
        id: str | None = None,  # noqa: A002 - the field's name
        title: str | None = None,
        description: str | None = None,
        license: str | None = None,  # noqa: A002 - the field's name
        new_collection: bool = False,
        allow_duplicate: bool = False,
        push: bool | None = None,
        verify_remote: bool = False,
        commit: bool = False,
        dry_run: bool = False,
    ) -> Changed:
        """Make a package of a zip archive, which it can still be delivered as; nothing is released.

        Parameters
        ----------
        name : str
            ``VENDOR/PACKAGE``.
        file : path
            The archive: it becomes a dataset, and its files become another one.
        to : str
            The collection of these.
        purpose : str
            What it is for.
        id : str, optional
            The identifier of the files, and with ``-zip`` that of the archive; else they follow
            from its name.
        title, description, license : str, optional
        new_collection, allow_duplicate, push, verify_remote
            As for `deposit`.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.

        Raises
        ------
        InvalidFileError, IntegrityError
            If the archive is none, could do harm, or is damaged.
        RefusedError
            If there is such a package, identifier or content. Nothing was changed.
        """
        from .actions.deposited import Manner
        from .actions.fromzip import ZipWishes, create_from_zip
        from .actions.packages import NewPackage

        new = NewPackage(
            name=name, purpose=purpose, title=title, description=description, license=license
        )
        wishes = ZipWishes(
            file=Path(file), to=to, id=id, new_collection=new_collection,
            allow_duplicate=allow_duplicate,
        )  # fmt: skip
        manner = Manner(push=push, verify_remote=verify_remote, commit=commit, dry_run=dry_run)
        return create_from_zip(self._session, new, wishes, manner, progress=self._progress)

    def add_members(
        self, package: str, members: Names, *, commit: bool = False, dry_run: bool = False
    ) -> Changed:
        """Add members to what the next release of a package is made of.

        Parameters
        ----------
        package : str
            ``VENDOR/PACKAGE``.
        members : str or iterable of str
            ``DATASET[@VERSION][:PART][=PATH]``.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.
        """
        from .actions.packages import add_members

        return add_members(
            self._session, package, listed(members), commit=commit, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip

    def remove_members(
        self, package: str, members: Names, *, commit: bool = False, dry_run: bool = False
    ) -> Changed:
        """Take members out of what the next release of a package is made of.

        Parameters
        ----------
        package : str
            ``VENDOR/PACKAGE``.
        members : str or iterable of str
            Each by its path in the package, or by its dataset.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.
        """
        from .actions.packages import remove_members

        return remove_members(
            self._session, package, listed(members), commit=commit, dry_run=dry_run,
            progress=self._progress,
        )  # fmt: skip

    def release(
        self,
        package: str,
        version: str,
        *,
        note: str | None = None,
        push: bool | None = None,
        verify_remote: bool = False,
        commit: bool = False,
        dry_run: bool = False,
    ) -> Release:
        """Release a version of a package, which never changes; no data is read for it.

        Parameters
        ----------
        package : str
            ``VENDOR/PACKAGE``.
        version : str
            A semantic version, greater than all there are.
        note : str, optional
            What is new.
        push : bool, optional
            Whether to upload; None: if there is a remote that can be written.
        verify_remote : bool
            Read back what the remote has.
        commit : bool
            Commit in git, and do not only stage.
        dry_run : bool
            Only find out what would happen.

        Raises
        ------
        RefusedError
            If the version is there with other content, or a member cannot be had.
        """
        from .actions.release import release

        return release(
            self._session, package, version, note=note, push=push, verify_remote=verify_remote,
            commit=commit, dry_run=dry_run, progress=self._progress,
        )  # fmt: skip
