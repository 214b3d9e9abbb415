"""What a project has locked: versions of datasets and packages, and every file of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..errors import NotFoundError, RefusedError
from .listing import Entry
from .names import glob_matcher, is_glob, readings
from .remote import OptionValue, public_address
from .zips import Zip

_SSH = re.compile(r"\A((?:git\+)?ssh://)([^/@:]+)(?::[^/@]*)?@(.*)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedRemote:
    """Where the bytes of a registry are, as everybody may know it.

    Parameters
    ----------
    name : str
        Its name in the registry.
    url : str, optional
        Its address, without user and password; None for a folder of the registry.
    in_tree : str, optional
        The folder of the registry that it is, with ``/``.
    options : mapping
        What a reader needs beside the address; nothing secret.
    """

    name: str
    url: str | None = None
    in_tree: str | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedRegistry:
    """A registry that something was locked from.

    Parameters
    ----------
    url : str
        Its git URL without user and password, or the path of a checkout.
    remotes : tuple of LockedRemote
        In the order in which they are asked.
    """

    url: str
    remotes: tuple[LockedRemote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One version of a dataset or package, or a part of it.

    Parameters
    ----------
    name : str
        The path of a dataset, or ``VENDOR/PACKAGE``.
    kind : {'dataset', 'package'}
    registry : str
        The URL of its registry.
    md5 : str
        Of the file; of the listing of a folder, with ``.dir`` behind it.
    commit : str, optional
        The commit of the registry at which it was read.
    id : str, optional
        Its identifier.
    version : int or str, optional
        Which version; none where the registry counts none.
    part : str, optional
        The file, folder or glob inside it; without it, all of it.
    size : int, optional
        Bytes in all.
    sha256 : str, optional
        Of the file; of a whole folder as in its record.
    files : tuple of Entry
        The files of a folder (of the part that is locked), sorted by path.
    legacy : bool
        Whether DVC 2 wrote it.
    executable : bool
        Whether the file may be run.
    withdrawn : bool
        Whether the registry has withdrawn it since.
    zip : Zip, optional
        Of a whole package: the archive that it is delivered as to who asks for one.
    """

    name: str
    kind: str = "dataset"
    registry: str
    md5: str
    commit: str | None = None
    id: str | None = None
    version: int | str | None = None
    part: str | None = None
    size: int | None = None
    sha256: str | None = None
    files: tuple[Entry, ...] = ()
    legacy: bool = False
    executable: bool = False
    withdrawn: bool = False
    zip: Zip | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, and `md5` that of its listing."""
        return self.md5.endswith(".dir")

    @property
    def key(self) -> tuple[str, str]:
        """What there is once in a lockfile, and the order in it."""
        return self.name, self.part or ""

    @property
    def short(self) -> str:
        """The name with the part, as one would type it."""
        return f"{self.name}:{self.part}" if self.part else self.name

    @property
    def label(self) -> str:
        """The name with version and part, as one would type it."""
        version = "" if self.version is None else f"@{self.version}"
        return f"{self.name}{version}{f':{self.part}' if self.part else ''}"

    def same_content(self, other: Locked) -> bool:
        """Tell whether another one stands for the very same bytes at the same places."""
        mine = replace(self, commit=None, withdrawn=False)
        return mine == replace(other, commit=None, withdrawn=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a name means in a lockfile.

    Parameters
    ----------
    locked : Locked
        Which.
    part : str, optional
        A part of it that is not locked by itself.
    """

    locked: Locked
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockfile:
    """All that a project has locked.

    Parameters
    ----------
    registries : tuple of LockedRegistry
        Sorted by URL.
    locked : tuple of Locked
        Sorted by name and part.
    folder : str, optional
        Where the data goes, from the folder of the lockfile.
    """

    registries: tuple[LockedRegistry, ...] = ()
    locked: tuple[Locked, ...] = ()
    folder: str | None = None

    def registry(self, url: str) -> LockedRegistry:
        """Return a registry by its URL."""
        return next(each for each in self.registries if each.url == url)

    def changed(
        self, locked: Iterable[Locked], registries: Iterable[LockedRegistry] = ()
    ) -> Lockfile:
        """Return a lockfile with other contents; registries that nothing is from are left out.

        Parameters
        ----------
        locked : iterable of Locked
            All that it shall have.
        registries : iterable of LockedRegistry
            Those that are new, or have changed.

        Raises
        ------
        RefusedError
            If one name would stand for something of two registries, or in two versions.
        """
        kept = sorted(locked, key=lambda each: each.key)
        _check_names(kept)
        known = {each.url: each for each in (*self.registries, *registries)}
        used = sorted({each.registry for each in kept})
        return replace(self, locked=tuple(kept), registries=tuple(known[url] for url in used))

    def choose(self, names: Sequence[str]) -> list[Choice]:
        """Find what names mean; without any, everything.

        Parameters
        ----------
        names : sequence of str
            A name or identifier, with ``@VERSION`` and ``:PART``; a glob.

        Raises
        ------
        NotFoundError
            If one means nothing that is locked.
        """
        if not names:
            return [Choice(locked=each) for each in self.locked]
        chosen = [choice for name in names for choice in self._choose(name)]
        return list({(each.locked.key, each.part): each for each in chosen}.values())

    def _choose(self, name: str) -> list[Choice]:
        others: list[Locked] = []
        for reading in readings(name):
            found = self._called(reading.base)
            same = [each for each in found if reading.version in (None, str(each.version))]
            others += [each for each in found if each not in same]
            if reading.part is None and same:
                return [Choice(locked=each) for each in same]
            part = (reading.part or "").strip("/")
            if mine := [each for each in same if each.part == part]:
                return [Choice(locked=each) for each in mine]
            if mine := [each for each in same if each.part is None]:
                return [Choice(locked=each, part=part) for each in mine]
        raise self._unknown(name, others)

    def _called(self, base: str) -> list[Locked]:
        if is_glob(base):
            matches = glob_matcher(base)
            return [each for each in self.locked if matches(each.name) or matches(each.id or "")]
        folded = base.casefold()
        return [
            each
            for each in self.locked
            if each.name == base or (each.id is not None and each.id.casefold() == folded)
        ]

    def _unknown(self, name: str, others: Sequence[Locked]) -> NotFoundError:
        if others:
            return NotFoundError(
                f"{name} is not in the lockfile, which has {others[0].label}",
                hint=f"`neurogister lock add {name}` changes that.",
            )
        import difflib  # only for the suggestion

        known = [text for each in self.locked for text in (each.short, each.id) if text]
        near = difflib.get_close_matches(name, known, 3, 0.5)
        perhaps = f"Perhaps {' or '.join(near)}? " if near else ""
        return NotFoundError(
            f"{name} is not in the lockfile",
            hint=f"{perhaps}`neurogister lock add {name}` adds it.",
        )


def _check_names(locked: Sequence[Locked]) -> None:
    first: dict[str, Locked] = {}
    for each in locked:
        other = first.setdefault(each.name, each)
        if other.registry != each.registry:
            raise RefusedError(
                f"{each.name} is locked from {other.registry}, and would be from {each.registry}",
                hint=f"`neurogister lock remove {each.name}` first.",
            )
        if other.md5 != each.md5:
            raise RefusedError(
                f"{other.label} and {each.label} would go to one folder in two versions",
                hint="Lock both parts in one version, or remove one: `neurogister lock remove`.",
            )


def public_url(url: str) -> str:
    """Return the URL of a registry as everybody may know it.

    Parameters
    ----------
    url : str
        A git URL; or a path, which stays as it is.

    Examples
    --------
    >>> public_url("https://me:secret@example.org/data.git?token=abc")
    'https://example.org/data.git'
    >>> public_url("ssh://git:secret@example.org/data.git")
    'ssh://git@example.org/data.git'
    """
    if found := _SSH.match(url):  # there the user says which account of the server it is
        return f"{found[1]}{found[2]}@{public_address(f'ssh://{found[3]}').removeprefix('ssh://')}"
    return public_address(url)
