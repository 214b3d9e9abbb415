"""Licences in a submission: expressions, required ones, those of members."""

import pytest
from tests.factories import make_registry, nifti_bytes
from tests.judging import judge, one, rules

REQUIRED = {"policy": {"license_required": True}}


@pytest.fixture
def registry(home, tmp_path):
    made = make_registry(tmp_path / "registry", settings=REQUIRED)
    made.add_file("a/t1.nii.gz", nifti_bytes(), id="t1")
    made.add_file("b/t2.nii.gz", nifti_bytes(seed=1), id="t2", license="CC-BY-4.0")
    made.add_package("lab/both", [("t1", None, "t1.nii.gz"), ("t2", None, "t2.nii.gz")],
                     license="CC0-1.0 AND CC-BY-4.0")  # fmt: skip
    made.commit("Add data")
    return made


def test_licences_that_are_right_are_silent(registry):
    assert rules(registry.root) == set()
    registry.change_record("t1", license="MIT OR LicenseRef-ours")
    registry.add_collection("b", license="NOASSERTION")  # the dataset in it has its own
    assert rules(registry.root, "HEAD") == set()


@pytest.mark.parametrize(("text", "right"), [("CC-BY-4", "CC-BY-4.0"), ("Proprietary", None)])
def test_a_licence_that_spdx_does_not_know_is_refused(registry, text, right):
    registry.change_record("t2", license=text)
    found = one(judge(registry.root, "HEAD"), "license-expression")
    assert (found.path, found.offending) == ("data/b/t2.nii.gz.dvc", f"license: {text}")
    assert found.line is not None
    if right:
        assert found.right == right and found.fix == f"Did you mean {right}?"


def test_a_former_name_is_a_warning(registry):
    registry.add_collection("a", license="GPL-2.0")
    found = one(judge(registry.root, "HEAD"), "license-name")
    assert (found.severity, found.right) == ("warning", "GPL-2.0-only")


@pytest.mark.parametrize("license_", [None, "NONE", "NOASSERTION"])
def test_a_dataset_needs_a_licence_of_its_own_or_of_its_collection(registry, license_):
    registry.add_file("c/t3.nii.gz", nifti_bytes(seed=2), id="t3")
    assert "license-missing" not in rules(registry.root, "HEAD")
    registry.write("data/c/collection.yaml", "title: c\nauthors: [a]\n")
    registry.change_record("t3", license=license_)
    assert one(judge(registry.root, "HEAD"), "license-missing").path == "data/c/t3.nii.gz.dvc"


def test_a_collection_cannot_lose_the_licence_that_others_rely_on(registry):
    registry.add_collection("b", license="NONE")
    assert rules(registry.root, "HEAD") == set()
    registry.add_collection("a", license="NONE")
    assert one(judge(registry.root, "HEAD"), "license-missing").path == "data/a/collection.yaml"


def test_nothing_is_required_where_the_policy_does_not(home, tmp_path):
    registry = make_registry(tmp_path / "free")
    registry.add_file("a/t1.nii.gz", nifti_bytes(), id="t1")
    registry.write("data/a/collection.yaml", "title: a\nlicense: NOASSERTION\nauthors: [a]\n")
    assert not {each for each in rules(registry.root) if each.startswith("license")}


def test_the_licence_of_a_package_has_those_of_its_members(registry):
    path = registry.root / "store/lab/both.yaml"
    path.write_text(path.read_text().replace(" AND CC-BY-4.0", ""))
    found = one(judge(registry.root, "HEAD"), "license-members")
    assert found.right == "CC0-1.0 AND CC-BY-4.0"
    assert found.severity == "warning"
