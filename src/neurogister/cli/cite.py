"""``neurogister cite``: how to cite datasets."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..actions.cite import cite
from ..errors import UsageError
from ..model.citation import Citation
from ..model.citeformats import FORMATS, text_of
from .application import Application
from .options import JsonOption, NamesArgument
from .options import command as common

FORMAT = "neurogister.cite/1"


def _complete_format(incomplete: str) -> list[str]:
    return [name for name in FORMATS if name.startswith(incomplete)]


@common
def command(
    application: Application,
    names: NamesArgument,
    style: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="|".join(FORMATS),
            help="How to write it (text).",
            autocompletion=_complete_format,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Cite just the datasets and versions that are named: as text, BibTeX or CFF.

    Authors, and what they want to be cited, are those of the collection. Withdrawn datasets are
    cited with a note.
    """
    if style is not None and style not in FORMATS:
        raise UsageError(f"there is no format {style!r}", hint=f"One of {', '.join(FORMATS)}.")
    if style is not None and json:
        raise UsageError("choose one of --format and --json")
    citations = cite(application.session, application.resolve(names))
    if json:
        application.output.json_lines(_shape(each) for each in citations)
        return
    for line in FORMATS[style or "text"](citations).rstrip("\n").split("\n"):
        application.output.line(line)


def _shape(citation: Citation) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": citation.name,
        "id": citation.id,
        "version": citation.version,
        "title": citation.title,
        "authors": [
            {"name": each.full_name, "given_names": each.given_names,
             "family_names": each.family_names, "orcid": each.orcid,
             "affiliation": each.affiliation}
            for each in citation.authors
        ],
        "year": citation.year,
        "date": citation.date,
        "publisher": citation.publisher,
        "url": citation.url,
        "license": citation.license,
        "digest": citation.digest,
        "citation": citation.reference,
        "note": citation.note,
        "text": text_of(citation),
    }  # fmt: skip
