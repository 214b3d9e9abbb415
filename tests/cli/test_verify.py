"""``neurogister verify``."""

import os
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import snapshot


@pytest.fixture
def pulled(invoke, registry):
    result = invoke("pull", "mni-T1", "dwi1", cwd=registry.root)
    assert result.status == 0, result.err
    return registry


def spoil(path: Path) -> Path:
    """Change a file as a broken disk does, or a user: in a file of its own."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    path.write_bytes(data)
    return path


def test_says_nothing_on_standard_output_when_all_is_well(invoke, pulled):
    result = invoke("verify", cwd=pulled.root)
    assert (result.status, result.out) == (0, "")
    assert result.err == "6 ok, 4 absent\n"
    named = invoke("verify", "mni-T1", "dwi1", cwd=pulled.root)
    assert (named.status, named.out, named.err) == (0, "", "6 ok\n")


def test_tells_every_file_with_v(invoke, pulled):
    result = invoke("verify", "-v", "mni-T1", "dwi1:*.bval", cwd=pulled.root)
    data = pulled.root / "data"
    assert result.rows == [
        ["ok", "mni152/t1.nii.gz", str(data / "mni152/t1.nii.gz"), ""],
        ["ok", "scans/sub-01/dwi:dwi.bval", str(data / "scans/sub-01/dwi/dwi.bval"), ""],
    ]


def test_finds_a_changed_a_missing_and_an_extra_file(invoke, pulled):
    folder = pulled.root / "data/scans/sub-01/dwi"
    spoil(folder / "dwi.nii.gz")
    (folder / "dwi.bval").unlink()
    (folder / "mine.txt").write_text("x")
    before = snapshot(folder)
    result = invoke("verify", "dwi1", cwd=pulled.root)
    assert result.status == 4
    assert [row[:2] for row in result.rows] == [
        ["missing", "scans/sub-01/dwi:dwi.bval"],
        ["changed", "scans/sub-01/dwi:dwi.nii.gz"],
        ["extra", "scans/sub-01/dwi:mine.txt"],
    ]
    assert result.err.splitlines() == [
        "1 missing, 3 ok, 1 changed, 1 extra",
        "error: 2 of 6 are not as they should be",
        "  - scans/sub-01/dwi:dwi.bval: the file is not there",
        f"  - scans/sub-01/dwi:dwi.nii.gz: {result.rows[1][3]}",
        "hint: `neurogister pull` brings what is missing.",
        "hint: `neurogister pull` brings the right bytes, with `--force` over files that you"
        " changed.",
    ]
    assert snapshot(folder) == before


def test_the_hints_lead_to_a_good_state(invoke, pulled):
    spoil(pulled.root / "data/mni152/t1.nii.gz")
    assert invoke("verify", "mni-T1", cwd=pulled.root).status == 4
    assert invoke("pull", "--force", "mni-T1", cwd=pulled.root).status == 0
    assert invoke("verify", "mni-T1", cwd=pulled.root).status == 0


def test_what_is_named_and_not_here_ends_with_3(invoke, pulled):
    result = invoke("verify", "mni-t2", "mni-T1", cwd=pulled.root)
    assert result.status == 3
    assert result.rows == [
        ["absent", "mni152/t2.nii.gz", "", "neither in the work tree nor in the cache"]
    ]
    assert result.err.splitlines()[-1] == "hint: neurogister pull mni152/t2.nii.gz"


def test_the_cache_is_read_where_the_work_tree_has_nothing(invoke, pulled):
    (pulled.root / "data/mni152/t1.nii.gz").unlink()
    result = invoke("verify", "-v", "mni-T1", cwd=pulled.root)
    cached = pulled.root / ".dvc/cache" / pulled.find("mni-T1").digests.key
    assert result.rows == [["ok", "mni152/t1.nii.gz", str(cached), ""]]
    spoil(cached)
    damaged = invoke("verify", "mni-T1", cwd=pulled.root)
    assert (damaged.status, damaged.rows[0][0]) == (4, "changed")


def test_an_old_version_is_looked_for_where_it_can_be(invoke, pulled):
    assert invoke("verify", "mni-T1@1", cwd=pulled.root).status == 3
    assert invoke("pull", "mni-T1@1", cwd=pulled.root).status == 0
    old = invoke("verify", "mni-T1@1", "-v", cwd=pulled.root)
    assert (old.status, old.rows[0][:2]) == (0, ["ok", "mni152/t1.nii.gz@1"])
    now = invoke("verify", "mni-T1", cwd=pulled.root)
    assert (now.status, now.rows[0][0]) == (4, "changed")


def test_a_cache_that_was_emptied_is_not_damaged(invoke, pulled):
    shutil.rmtree(pulled.root / "data/scans/sub-01/dwi")
    for digests in pulled.find("dwi1").digests.files.values():
        (pulled.root / ".dvc/cache" / digests.key).unlink()
    result = invoke("verify", "dwi1", cwd=pulled.root)
    assert (result.status, result.rows[0][0]) == (3, "absent")
    assert invoke("verify", cwd=pulled.root).status == 0


def test_remote_reads_the_bytes_that_the_remote_has(invoke, pulled, tmp_path):
    shutil.copytree(pulled.objects, tmp_path / "objects")
    pulled.remote_url(tmp_path / "objects")
    pulled.commit()
    good = invoke("verify", "--remote", cwd=pulled.root)
    assert (good.status, good.out) == (0, "")
    spoil(tmp_path / "objects" / pulled.find("mni-T1").digests.key)
    (tmp_path / "objects" / pulled.find("mni-t2").digests.key).unlink()
    for option in (("--remote",), ("--from", "storage"), ("-r", "storage")):
        result = invoke("verify", "mni152/*", *option, cwd=pulled.root)
        assert result.status == 4
        assert [row[:3] for row in result.rows] == [
            ["changed", "mni152/t1.nii.gz", "remote"],
            ["missing", "mni152/t2.nii.gz", "remote"],
        ]
    assert "hint: Tell the maintainers of the registry: its remote is damaged." in result.err
    unknown = invoke("verify", "--from", "nowhere", cwd=pulled.root)
    assert (unknown.status, unknown.out) == (3, "")
    assert unknown.err.splitlines()[-1] == "hint: It has: storage (`dvc remote list`)."


def test_what_was_delivered_elsewhere_is_verified_there(invoke, registry, tmp_path):
    place = ("-C", registry.root.as_uri())
    assert invoke("pull", *place, "mni-T1", "dwi1", "-o", "out", cwd=tmp_path).status == 0
    shutil.rmtree(tmp_path / "home/cache/objects")
    assert invoke("verify", *place, "mni-T1", cwd=tmp_path).status == 3
    for arguments, cwd in (((), tmp_path / "out"), (("-o", "out"), tmp_path)):
        good = invoke("verify", *place, *arguments, cwd=cwd)
        assert (good.status, good.err) == (0, "6 ok, 4 absent\n")
    own = invoke("verify", "-C", registry.root, "-o", "out", "mni-T1", cwd=tmp_path)
    assert (own.status, own.err) == (0, "1 ok\n")
    spoil(tmp_path / "out/mni152/t1.nii.gz")
    bad = invoke("verify", *place, "mni-T1", cwd=tmp_path / "out")
    assert (bad.status, bad.rows[0][0]) == (4, "changed")


def test_any_file_is_found_by_its_content(invoke, pulled, tmp_path):
    place = pulled.root / "data/mni152/t1.nii.gz"
    shutil.copy(place, tmp_path / "some.file")
    shutil.copy(pulled.root / "data/scans/sub-01/dwi/dwi.bval", tmp_path / "bvals")
    (tmp_path / "other").write_text("something else")
    known = invoke("verify", "-C", pulled.root, "some.file", "bvals", cwd=tmp_path)
    assert known.status == 0
    assert [(row[0], row[3]) for row in known.rows] == [
        ("ok", "it is mni152/t1.nii.gz@2"), ("ok", "it is scans/sub-01/dwi:dwi.bval")
    ]  # fmt: skip
    unknown = invoke("verify", "-C", pulled.root, "other", cwd=tmp_path)
    assert unknown.status == 4
    assert unknown.err.splitlines()[1:] == [
        f"error: {tmp_path / 'other'}: no dataset here has this content"
    ]
    assert invoke("verify", "-C", pulled.root, "nothing", cwd=tmp_path).status == 3


def test_a_link_into_the_cache_is_ours_and_another_is_not(invoke, registry):
    registry.set_config({"cache": {"type": "symlink"}})
    registry.commit()
    assert invoke("pull", "mni-T1", cwd=registry.root).status == 0
    place = registry.root / "data/mni152/t1.nii.gz"
    assert place.is_symlink()
    assert invoke("verify", "mni-T1", cwd=registry.root).status == 0
    copy = registry.root.parent / "copy"
    shutil.copy(os.path.realpath(place), copy)
    place.unlink()
    place.symlink_to(copy)
    assert invoke("verify", "mni-T1", cwd=registry.root).status == 4


def test_json_has_a_line_for_each_file(invoke, pulled):
    spoil(pulled.root / "data/mni152/t1.nii.gz")
    result = invoke("verify", "mni-T1", "dwi1:dwi.bval", "--json", cwd=pulled.root)
    changed, good = result.json_lines
    assert changed == {
        "format": "neurogister.verify/1",
        "name": "mni152/t1.nii.gz",
        "where": str(pulled.root / "data/mni152/t1.nii.gz"),
        "status": "changed",
        "detail": changed["detail"],
    }
    assert good["status"] == "ok"
    assert result.status == 4
    assert (result.error["code"], result.error["status"]) == ("verification-failed", 4)
