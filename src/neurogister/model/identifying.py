"""What shows who a person is: names of fields, forms of values, and the tags of DICOM headers.

The tags stand in ``identifying.tsv`` beside this file. They are those of the Basic Application
Level Confidentiality Profile, DICOM PS3.15 Annex E, as far as they are about persons, places and
times; `action` is what that profile does to a tag (X removes it, Z empties it, D puts a dummy
there, U another UID), `deposit` what we do: refuse a filled one, or only report it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_PLAIN = re.compile(r"[^a-z0-9]+")

# Beside the keywords of DICOM, what people call such fields themselves.
_NAMES = """
dateofbirth birthdate birthday dob geburtsdatum datenaissance fechanacimiento
firstname lastname surname familyname givenname maidenname fullname realname
participantname subjectname patientsname patientfirstname patientlastname
namepatient nachname vorname email emailaddress mail phone phonenumber telephone
telephonenumber mobile mobilephone homeaddress streetaddress postaladdress ssn
socialsecuritynumber nationalid passportnumber medicalrecordnumber mrn
hospitalnumber insurancenumber healthinsurancenumber patientidentifier
patientsbirthdate patientbirth
"""
_KEYS = frozenset(_NAMES.split())
_DUMMY = re.compile(
    r"\A[\s^]*(anon\w*|de-?identified|removed|redacted|unknown|none|null|nil|n/?a|no ?name|dummy"
    r"|test\w*|phantom\w*|patient|subject|name|x+|0+|-+|\*+|\?+|)[\s^]*\Z",
    re.IGNORECASE,
)

# Forms of values. A person's name as DICOM writes it, and what people write about somebody.
_PERSON = re.compile(r"(?<![A-Za-z^])[A-Z][A-Za-z'-]+\^[A-Z][A-Za-z'-]+")
_MAIL = re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b")
_PHONE = re.compile(
    r"\b(?:tel|phone|fax|mobile|cell)\b[.: ]{1,3}\+?[0-9(][0-9 ()/.-]{5,20}[0-9]\b"
    r"|(?<![\w.+-])\+[1-9][0-9]{0,2}[ /(-](?:[ /-]?\(?[0-9]\)?){6,13}(?![0-9.])",
    re.IGNORECASE,
)
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])")
_BORN = re.compile(
    r"\b(?:born|birth ?date|date of birth|birthday|dob|geboren|geb\.|né le|née le)\W{1,4}(?:on )?"
    r"(?:[0-9]{1,2}[./ -][0-9A-Za-z]{1,9}[./ ,-]{1,2}[0-9]{4}|[0-9]{4}-?[0-9]{2}-?[0-9]{2})",
    re.IGNORECASE,
)
_IN_TEXT = (
    (_PERSON, "what looks like a person's name"),
    (_BORN, "a date of birth"),
    (_SSN, "what looks like a social security number"),
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of DICOM headers that is about a person.

    Parameters
    ----------
    number : int
        Group and element, as ``0x00100010``.
    keyword : str
        Its name in the standard.
    action : str
        What the profile does to it: ``X``, ``Z``, ``D``, ``U``, or several.
    refused : bool
        Whether a filled one lets nobody be in doubt who it is.
    """

    number: int
    keyword: str
    action: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that shows who a person is.

    Parameters
    ----------
    keys : tuple
        Where in the metadata.
    what : str
        What it is; never its value.
    """

    keys: tuple[str | int, ...]
    what: str


@cache
def tags() -> Mapping[int, Tag]:
    """Return the tags by their numbers."""
    with Path(__file__).with_name("identifying.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        found = [
            Tag(
                number=int(row["tag"].strip("()").replace(",", ""), 16),
                keyword=row["keyword"],
                action=row["action"],
                refused=row["deposit"] == "refuse",
            )
            for row in rows
        ]
    return {tag.number: tag for tag in found}


@cache
def _identifying_keys() -> frozenset[str]:
    return _KEYS | {_plain(tag.keyword) for tag in tags().values() if tag.refused}


def _plain(key: str) -> str:
    return _PLAIN.sub("", key.lower())


def is_dummy(value: object) -> bool:
    """Tell whether a value stands for nobody: empty, ``anonymous``, ``XXX`` and such."""
    return value is None or isinstance(value, bool) or bool(_DUMMY.match(str(value)[:64]))


def is_cleared(collection: object) -> bool:
    """Tell whether ``collection.yaml`` says that nobody is recognised by its data, and why."""
    said = collection.get("phi") if isinstance(collection, Mapping) else None
    if not isinstance(said, Mapping) or said.get("status") != "cleared":
        return False
    reason = said.get("reason")
    return isinstance(reason, str) and bool(reason.strip())


def signs_in_metadata(metadata: Mapping[str, Any]) -> Iterator[Sign]:
    """Find what shows who a person is in metadata, at any depth.

    Examples
    --------
    >>> [sign.what for sign in signs_in_metadata({"subject": 7, "PatientName": "Doe^Jane"})]
    ["a value for 'PatientName'"]
    """
    todo: list[tuple[tuple[str | int, ...], Any]] = [((), metadata)]
    while todo:
        keys, value = todo.pop()
        if isinstance(value, Mapping):
            todo += [((*keys, str(key)), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            todo += [((*keys, number), inner) for number, inner in enumerate(value)]
        elif not is_dummy(value):
            name = next((key for key in reversed(keys) if isinstance(key, str)), "")
            if _plain(name) in _identifying_keys():
                yield Sign(keys, f"a value for {name[:60]!r}")
            elif isinstance(value, str) and (what := sign_in_value(value)) is not None:
                yield Sign(keys, what)


def sign_in_value(text: str) -> str | None:
    """Say what in a value of metadata shows who somebody is: names, addresses, numbers."""
    if _MAIL.search(text):
        return "an e-mail address"
    if _PHONE.search(text):
        return "what looks like a phone number"
    return sign_in_text(text)


def sign_in_text(text: str) -> str | None:
    """Say what in prose shows who somebody is; addresses of e-mail are welcome there."""
    return next((what for form, what in _IN_TEXT if form.search(text)), None)


def sign_in_path(path: str) -> str | None:
    """Say what in a path shows who somebody is."""
    if _PERSON.search(path):
        return "what looks like a person's name"
    return "an e-mail address" if "@" in path and _MAIL.search(path) else None
