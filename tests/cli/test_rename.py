"""``neurogister rename``."""

import pytest
from tests.cli.conftest import snapshot


def rename(invoke, registry, *arguments):
    return invoke("rename", *arguments, cwd=registry.root)


def test_the_identifier_stays_and_the_record_says_so(invoke, registry):
    invoke("pull", "mni-t2", cwd=registry.root)
    result = rename(invoke, registry, "mni-t2", "old/second.nii.gz", "--commit")
    assert (result.status, result.lines) == (0, ["old/second.nii.gz"])
    folder = registry.root / "data"
    assert (folder / "old/second.nii.gz").exists(), "data moves along"
    assert not (folder / "mni152/t2.nii.gz").exists()
    text = (folder / "old/second.nii.gz.dvc").read_text()
    assert "id: mni-t2\n" in text
    assert "former_names:\n    - mni152/t2.nii.gz\n" in text
    assert "  path: second.nii.gz\n" in text
    assert "/second.nii.gz" in (folder / "old/.gitignore").read_text().splitlines()
    assert "/t2.nii.gz" not in (folder / "mni152/.gitignore").read_text().splitlines()
    assert registry.git("status", "--porcelain", "data") == ""
    subject = registry.git("log", "-1", "--format=%s").strip()
    assert subject == "Rename mni152/t2.nii.gz to old/second.nii.gz"
    assert invoke("verify", "mni-t2", cwd=registry.root).status == 0


def test_a_folder_to_another_collection_under_its_name(invoke, registry):
    result = rename(invoke, registry, "scans/bare.wav", "fresh/", "--new-collection")
    assert result.lines == ["fresh/bare.wav"]
    assert not (registry.root / "data/scans/.gitignore").exists()


def test_twice_and_back(invoke, registry):
    rename(invoke, registry, "mni-t2", "old/")
    rename(invoke, registry, "mni-t2", "mni152/t2.nii.gz")
    text = (registry.root / "data/mni152/t2.nii.gz.dvc").read_text()
    assert "former_names:\n    - mni152/t2.nii.gz\n    - old/t2.nii.gz\n" in text
    before = snapshot(registry.root / "data")
    again = rename(invoke, registry, "mni-t2", "mni152/", "--json")
    assert again.json["changed"] is False
    assert snapshot(registry.root / "data") == before


def test_only_the_case_changes(invoke, registry):
    result = rename(invoke, registry, "mni-t2", "mni152/T2.nii.gz")
    assert (result.status, result.lines) == (0, ["mni152/T2.nii.gz"])


def test_what_is_outside_dvc(invoke, registry):
    result = rename(invoke, registry, "tape-1", "old/reel.nii")
    assert result.status == 0, result.err
    text = (registry.root / "data/old/reel.nii.yaml").read_text()
    assert "former_names:\n- old/tape.nii\n" in text


def test_json_and_dry_run(invoke, registry):
    before = snapshot(registry.root / "data")
    result = rename(invoke, registry, "mni-t2", "old/x.nii.gz", "--json", "--dry-run")
    assert result.status == 10
    assert result.json == {
        "format": "neurogister.rename/1",
        "id": "mni-t2",
        "before": "mni152/t2.nii.gz",
        "name": "old/x.nii.gz",
        "pointer": "data/old/x.nii.gz.dvc",
        "changed": True,
    }
    assert snapshot(registry.root / "data") == before


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["absent", "old/x"], 3, "absent"),
        (["mni-t2", "x"], 2, "names no collection"),
        (["mni-t2", "absent/x"], 3, "no collection 'absent'"),
        (["mni-t2", "../x"], 2, "cannot be"),
        (["mni-t2", "old/.git"], 2, "cannot be"),
        (["mni-t2", "old/first.wav"], 7, "is there already"),
        (["mni-t2", "old/mine.txt"], 7, "is in the way"),
        (["mni-t2", "scans/sub-01/dwi/x"], 7, "is a dataset"),
        (["mni152/t1.nii.gz", "old/x"], 7, "as a member"),
        (["lab/tests", "old/x"], 7, "cannot be renamed"),
        (["gone-1", "old/x"], 7, "withdrawn"),
    ],
)
def test_errors(invoke, registry, arguments, status, words):
    registry.write("data/old/mine.txt", "mine")
    package = registry.root / "store/lab/tests.yaml"
    package.write_text(package.read_text().replace("mni-T1", "mni152/t1.nii.gz"))
    before = snapshot(registry.root / "data")
    result = rename(invoke, registry, *arguments)
    assert result.status == status, result.err
    assert words in " ".join(result.err.split())
    assert snapshot(registry.root / "data") == before
