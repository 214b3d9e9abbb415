"""What a citation of a dataset says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_ORCID = re.compile(r"([0-9]{4}-){3}[0-9]{3}[0-9X]\Z")
_YEAR = re.compile(r"\A[0-9]{4}")
_PERSON = ("given-names", "family-names", "name-particle", "name-suffix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """A person, or a group of them.

    Parameters
    ----------
    name : str, optional
        Of a group, or as it was written, where nobody says which part is the family name.
    given_names, family_names : str, optional
        Of a person; particles and suffixes with the family name.
    orcid : str, optional
        As a web address.
    affiliation : str, optional
    """

    name: str | None = None
    given_names: str | None = None
    family_names: str | None = None
    orcid: str | None = None
    affiliation: str | None = None

    @property
    def full_name(self) -> str:
        """The name in the order of speech."""
        return self.name or " ".join(filter(None, (self.given_names, self.family_names)))

    @property
    def sorted_name(self) -> str:
        """The name with the family name first, where that is known."""
        return self.name or ", ".join(filter(None, (self.family_names, self.given_names)))

    @classmethod
    def parse(cls, value: Any) -> Author | None:
        """Read an author as a collection or vendor has it; None if there is no name.

        Parameters
        ----------
        value : str or mapping
            ``Ada Lovelace``, ``Lovelace, Ada``, or a mapping with ``name``, or ``given-names`` and
            ``family-names``; ``orcid``, ``affiliation``.
        """
        if isinstance(value, dict):
            return _from_mapping(value)
        name = _line(value)
        family, comma, given = (part.strip() for part in name.partition(","))
        if comma and family and given and "," not in given:
            return cls(family_names=family, given_names=given)
        return cls(name=name) if name else None


def _from_mapping(value: dict[str, Any]) -> Author | None:
    said = {str(key).replace("_", "-"): _line(each) for key, each in value.items()}
    given, family, particle, suffix = (said.get(key, "") for key in _PERSON)
    whole = " ".join(filter(None, (particle, family, suffix)))
    name = None if whole else said.get("name") or given
    if not whole and not name:
        return None
    orcid = _ORCID.search(said.get("orcid", ""))
    return Author(
        name=name,
        given_names=given or None if whole else None,
        family_names=whole or None,
        orcid=f"https://orcid.org/{orcid[0]}" if orcid else None,
        affiliation=said.get("affiliation") or None,
    )


def _line(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What a citation of one version of a dataset or package says.

    Parameters
    ----------
    name : str
        As the registry calls it.
    id : str, optional
        Its identifier.
    version : str, optional
    title : str
    authors : tuple of Author
    date : str, optional
        Of the version: ISO 8601.
    publisher : str
        The title of the registry.
    url : str, optional
        Where the registry is on the web.
    license : str, optional
    digest : str, optional
        The strongest that is known, as ``sha256:…``.
    keywords : tuple of str
    reference : str, optional
        What the authors want to be cited, in their words.
    note : str, optional
        That, when and why it was withdrawn.
    """

    name: str
    id: str | None = None
    version: str | None = None
    title: str
    authors: tuple[Author, ...] = ()
    date: str | None = None
    publisher: str
    url: str | None = None
    license: str | None = None
    digest: str | None = None
    keywords: tuple[str, ...] = ()
    reference: str | None = None
    note: str | None = None

    @property
    def year(self) -> int | None:
        """The year of the version."""
        found = _YEAR.match(self.date or "")
        return int(found[0]) if found else None

    @property
    def label(self) -> str:
        """The identifier, or else the name, with the version: what one types to get just this."""
        return f"{self.id or self.name}{f'@{self.version}' if self.version else ''}"
