"""``neurogister withdraw``."""

import pytest
from tests.cli.conftest import snapshot


def withdraw(invoke, registry, *arguments):
    return invoke("withdraw", *arguments, cwd=registry.root)


def test_a_tombstone_stays(invoke, registry):
    invoke("pull", "mni-T1", cwd=registry.root)
    copy = registry.root / "data/mni152/t1.nii.gz"
    result = withdraw(invoke, registry, "mni-T1", "--reason", "a face in it", "--commit")
    assert result.status == 0, result.err
    assert ["mni152/t1.nii.gz", str(copy)] in result.rows
    assert "1 dataset withdrawn" in result.err
    assert "remove them if they must go" in result.err
    assert copy.exists()
    assert not copy.with_name("t1.nii.gz.dvc").exists()
    message = registry.git("log", "-1", "--format=%B").strip()
    assert message == "Withdraw mni152/t1.nii.gz\n\na face in it"
    assert registry.git("status", "--porcelain", "data") == ""
    pulled = invoke("pull", "mni-T1", cwd=registry.root)
    assert (pulled.status, "a face in it" in pulled.err) == (7, True)
    assert "a face in it" in invoke("info", "mni-T1", cwd=registry.root).out


def test_what_the_tombstone_says(invoke, registry):
    withdraw(invoke, registry, "mni-t2", "--reason", "  why  ")
    text = (registry.root / "data/mni152/t2.nii.gz.yaml").read_text()
    line, _, text = text.partition("\n")
    assert line.startswith("# yaml-language-server: $schema=https://")
    assert line.endswith("/schemas/resource.schema.json")
    assert text.startswith("id: mni-t2\nversion: 1\nversions:\n")
    assert "status: withdrawn\n" in text
    assert "  reason: why\n" in text


def test_metadata_and_description_go(invoke, registry):
    """They may be the very reason."""
    invoke("modify", "mni-T1", "-k", "name=Jo", "--description", "of Jo", cwd=registry.root)
    withdraw(invoke, registry, "mni-T1", "--reason", "why")
    assert "Jo" not in (registry.root / "data/mni152/t1.nii.gz.yaml").read_text()


def test_twice_is_once(invoke, registry):
    withdraw(invoke, registry, "mni-T1", "--reason", "why")
    before = snapshot(registry.root / "data")
    result = withdraw(invoke, registry, "mni-T1", "--reason", "another")
    assert (result.status, result.out) == (0, "")
    assert "0 datasets withdrawn" in result.err
    assert snapshot(registry.root / "data") == before


def test_a_pointer_that_says_it_was_withdrawn_stays(invoke, registry):
    result = withdraw(invoke, registry, "gone-1", "--reason", "again")
    assert result.status == 0
    assert "a face in it" in (registry.root / "data/old/gone.wav.dvc").read_text()


def test_a_tombstone_counts_beside_a_pointer(invoke, registry):
    """A branch that changed the pointer was merged, or a withdrawal was interrupted."""
    pointer = registry.root / "data/mni152/t1.nii.gz.dvc"
    before = pointer.read_bytes()
    withdraw(invoke, registry, "mni-T1", "--reason", "why", "--commit")
    pointer.write_bytes(before)
    registry.commit()
    assert invoke("pull", "mni-T1", cwd=registry.root).status == 7
    again = withdraw(invoke, registry, "mni-T1", "--reason", "why", "--commit")
    assert "1 dataset withdrawn" in again.err
    assert not pointer.exists()
    assert registry.git("status", "--porcelain", "data") == ""


def test_one_without_a_record_and_one_outside_dvc(invoke, registry):
    result = withdraw(invoke, registry, "scans/bare.wav", "tape-1", "--reason", "why")
    assert result.status == 0, result.err
    text = (registry.root / "data/scans/bare.wav.yaml").read_text()
    assert text.count("- version:") == 2, "the ledger is that of git"
    assert "withdrawn" in (registry.root / "data/old/tape.nii.yaml").read_text()


def test_json(invoke, registry):
    result = withdraw(invoke, registry, "mni-t2", "--reason", "why", "--json")
    assert result.json_lines == [
        {
            "format": "neurogister.withdraw/1",
            "name": "mni152/t2.nii.gz",
            "id": "mni-t2",
            "tombstone": "data/mni152/t2.nii.gz.yaml",
            "changed": True,
            "copies": [],
        }
    ]


def test_dry_run(invoke, registry):
    before = snapshot(registry.root / "data")
    result = withdraw(invoke, registry, "mni-T1", "--reason", "why", "--dry-run")
    assert result.status == 10
    assert "1 dataset would be withdrawn" in result.err
    assert snapshot(registry.root / "data") == before
    assert withdraw(invoke, registry, "gone-1", "--reason", "why", "-n").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["mni-T1"], 2, "--reason"),
        (["mni-T1", "--reason", " "], 2, "needs a reason"),
        (["absent", "--reason", "why"], 3, "absent"),
        (["mni-T1", "lab/tests", "--reason", "why"], 7, "is a package"),
        (["mni-T1@1", "--reason", "why"], 7, "only whole datasets"),
        (["dwi1:dwi.bval", "--reason", "why"], 7, "only whole datasets"),
        (["mni-T1", "--reason", "a\u2028b"], 2, "cannot be written so"),
    ],
)
def test_errors(invoke, registry, arguments, status, words):
    before = snapshot(registry.root / "data")
    result = withdraw(invoke, registry, *arguments)
    assert result.status == status, result.err
    assert words in " ".join(result.err.split())
    assert snapshot(registry.root / "data") == before
