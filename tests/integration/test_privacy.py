"""Nobody is recognised by what is deposited or submitted, as the policy wants."""

import pytest
from tests.dicoms import REMOVED, dicom_bytes, element, patient
from tests.factories import make_registry, nifti_bytes
from tests.judging import judge, one, rules

import neurogister
from neurogister.errors import RefusedError

CLEARED = {"status": "cleared", "reason": "A phantom."}


def registry_with(tmp_path, phi):
    made = make_registry(tmp_path / "registry", settings={"policy": {"phi": phi}})
    made.add_file("a/t1.nii.gz", nifti_bytes(), id="t1")
    made.add_folder("a/scans", {"1.dcm": b"x"}, id="scans")
    made.commit("Add data")
    return made


@pytest.fixture
def registry(home, tmp_path):
    return registry_with(tmp_path, "refuse")


def deposit(registry, path, **options):
    with neurogister.open(registry.root) as opened:
        return opened.deposit([path], to="a", push=False, **options)


@pytest.mark.parametrize("name", ["scan.dcm", "IM0001", "scan.nii.gz"])
def test_a_dicom_file_that_shows_a_person_is_not_deposited(registry, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(dicom_bytes(*patient()))
    with pytest.raises(RefusedError, match="PatientName, PatientID, PatientBirthDate") as caught:
        deposit(registry, path)
    assert name in caught.value.message and "Jane" not in caught.value.message
    assert registry.git("status", "--porcelain") == ""


def test_a_folder_with_one_such_file_is_not_deposited(registry, tmp_path):
    folder = tmp_path / "visit"
    (folder / "sub").mkdir(parents=True)
    (folder / "readme.txt").write_text("x")
    (folder / "sub" / "0001").write_bytes(dicom_bytes(*patient()))
    with pytest.raises(RefusedError, match="the header of sub/0001"):
        deposit(registry, folder)


def test_files_without_identity_are_deposited(registry, tmp_path):
    path = tmp_path / "scan.dcm"
    path.write_bytes(dicom_bytes(*patient(), element(REMOVED, "CS", b"YES")))
    assert deposit(registry, path).deposited[0].status == "deposited"


def test_metadata_about_a_person_is_not_deposited(registry, tmp_path):
    path = tmp_path / "scan.txt"
    path.write_text("x")
    with pytest.raises(RefusedError, match="PatientBirthDate"):
        deposit(registry, path, metadata={"PatientBirthDate": "1980-05-23"})


def test_metadata_about_a_person_is_not_added_later(registry):
    with neurogister.open(registry.root) as opened:
        with pytest.raises(RefusedError, match="PatientName") as caught:
            opened.modify("t1", metadata={"PatientName": "Doe^Jane"})
        assert "Jane" not in caught.value.message
        assert opened.modify("t1", metadata={"subject": 7})


def test_a_cleared_collection_takes_them(registry, tmp_path):
    registry.add_collection("a", phi=CLEARED)
    registry.commit("Clear it")
    path = tmp_path / "scan.dcm"
    path.write_bytes(dicom_bytes(*patient()))
    assert deposit(registry, path).deposited
    assert rules(registry.root) == set()


@pytest.mark.parametrize(("phi", "warns"), [("warn", True), ("allow", False)])
def test_the_policy_may_only_warn_or_allow(home, tmp_path, run, phi, warns):
    registry = registry_with(tmp_path, phi)
    path = tmp_path / "scan.dcm"
    path.write_bytes(dicom_bytes(*patient()))
    done = run("deposit", path, "--to", "a", "--no-push", cwd=registry.root)
    assert done.returncode == 0, done.stderr
    assert ("PatientName" in done.stderr) == warns


def test_the_command_ends_with_status_7(registry, tmp_path, run):
    path = tmp_path / "scan.dcm"
    path.write_bytes(dicom_bytes(*patient()))
    done = run("deposit", path, "--to", "a", cwd=registry.root)
    assert done.returncode == 7
    assert "PatientName" in done.stderr and "hint:" in done.stderr


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"metadata": {"PatientName": "Doe^Jane"}}, "PatientName"),
        ({"metadata": {"who": ["x", "jane@example.org"]}}, "who.1"),
        ({"description": "A man, born 1980-05-23."}, "description"),
    ],
)
def test_a_submission_that_shows_a_person_is_refused(registry, change, keys):
    registry.change_record("t1", **change)
    found = one(judge(registry.root, "HEAD"), "identifying-metadata")
    assert (found.severity, found.offending) == ("error", keys)
    assert found.line is not None and "Jane" not in str(found.as_mapping())


def test_paths_with_names_are_refused(registry):
    registry.add_folder("a/more", {"DOE^JOHN/1.dcm": b"y", "a/x^2.txt": b"z"}, id="more")
    registry.add_file("a/DOE^JANE.nii.gz", nifti_bytes(seed=3), id="t3")
    found = [each for each in judge(registry.root, "HEAD") if each.rule == "identifying-name"]
    assert [(each.path, each.line) for each in found] == [
        ("data/a/DOE^JANE.nii.gz.dvc", None),
        ("data/a/more.manifest.csv", 2),
    ]


@pytest.mark.parametrize(("phi", "severity"), [("warn", {"warning"}), ("allow", set())])
def test_validation_is_as_strict_as_the_policy_of_the_base(home, tmp_path, phi, severity):
    registry = registry_with(tmp_path, phi)
    registry.change_record("t1", metadata={"PatientName": "Doe^Jane"})
    found = judge(registry.root, "HEAD")
    assert {each.severity for each in found if each.rule == "identifying-metadata"} == severity


def test_only_a_maintainer_clears_data(registry):
    registry.add_collection("a", phi=CLEARED)
    registry.change_record("t1", metadata={"PatientName": "Doe^Jane"})
    assert {"phi-cleared", "identifying-metadata"} <= rules(registry.root, "HEAD")
    assert rules(registry.root, "HEAD", scope="maintainer") == set()
    registry.commit("Clear it")
    registry.change_record("t1", metadata={"PatientName": "Roe^Jane"})
    assert rules(registry.root, "HEAD") == set()
