"""The examples of files in the documentation are what the schemas and the readers accept."""

import csv
import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from ruamel.yaml import YAML

from neurogister.backends.dvcconfig import read_config
from neurogister.backends.dvcoptions import CACHE_HARMLESS, CORE_HARMLESS, HARMFUL, HARMLESS
from neurogister.backends.dvcsettings import Source, parse_settings
from neurogister.model.document import parse_mapping
from neurogister.model.listing import dump_listing, listing_md5, listing_sha256, parse_listing
from neurogister.model.manifest import parse_manifest

from .pages import DOCS, PAGES, REPOSITORY, read_blocks, text_of

SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((REPOSITORY / "schemas").glob("*.schema.json"))
}
_REGISTRY = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
# The words behind ```yaml name the schema that the example keeps to.
EXAMPLES = [
    (block, word.removeprefix("schema="))
    for page in PAGES
    for block in read_blocks(page, "yaml")
    for word in block.words
    if word.startswith("schema=")
]
INI = [block for page in PAGES for block in read_blocks(page, "ini")]


def problems(value: Any, schema: str) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[schema], registry=_REGISTRY)
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize(
    ("block", "schema"), EXAMPLES, ids=lambda value: getattr(value, "place", value)
)
def test_an_example_keeps_to_its_schema(block, schema):
    assert problems(YAML(typ="safe").load(block.text), schema) == []


@pytest.mark.parametrize(
    ("block", "schema"), EXAMPLES, ids=lambda value: getattr(value, "place", value)
)
def test_our_own_reader_reads_the_same(block, schema):
    del schema

    assert parse_mapping(block.text.encode(), block.place) == YAML(typ="safe").load(block.text)


def test_a_wrong_example_is_caught():
    assert problems({"title": "No licence"}, "collection") != []


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in ("common", "manifest")])
def test_each_schema_has_an_example(name):
    assert name in {schema for _, schema in EXAMPLES}


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "common"])
def test_each_field_of_a_schema_is_told(name):
    page = text_of(DOCS / "formats.md")

    untold = [field for field in _fields(SCHEMAS[name]) if not re.search(rf"\b{field}\b", page)]

    assert untold == []


def _fields(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*(_fields(each) for each in schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    return found.union(*(_fields(value) for key, value in schema.items() if key != "examples"))


def test_the_manifest_and_the_listing_are_of_one_folder():
    (manifest,) = read_blocks(DOCS / "formats.md", "csv")
    (listing,) = read_blocks(DOCS / "formats.md", "json")
    rows = [_row(row) for row in csv.DictReader(manifest.text.splitlines())]
    entries = parse_manifest(manifest.text.encode(), name=manifest.place)

    assert problems(rows, "manifest") == []
    assert dump_listing(entries) == listing.text.strip().encode()
    assert [(each.path, each.md5) for each in parse_listing(dump_listing(entries), name="x")] == [
        (entry.path, entry.md5) for entry in entries
    ]
    page = text_of(DOCS / "formats.md")
    assert f"{listing_md5(entries)}.dir" in page
    assert str(listing_sha256(entries)) in page


def _row(row: dict[str, str]) -> dict[str, Any]:
    return {name: int(value) if name == "size" else value for name, value in row.items()}


@pytest.mark.parametrize("block", INI, ids=lambda block: block.place)
def test_an_example_of_configuration_is_known_to_dvc(block, monkeypatch, tmp_path):
    """Its first line says which file it is of."""
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path))
    first, data = block.text.splitlines()[0], block.text.encode()
    committed = {"# .dvc/config": True, "# .dvc/config.local": False}[first]

    entries = parse_settings(data, Source(first, tmp_path, trusted=not committed)).values()
    known = {"core": CORE_HARMLESS, "cache": CACHE_HARMLESS, "remote": HARMLESS | HARMFUL.keys()}
    assert entries
    assert [each.dotted for each in entries if each.key not in known[each.section]] == []
    if committed:
        config = read_config(data, root=tmp_path)
        assert config.notes == ()
        assert all(remote.problem is None for remote in config.remotes.values())
