"""What a new registry consists of."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.document import parse_document
from neurogister.registry.schemas import check_files, schema_files
from neurogister.registry.templates import registry_files


def test_every_file_has_its_place_and_no_gap():
    files = registry_files("lab", "The lab")
    assert {"registry.yaml", "README.md", "CONTRIBUTING.md", ".gitignore", ".gitattributes",
            ".dvcignore", "data/.gitkeep", "store/.gitkeep"} <= set(files)  # fmt: skip
    assert {f"schemas/{path.name}" for path in schema_files().values()} <= set(files)
    assert not [path for path in files if "dot-" in path]
    for path, data in files.items():
        assert not re.search(rb"@[A-Z]+@", data), path
        assert b"\r" not in data, path
        assert not data or data.endswith(b"\n"), path


def test_every_yaml_file_is_valid_by_its_schema():
    assert check_files(registry_files("lab", "The lab")) == []
    assert check_files(registry_files("lab", "<b>The lab</b>")) != []


@pytest.mark.parametrize(
    "title", ["'", '"', "a: b", "# x", "- x", "null", "1e3", "{x}", r"\1", "@REMOTE@@NAME@@TITLE@"]
)
def test_a_title_is_text_in_yaml_and_as_it_is_elsewhere(title):
    files = registry_files("lab", title)
    assert parse_document(files["registry.yaml"], "")["title"] == title
    assert files["README.md"].startswith(f"# {title}\n".encode())


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=80))
def test_any_line_can_be_a_title(title):
    data = registry_files("lab", title)["registry.yaml"]
    assert parse_document(data, "registry.yaml")["title"] == title


def test_the_remote_in_the_registry_is_named_where_it_matters():
    files = registry_files("lab", "Lab", "bytes/here")
    assert b"\n/bytes/here/\n" in files[".dvcignore"]
    assert b"\n/bytes/here/** -text\n" in files[".gitattributes"]
