"""Dtypes in a submission: known ones, names that fit, metadata by the schema of the base."""

import json

import pytest
from tests.factories import make_registry, nifti_bytes
from tests.judging import judge, one, rules

SCHEMA = {
    "type": "object",
    "properties": {"subject": {"type": "integer"}},
    "required": ["subject"],
}


@pytest.fixture
def registry(home, tmp_path):
    made = make_registry(tmp_path / "registry")
    made.add_file("a/t1.nii.gz", nifti_bytes(), id="t1", dtype="t1w", metadata={"subject": 1})
    made.write("schemas/dtypes/t1w.schema.json", json.dumps(SCHEMA))
    made.commit("Add data")
    return made


def test_what_fits_is_silent(registry):
    registry.add_file(
        "a/T2.NII", nifti_bytes(seed=2), id="t2", dtype="t1w", metadata={"subject": 2}
    )
    registry.add_folder("a/many", {"x.txt": b"x"}, id="many", dtype="t1w",
                        metadata={"subject": 3})  # fmt: skip
    assert rules(registry.root, "HEAD") == set()
    assert rules(registry.root) == set()


def test_a_dtype_must_be_known(registry):
    registry.change_record("t1", dtype="t1")
    found = one(judge(registry.root, "HEAD"), "dtype-unknown")
    assert (found.offending, found.right) == ("dtype: t1", "t1w")


def test_a_contributor_cannot_bring_the_dtype_along_and_a_maintainer_can(registry):
    text = (registry.root / "registry.yaml").read_text()
    registry.write("registry.yaml", text.replace("  t1w:", "  t9w:\n    title: T9\n  t1w:"))
    registry.add_file("a/t9.nii.gz", nifti_bytes(seed=9), id="t9", dtype="t9w")
    assert "dtype-unknown" in rules(registry.root, "HEAD")
    assert rules(registry.root, "HEAD", scope="maintainer") == set()


def test_a_name_that_does_not_fit_is_a_warning(registry):
    registry.change_record("t1", dtype="audio")
    found = one(judge(registry.root, "HEAD"), "dtype-extension")
    assert (found.severity, found.right) == ("warning", ".wav")


@pytest.mark.parametrize("metadata", [{"subject": "one"}, {"other": 1}, None])
def test_metadata_is_what_the_schema_of_the_base_asks_for(registry, metadata):
    registry.change_record("t1", metadata=metadata)
    registry.write("schemas/dtypes/t1w.schema.json", "{}")  # it cannot be made to fit
    found = one(judge(registry.root, "HEAD"), "dtype-metadata")
    assert found.path == "data/a/t1.nii.gz.dvc" and found.line is not None
    assert "dtype-metadata" not in rules(registry.root, "HEAD", scope="maintainer")


@pytest.mark.parametrize("schema", ["{", '{"type": 7}', '{"$ref": "https://example.org/x"}'])
def test_a_schema_that_cannot_be_used_is_told_once(registry, schema):
    registry.add_file("a/t2.nii.gz", nifti_bytes(seed=2), id="t2", dtype="t1w")
    registry.write("schemas/dtypes/t1w.schema.json", schema)
    found = one(judge(registry.root), "dtype-schema")
    assert found.path == "schemas/dtypes/t1w.schema.json"


def test_a_registry_without_dtypes_of_its_own_is_not_judged_by_them(home, tmp_path):
    plain = make_registry(tmp_path / "plain", plain=True)
    plain.add_file("a/t1.nii.gz", nifti_bytes(), id="t1", dtype="any")
    assert rules(plain.root) == set()
