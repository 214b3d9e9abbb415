"""The examples of files in the documentation are what the schemas and the readers accept."""

import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
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
from neurogister.model.lockfile import parse_lockfile
from neurogister.model.manifest import parse_manifest
from neurogister.model.writing import SCHEMAS as SCHEMA_ADDRESS
from neurogister.registry.metadataschemas import load_schema

from .pages import DOCS, PAGES, REPOSITORY, Block, read_blocks, text_of

SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((REPOSITORY / "schemas").glob("*.schema.json"))
}
_REGISTRY = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
# The words behind ```yaml, ```toml or ```json name the schema that the example keeps to.
EXAMPLES = [
    (block, word.removeprefix("schema="))
    for page in PAGES
    for block in read_blocks(page, "yaml", "toml", "json")
    for word in block.words
    if word.startswith("schema=")
]
# CSV, and what is part of others.
NO_EXAMPLE = ("common", "inventory", "manifest")
INI = [block for page in PAGES for block in read_blocks(page, "ini")]


def problems(value: Any, schema: str) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[schema], registry=_REGISTRY)
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize(
    ("block", "schema"), EXAMPLES, ids=lambda value: getattr(value, "place", value)
)
def test_an_example_keeps_to_its_schema(block, schema):
    assert problems(load(block), schema) == []


def load(block: Block) -> Any:
    if block.language == "toml":
        return tomllib.loads(block.text)
    return json.loads(block.text) if block.language == "json" else YAML(typ="safe").load(block.text)


@pytest.mark.parametrize(
    ("block", "schema"), EXAMPLES, ids=lambda value: getattr(value, "place", value)
)
def test_our_own_reader_reads_the_same(block, schema):
    if schema == "lockfile":
        assert len(parse_lockfile(block.text.encode()).locked) == len(load(block)["locked"])
        return
    if schema == "dtype":
        assert load_schema(block.text.encode(), block.place).problems({"modality": "T1w"}) == []
        return
    assert parse_mapping(block.text.encode(), block.place) == YAML(typ="safe").load(block.text)


def test_a_wrong_example_is_caught():
    assert problems({"title": "No licence"}, "collection") != []


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in NO_EXAMPLE])
def test_each_schema_has_an_example(name):
    assert name in {schema for _, schema in EXAMPLES}


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "common"])
def test_each_field_of_a_schema_is_told(name):
    page = text_of(DOCS / ("lockfile.md" if name == "lockfile" else "formats.md"))

    untold = [field for field in _fields(SCHEMAS[name]) if not is_told(field, page)]

    assert untold == []


def is_told(field: str, page: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(field)}(?!\w)", page) is not None


def _fields(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*(_fields(each) for each in schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    return found.union(*(_fields(value) for key, value in schema.items() if key != "examples"))


def test_the_manifest_and_the_listing_are_of_one_folder():
    (manifest,) = read_blocks(DOCS / "formats.md", "csv")
    (listing,) = (each for each in read_blocks(DOCS / "formats.md", "json") if not each.words)
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


def test_the_schemas_are_published_with_the_site_at_their_addresses(tmp_path):
    address = "https://neurogister.github.io/neurogister/"
    assert f"site_url: {address}\n" in text_of(REPOSITORY / "mkdocs.yml")
    spec = importlib.util.spec_from_file_location("hooks", DOCS / "hooks.py")
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)

    hooks.on_post_build({"site_dir": str(tmp_path)})

    found = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*.json")}
    assert {schema["$id"] for schema in SCHEMAS.values()} == {f"{address}{name}" for name in found}
    for name, path in found.items():
        assert json.loads(path.read_text(encoding="utf-8"))["$id"] == f"{address}{name}"


def test_the_site_is_built_with_them(tmp_path):
    pytest.importorskip("material", reason="needs the extra docs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=REPOSITORY, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True,
        encoding="utf-8", stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    published = {path.name for path in (tmp_path / "site/schemas").iterdir()}
    assert published == {f"{name}.schema.json" for name in SCHEMAS}
    assert (tmp_path / "site/editors/index.html").is_file()


# Editors


def test_the_settings_for_editors_name_schemas_that_are_there():
    """Those of the page are those of the reference registry, with addresses in place of paths."""
    mine = json.loads(text_of(REPOSITORY / ".vscode/settings.json"))
    (block,) = read_blocks(DOCS / "editors.md", "json")
    paths = [*mine["yaml.schemas"], *(each["url"] for each in mine["json.schemas"])]

    assert all((REPOSITORY / path).is_file() for path in paths)
    known = {schema["$id"] for schema in SCHEMAS.values()}
    told = json.loads(block.text)
    assert set(told["evenBetterToml.schema.associations"].values()) <= known
    assert set(told["yaml.schemas"]) <= known
    as_addresses = json.dumps(mine).replace("./schemas/", SCHEMA_ADDRESS)
    assert json.loads(as_addresses) == told
