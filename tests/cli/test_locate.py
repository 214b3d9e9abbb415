"""``neurogister locate``."""

import os

import pytest


@pytest.fixture
def pulled(invoke, registry):
    result = invoke("pull", "mni-T1", "dwi1", cwd=registry.root)
    assert result.status == 0, result.err
    return registry


def test_prints_the_nearest_copy(invoke, pulled):
    result = invoke("locate", "mni-T1", "dwi1", cwd=pulled.root)
    assert result.rows == [
        ["mni152/t1.nii.gz", "work tree", str(pulled.root / "data/mni152/t1.nii.gz")],
        ["scans/sub-01/dwi", "work tree", str(pulled.root / "data/scans/sub-01/dwi")],
    ]
    assert (result.status, result.err) == (0, "")


def test_prints_every_copy_with_all(invoke, pulled):
    key = pulled.find("mni-T1").digests.key
    result = invoke("locate", "--all", "mni-T1", cwd=pulled.root)
    assert [row[1:] for row in result.rows] == [
        ["work tree", str(pulled.root / "data/mni152/t1.nii.gz")],
        ["cache", str(pulled.root / ".dvc/cache" / key)],
        ["remote", f"{pulled.objects}/{key}"],
    ]


def test_what_is_not_here_ends_with_3_and_says_how_to_get_it(invoke, pulled):
    result = invoke("locate", "mni-t2", "mni-T1", cwd=pulled.root)
    key = pulled.find("mni-t2").digests.key
    assert result.rows[0] == ["mni152/t2.nii.gz", "remote", f"{pulled.objects}/{key}"]
    assert len(result.rows) == 2
    assert (result.status, result.err) == (
        3,
        "error: not on this machine: mni152/t2.nii.gz\nhint: neurogister pull mni152/t2.nii.gz\n",
    )


def test_without_any_copy_it_is_not_here_either(invoke, pulled):
    pulled.write(".dvc/config", "")
    result = invoke("locate", "mni-t2", cwd=pulled.root)
    assert (result.status, result.out) == (3, "")


def test_old_versions_are_in_the_cache_if_they_were_pulled(invoke, pulled):
    assert invoke("locate", "mni-T1@1", cwd=pulled.root).status == 3
    assert invoke("pull", "mni-T1@1", cwd=pulled.root).status == 0
    (row,) = invoke("locate", "mni-T1@1", cwd=pulled.root).rows
    assert row[:2] == ["mni152/t1.nii.gz@1", "work tree"]
    (row,) = invoke("locate", "mni-T1", cwd=pulled.root).rows
    assert row[1] == "cache"


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("dwi.bval", ["dwi.bval"]),
        ("extra", ["extra"]),
        ("*.bv*", ["dwi.bval", "dwi.bvec"]),
        ("extra/*", ["extra/other.txt"]),
    ],
)
def test_parts_are_located_file_by_file(invoke, pulled, part, names):
    result = invoke("locate", f"dwi1:{part}", cwd=pulled.root)
    place = pulled.root / "data/scans/sub-01/dwi"
    assert result.rows == [
        [f"scans/sub-01/dwi:{name}", "work tree", str(place / name)] for name in names
    ]
    assert invoke("locate", "dwi1:nothing", cwd=pulled.root).status == 3


def test_null_prints_local_paths_for_xargs(invoke, pulled):
    result = invoke("locate", "-0", "mni-T1", "mni-t2", "dwi1:*.bv*", cwd=pulled.root)
    paths = result.out.split("\0")
    data = pulled.root / "data"
    assert paths == [
        str(data / "mni152/t1.nii.gz"),
        str(data / "scans/sub-01/dwi/dwi.bval"),
        str(data / "scans/sub-01/dwi/dwi.bvec"),
        "",
    ]
    assert result.status == 3


def test_link_makes_links_that_work_from_anywhere(invoke, pulled, tmp_path):
    result = invoke("locate", "-L", "links/deep", "mni-T1", "dwi1:*.bval", "dwi1", cwd=tmp_path)
    assert result.status == 3  # not a registry
    arguments = ("locate", "-C", pulled.root, "-L", "links/deep", "mni-T1", "dwi1:*.bval", "dwi1")
    result = invoke(*arguments, cwd=tmp_path)
    links = tmp_path / "links/deep"
    assert result.status == 0, result.err
    assert result.lines == [str(links / name) for name in ("t1.nii.gz", "dwi.bval", "dwi")]
    assert {name: os.readlink(links / name) for name in os.listdir(links)} == {
        "t1.nii.gz": str(pulled.root / "data/mni152/t1.nii.gz"),
        "dwi.bval": str(pulled.root / "data/scans/sub-01/dwi/dwi.bval"),
        "dwi": str(pulled.root / "data/scans/sub-01/dwi"),
    }
    assert invoke(*arguments, cwd=tmp_path).status == 0


def test_link_replaces_nothing(invoke, pulled, tmp_path):
    (tmp_path / "t1.nii.gz").write_text("mine")
    result = invoke("locate", "-C", pulled.root, "-L", ".", "mni-T1", cwd=tmp_path)
    assert result.status == 7
    assert result.err.startswith(f"error: {tmp_path / 't1.nii.gz'} is there already\n")
    assert (tmp_path / "t1.nii.gz").read_text() == "mine"


def test_json_has_a_line_for_each_name(invoke, pulled):
    result = invoke("locate", "--json", "mni-T1", "mni-t2", cwd=pulled.root)
    here, there = result.json_lines
    key = pulled.find("mni-T1").digests.key
    assert here == {
        "format": "neurogister.locate/1",
        "name": "mni152/t1.nii.gz",
        "path": str(pulled.root / "data/mni152/t1.nii.gz"),
        "copies": [
            {"kind": "work tree", "address": str(pulled.root / "data/mni152/t1.nii.gz")},
            {"kind": "cache", "address": str(pulled.root / ".dvc/cache" / key)},
            {"kind": "remote", "address": f"{pulled.objects}/{key}"},
        ],
    }
    assert there["path"] is None
    assert result.status == 3
    assert result.error["code"] == "not-found"


def test_one_way_to_print_at_a_time(invoke, pulled):
    result = invoke("locate", "-0", "--json", "mni-T1", cwd=pulled.root)
    assert (result.status, result.out) == (2, "")
    assert invoke("locate", "nothing-like-it", cwd=pulled.root).status == 3
