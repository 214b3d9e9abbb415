"""``neurogister modify``."""

import pytest
from tests.cli.conftest import snapshot

from neurogister.model.document import parse_document


def record(registry, name="mni152/t1.nii.gz"):
    path = registry.root / f"data/{name}.dvc"
    return parse_document(path.read_bytes(), str(path))["meta"]["neurogister"]


def test_says_what_changed(invoke, registry):
    result = invoke("modify", "mni-T1", "-k", "age=6", "-k", "a.b=x", cwd=registry.root)
    assert result.status == 0, result.err
    assert result.rows == [["mni152/t1.nii.gz", "mni-T1", "yes"]]
    assert "1 record changed" in result.err
    assert record(registry)["metadata"] == {"age": 6, "a": {"b": "x"}}
    staged = registry.git("diff", "--cached", "--name-only").split()
    assert staged == ["data/mni152/t1.nii.gz.dvc"]
    again = invoke("modify", "mni-T1", "-k", "age=6", cwd=registry.root)
    assert again.rows == [["mni152/t1.nii.gz", "mni-T1", "no"]]
    assert "0 records changed" in again.err


def test_fields(invoke, registry):
    invoke(
        "modify", "mni-T1", "--title", "New", "--description", "D", "--license", "MIT", "--dtype",
        "any", "--status", "deprecated", "--commit", cwd=registry.root,
    )  # fmt: skip
    found = record(registry)
    fields = [found[name] for name in ("title", "description", "license", "dtype", "status")]
    assert fields == ["New", "D", "MIT", "any", "deprecated"]
    subject = registry.git("log", "-1", "--format=%s").strip()
    assert subject == "Change the record of mni152/t1.nii.gz"
    assert len(found["versions"]) == 2


def test_keys_are_removed(invoke, registry):
    invoke("modify", "mni-T1", "-k", "a.b=1", "-k", "c=2", cwd=registry.root)
    invoke("modify", "mni-T1", "-K", "a.b", cwd=registry.root)
    assert record(registry)["metadata"] == {"c": 2}
    invoke("modify", "mni-T1", "-K", "c", cwd=registry.root)
    assert "metadata" not in record(registry)


def test_many_at_once(invoke, registry):
    result = invoke("modify", "mni152/*", "lab/tests", "--title", "T", cwd=registry.root)
    assert result.status == 0, result.err
    assert [row[0] for row in result.rows] == ["mni152/t1.nii.gz", "mni152/t2.nii.gz", "lab/tests"]


def test_what_has_no_pointer_or_no_record(invoke, registry):
    result = invoke("modify", "tape-1", "scans/bare.wav", "-k", "x=1", cwd=registry.root)
    assert result.status == 0, result.err
    assert record(registry, "scans/bare.wav") == {"metadata": {"x": 1}}
    text = (registry.root / "data/old/tape.nii.yaml").read_text()
    assert text.startswith("id: tape-1\ntitle: On a tape\ndtype: t1w\n")
    assert "metadata:\n  x: 1\n" in text


def test_comments_and_order_stay(invoke, registry):
    path = registry.root / "data/mni152/t1.nii.gz.dvc"
    text = path.read_text().replace("    title:", "    # said by Ada\n    title:")
    path.write_text(f"# top\n{text}")
    invoke("modify", "mni-T1", "-k", "x=1", cwd=registry.root)
    lines = path.read_text().splitlines()
    assert [line for line in lines if line not in ("    metadata:", "      x: 1")] == [
        "# top", *text.splitlines()
    ]  # fmt: skip


def test_json(invoke, registry):
    assert invoke("modify", "mni-T1", "-k", "x=1", "--json", cwd=registry.root).json_lines == [
        {
            "format": "neurogister.modify/1",
            "name": "mni152/t1.nii.gz",
            "id": "mni-T1",
            "file": "data/mni152/t1.nii.gz.dvc",
            "changed": True,
        }
    ]


def test_dry_run(invoke, registry):
    before = snapshot(registry.root / "data")
    result = invoke("modify", "mni-T1", "-k", "x=1", "--dry-run", cwd=registry.root)
    assert result.status == 10
    assert "1 record would be changed" in result.err
    assert snapshot(registry.root / "data") == before
    assert invoke("modify", "mni-T1", "--title", "T1", "-n", cwd=registry.root).status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["absent", "-k", "x=1"], 3, "absent"),
        (["mni-T1", "absent", "-k", "x=1"], 3, "absent"),
        (["mni-T1", "-K", "nothing"], 3, "no metadata 'nothing'"),
        (["mni-T1", "--dtype", "nothing"], 3, "no dtype 'nothing'"),
        (["mni-T1", "--status", "withdrawn"], 2, "withdraw"),
        (["mni-T1@1", "-k", "x=1"], 2, "the whole dataset"),
        (["dwi1:dwi.bval", "-k", "x=1"], 2, "the whole dataset"),
        (["gone-1", "-k", "x=1"], 7, "withdrawn"),
        (["mni-T1", "-k", "x"], 2, "KEY=VALUE"),
        (["mni-T1", "--title", "a\u2028b"], 2, "cannot be written so"),
        (["mni-T1", "-k", "x=1", "--rev", "v1"], 7, "cannot be changed"),
        ([], 2, "NAME"),
    ],
)
def test_errors(invoke, registry, arguments, status, words):
    before = snapshot(registry.root / "data")
    result = invoke("modify", *arguments, cwd=registry.root)
    assert result.status == status, result.err
    assert words in " ".join(result.err.split())
    assert snapshot(registry.root / "data") == before
