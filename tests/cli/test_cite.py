"""``neurogister cite``."""

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import make_registry, wav_bytes

import neurogister
from neurogister.model.citation import Author, Citation
from neurogister.model.citeformats import as_bibtex, as_cff, bibtex_keys

AUTHORS = [
    "The {Lab} & Co_workers",
    "Lovelace, Ada",
    {"given-names": "Émilie", "name-particle": "du", "family-names": "Châtelet",
     "orcid": "0000-0002-1825-0097", "affiliation": "Cirey"},
    {"name": "A group", "orcid": "https://orcid.org/0000-0002-1825-009X"},
    {"email": "nobody@example.org"},
]  # fmt: skip


@pytest.fixture
def registry(tmp_path, home):
    registry = make_registry(tmp_path / "registry")
    registry.write(
        "registry.yaml",
        "name: lab\ntitle: The lab's registry\nhomepage: https://lab.example/r_1?a=1&b=2\n",
    )
    registry.add_collection(
        "c", authors=AUTHORS, citation="Lovelace A (1843).\nNotes.\n\nAnother 100% one.",
        keywords=["sound"],
    )  # fmt: skip
    registry.add_file("c/a.wav", wav_bytes(seed=1), id="sound-a", title="A 50% sound_{1}")
    registry.add_file("c/b.wav", wav_bytes(seed=2), id="sound-b", license="LicenseRef-Own")
    registry.add_file("other/plain.wav", wav_bytes(seed=3), record=False)
    registry.add_file("c/gone.wav", wav_bytes(seed=4), id="gone", status="withdrawn")
    registry.change_record(
        "c/gone.wav", withdrawn={"date": "2024-02-01", "by": "A", "reason": "a face in it"}
    )
    registry.add_vendor("lab", maintainers=[{"name": "Maintainer M"}])
    registry.add_package("lab/tests", ["sound-a"], title="Tests")
    registry.commit()
    registry.new_version("c/a.wav", wav_bytes(seed=9))
    record = registry.find("sound-a").record
    record["versions"][1]["date"] = "2025-03-04"
    registry.change_record("c/a.wav")
    registry.commit()
    return registry


def test_text_says_what_a_citation_needs(invoke, registry):
    result = invoke("cite", "sound-a", cwd=registry.root)
    digest = registry.find("sound-a").digests.sha256
    assert (result.status, result.err) == (0, "")
    assert result.lines == [
        "The {Lab} & Co_workers; Lovelace, Ada; du Châtelet, Émilie; A group (2025)."
        " A 50% sound_{1} (version 2) [data set]. The lab's registry."
        f" https://lab.example/r_1?a=1&b=2. sound-a@2. sha256:{digest}. Licence: CC0-1.0.",
        "Its authors ask you to cite:",
        "  Lovelace A (1843). Notes.",
        "  Another 100% one.",
    ]


def test_just_the_version_that_is_named_is_cited(invoke, registry):
    first, second = invoke("cite", "sound-a@1", "sound-a@2", "--json", cwd=registry.root).json_lines
    versions = registry.find("sound-a").record["versions"]
    assert (first["version"], first["year"]) == ("1", 2024)
    assert (second["version"], second["year"]) == ("2", 2025)
    assert first["digest"] == f"sha256:{versions[0]['sha256']}"
    assert second["digest"] == f"sha256:{versions[1]['sha256']}"
    assert invoke("cite", "sound-a@3", cwd=registry.root).status == 3


def test_what_is_not_known_is_left_out(invoke, registry):
    (line,) = invoke("cite", "other/plain.wav", "--json", cwd=registry.root).json_lines
    md5 = registry.find("other/plain.wav").digests.md5
    assert line["format"] == "neurogister.cite/1"
    assert line["digest"] == f"md5:{md5}"
    assert (line["version"], line["year"], line["authors"], line["citation"]) == (
        None,
        None,
        [],
        None,
    )
    assert line["text"] == (
        "The lab's registry (n.d.). other/plain.wav [data set]. https://lab.example/r_1?a=1&b=2."
        f" other/plain.wav. md5:{md5}."
    )


def test_packages_are_of_their_vendor(invoke, registry):
    (line,) = invoke("cite", "lab/tests", "--json", cwd=registry.root).json_lines
    assert [each["name"] for each in line["authors"]] == ["Maintainer M"]
    assert (line["title"], line["version"]) == ("Tests", "1.0.0")
    assert line["text"].startswith("Maintainer M (2024). Tests (version 1.0.0) [data set].")


def test_what_was_withdrawn_is_cited_with_a_note(invoke, registry):
    for style in ("text", "bibtex", "cff"):
        result = invoke("cite", "gone", "--format", style, cwd=registry.root)
        assert result.status == 0
        assert "Withdrawn on 2024-02-01: a face in it." in " ".join(result.out.split())


def test_bibtex_is_balanced_escaped_and_has_a_key_for_each(invoke, registry):
    names = ("sound-a@1", "sound-a@2", "sound-b", "lab/tests")
    result = invoke("cite", *names, "--format", "bibtex", cwd=registry.root)
    entries = re.findall(r"^@misc\{([^,]+),$", result.out, re.MULTILINE)
    assert entries == ["sound-a-v1", "sound-a-v2", "sound-b-v1", "lab-tests-v1-0-0"]
    assert (
        "  author = {{The \\textbraceleft{}Lab\\textbraceright{} \\& Co\\_workers}"
        " and {Lovelace}, {Ada} and {du Châtelet}, {Émilie} and {A group}},"
    ) in result.lines
    assert "  title = {{A 50\\% sound\\_\\textbraceleft{}1\\textbraceright{}}}," in result.lines
    assert "  url = {https://lab.example/r_1?a=1&b=2}," in result.lines
    check_bibtex(result.out)


def check_bibtex(text):
    """Fail unless braces are balanced, and what TeX acts on is escaped outside of addresses."""
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    for line in text.splitlines():
        if not line.startswith(("@", "  url")):
            assert not re.search(r"(?<!\\)[&%$#_]|[~^]", line), line
            assert not re.search(r"\\(?![a-zA-Z&%$#_])", line), line


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=4))
def test_any_title_makes_valid_bibtex_and_cff(said):
    citations = [
        Citation(name=name, title=title or "x", publisher="P", authors=(Author(name=title or "y"),))
        for name, title in said
    ]
    keys = [key.casefold() for key in bibtex_keys(citations)]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9-]+", key) for key in keys)
    check_bibtex(
        "".join(each for each in as_bibtex(citations) if each.isprintable() or each == "\n")
    )
    check_cff(yaml.safe_load(as_cff(citations)))


# What the schema of CFF 1.2.0 allows, as far as we write it; checked by hand against its text.
_COMMON = {"title", "authors", "type", "version", "date-released", "license", "url", "keywords",
           "identifiers"}  # fmt: skip
_TOP = _COMMON | {"cff-version", "message", "references"}
_REFERENCE = _COMMON | {"publisher", "year", "notes"}


def check_cff(value):
    assert value["cff-version"] == "1.2.0"
    assert value["type"] == "dataset"
    assert value["message"]
    assert set(value) <= _TOP
    check_work(value)
    for reference in value.get("references", []):
        assert set(reference) <= _REFERENCE
        assert reference["type"] == "data"
        assert isinstance(reference.get("year", 1), int)
        check_work(reference)


def check_work(work):
    assert isinstance(work["title"], str)
    assert work["authors"]
    for author in work["authors"]:
        person = {"family-names", "given-names", "orcid", "affiliation"}
        assert set(author) <= ({"name", "orcid"} if "name" in author else person)
        assert all(isinstance(each, str) and each for each in author.values())
        assert re.match(r"https://orcid\.org/(\d{4}-){3}\d{3}[\dX]\Z", author.get("orcid", "")) or (
            "orcid" not in author
        )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", work.get("date-released", "2024-01-01"))
    assert all(
        set(each) == {"type", "value", "description"} for each in work.get("identifiers", [])
    )
    assert " " not in work.get("license", "")


def test_cff_of_one_is_the_work_itself(invoke, registry):
    result = invoke("cite", "sound-a", "--format", "cff", cwd=registry.root)
    value = yaml.safe_load(result.out)
    check_cff(value)
    assert value["title"] == "A 50% sound_{1}"
    assert (value["version"], value["date-released"]) == ("2", "2025-03-04")
    assert value["license"] == "CC0-1.0"
    assert value["authors"][1:3] == [
        {"family-names": "Lovelace", "given-names": "Ada"},
        {"family-names": "du Châtelet", "given-names": "Émilie",
         "orcid": "https://orcid.org/0000-0002-1825-0097", "affiliation": "Cirey"},
    ]  # fmt: skip
    assert "Lovelace A (1843). Notes." in value["message"]


def test_cff_of_several_lists_them_as_references(invoke, registry):
    result = invoke("cite", "sound-a@1", "c/b.wav", "--format", "cff", cwd=registry.root)
    value = yaml.safe_load(result.out)
    check_cff(value)
    assert [each["identifiers"][0]["value"] for each in value["references"]] == [
        "sound-a@1", "sound-b@1"
    ]  # fmt: skip
    assert "license" not in value["references"][1]
    assert "LicenseRef-Own" in value["references"][1]["notes"]


def test_what_makes_no_sense_is_named(invoke, registry):
    wrong = invoke("cite", "sound-a", "--format", "apa", cwd=registry.root)
    assert wrong.err == "error: there is no format 'apa'\nhint: One of text, bibtex, cff.\n"
    assert wrong.status == 2
    assert invoke("cite", "sound-a", "--json", "--format", "cff", cwd=registry.root).status == 2
    assert invoke("cite", "sound-a:part", cwd=registry.root).status == 2
    assert invoke("cite", "nothing", cwd=registry.root).status == 3


def test_python(registry):
    with neurogister.open(registry.root) as opened:
        (citation,) = opened.cite("sound-a@1")
        assert (citation.label, citation.year) == ("sound-a@1", 2024)
        assert citation.authors[1].family_names == "Lovelace"
