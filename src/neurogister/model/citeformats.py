"""Citations as text, BibTeX and CFF."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote

from .citation import Author, Citation

_WEB = re.compile(r"\Ahttps?://")
_DAY = re.compile(r"\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # `\{` would still count as a brace that is not closed
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
} | {each: f"\\{each}" for each in "&%$#_"}
# CFF knows no others than those of SPDX; these are the usual ones of data
_LICENSES = frozenset(
    {f"CC-{kind}-{number}" for number in ("2.0", "2.5", "3.0", "4.0")
     for kind in ("BY", "BY-SA", "BY-NC", "BY-NC-SA", "BY-ND", "BY-NC-ND")}
    | {"CC0-1.0", "PDDL-1.0", "ODbL-1.0", "ODC-By-1.0", "MIT", "ISC", "Zlib", "Unlicense",
       "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MPL-2.0", "GPL-2.0-only",
       "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "LGPL-3.0-only",
       "LGPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-or-later"}
)  # fmt: skip


def as_text(citations: Iterable[Citation]) -> str:
    """Write citations as text, a paragraph for each.

    Parameters
    ----------
    citations : iterable of Citation
        In their order.
    """
    return "\n\n".join(text_of(each) for each in citations) + "\n"


def text_of(citation: Citation) -> str:
    """Write one citation as text, with what else is to be said in further lines.

    Parameters
    ----------
    citation : Citation
        What it says.
    """
    authors = "; ".join(author.sorted_name for author in citation.authors)
    version = f" (version {citation.version})" if citation.version else ""
    parts = [
        f"{authors or citation.publisher} ({citation.year or 'n.d.'})",
        f"{_line(citation.title)}{version} [data set]",
        citation.publisher if authors else None,
        citation.url,
        citation.label,
        citation.digest,
        f"Licence: {citation.license}" if citation.license else None,
    ]
    lines = [". ".join(part for part in parts if part) + "."]
    if citation.note:
        lines.append(citation.note)
    if citation.reference:
        lines += ["Its authors ask you to cite:", *_indented(citation.reference)]
    return "\n".join(lines)


def _indented(text: str) -> list[str]:
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return [f"  {_line(paragraph)}" for paragraph in paragraphs]


def as_bibtex(citations: Sequence[Citation]) -> str:
    """Write citations as BibTeX, an entry for each, under keys that differ.

    Parameters
    ----------
    citations : sequence of Citation
        In their order.
    """
    entries = zip(bibtex_keys(citations), citations, strict=True)
    return "\n".join(_entry(key, each) for key, each in entries)


def bibtex_keys(citations: Sequence[Citation]) -> list[str]:
    """Return a key for each citation, made from its identifier; case does not tell them apart.

    Parameters
    ----------
    citations : sequence of Citation
        In their order.
    """
    keys: list[str] = []
    taken: set[str] = set()
    for each in citations:
        base = re.sub(r"[^A-Za-z0-9]+", "-", each.label.replace("@", "-v")).strip("-") or "data"
        key, number = base, 1
        while key.casefold() in taken:
            number += 1
            key = f"{base}-{number}"
        taken.add(key.casefold())
        keys.append(key)
    return keys


def _entry(key: str, citation: Citation) -> str:
    note = [citation.note, citation.digest, citation.license and f"Licence: {citation.license}"]
    if citation.reference:
        note.append(f"Its authors ask you to cite: {citation.reference}")
    fields = {
        "author": " and ".join(map(_bibtex_author, citation.authors)),
        "title": f"{{{_latex(citation.title)}}}",
        "year": str(citation.year or ""),
        "version": _latex(citation.version or ""),
        "publisher": _latex(citation.publisher),
        "howpublished": "Data set",
        "url": quote(citation.url or "", safe=":/?#[]@!$&'()*+,;=%~-._"),
        "note": _latex(". ".join(filter(None, note))),
    }
    lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items() if value]
    return f"@misc{{{key},\n{''.join(lines)}}}\n"


def _bibtex_author(author: Author) -> str:
    if author.name is not None:
        return f"{{{_latex(author.name)}}}"
    family = f"{{{_latex(author.family_names or '')}}}"
    return f"{family}, {{{_latex(author.given_names)}}}" if author.given_names else family


def _latex(text: str) -> str:
    return "".join(_LATEX.get(each, each) for each in _line(text))


def as_cff(citations: Sequence[Citation]) -> str:
    """Write citations as a file of the Citation File Format, 1.2.0.

    One is the work that the file describes; several are its references.

    Parameters
    ----------
    citations : sequence of Citation
        One at least.
    """
    import yaml  # only for this format

    one = citations[0]
    if len(citations) == 1:
        value = _cff_head(_cff_message(one), one.title, one.authors, one.publisher)
        value |= {key: said for key, said in _cff_common(one).items() if key != "notes"}
    else:
        title = f"{len(citations)} datasets of {one.publisher}"
        message = "Please cite each of these datasets, as listed under references."
        value = _cff_head(message, title, (), one.publisher)
        value["references"] = [_cff_reference(each) for each in citations]
    text: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100)
    return text


def _cff_head(
    message: str, title: str, authors: Sequence[Author], publisher: str
) -> dict[str, Any]:
    return {
        "cff-version": "1.2.0",
        "message": message,
        "type": "dataset",
        "title": _line(title),
        "authors": _cff_authors(authors, publisher),
    }


def _cff_message(citation: Citation) -> str:
    said = ["If you use this dataset, please cite it as below.", citation.note]
    if citation.license and citation.license not in _LICENSES:
        said.append(f"Licence: {citation.license}.")
    if citation.reference:
        said.append(f"Its authors ask you to cite: {_line(citation.reference)}")
    return " ".join(filter(None, said))


def _cff_reference(citation: Citation) -> dict[str, Any]:
    value: dict[str, Any] = {
        "type": "data",
        "title": _line(citation.title),
        "authors": _cff_authors(citation.authors, citation.publisher),
        "publisher": {"name": citation.publisher},
    }
    if citation.year is not None:
        value["year"] = citation.year
    return value | _cff_common(citation)


def _cff_common(citation: Citation) -> dict[str, Any]:
    day = _DAY.match(citation.date or "")
    notes = [citation.note, citation.reference and f"Please cite: {_line(citation.reference)}"]
    if citation.license and citation.license not in _LICENSES:
        notes.append(f"Licence: {citation.license}")
    value = {
        "version": citation.version,
        "date-released": day[0] if day else None,
        "license": citation.license if citation.license in _LICENSES else None,
        "url": citation.url if _WEB.match(citation.url or "") else None,
        "keywords": list(dict.fromkeys(citation.keywords)),
        "identifiers": _cff_identifiers(citation),
        "notes": " ".join(filter(None, notes)),
    }
    return {key: said for key, said in value.items() if said}


def _cff_identifiers(citation: Citation) -> list[dict[str, str]]:
    found = [{"type": "other", "value": citation.label, "description": "Name in the registry"}]
    if citation.digest:
        found.append({"type": "other", "value": citation.digest, "description": "Digest"})
    return found


def _cff_authors(authors: Sequence[Author], publisher: str) -> list[dict[str, str]]:
    found = []
    for each in authors or (Author(name=publisher),):
        said = {
            "name": each.name,
            "family-names": each.family_names,
            "given-names": each.given_names,
            "orcid": each.orcid,
            # of a group, CFF has no affiliation
            "affiliation": each.affiliation if each.name is None else None,
        }
        entry = {key: value for key, value in said.items() if value}
        if entry not in found:
            found.append(entry)
    return found


def _line(text: str) -> str:
    return " ".join(text.split())


FORMATS: dict[str, Callable[[Sequence[Citation]], str]] = {
    "text": as_text,
    "bibtex": as_bibtex,
    "cff": as_cff,
}
