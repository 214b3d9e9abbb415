"""``neurogister locate``."""

import io
import os
import sys
import time

import pytest
from tests.factories import make_registry


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


def feed(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_names_are_read_from_standard_input(invoke, pulled, monkeypatch):
    feed(monkeypatch, b"mni-T1\r\n\n  dwi1:*.bval\nmni-T1\n")
    result = invoke("locate", "-@", "-0", cwd=pulled.root)
    data = pulled.root / "data"
    assert result.out.split("\0") == [
        str(data / "mni152/t1.nii.gz"), str(data / "scans/sub-01/dwi/dwi.bval"), ""
    ]  # fmt: skip
    feed(monkeypatch, b"dwi1\n")
    result = invoke("locate", "mni-T1", "--stdin", cwd=pulled.root)
    assert [row[0] for row in result.rows] == ["mni152/t1.nii.gz", "scans/sub-01/dwi"]
    feed(monkeypatch, b"")
    result = invoke("locate", "-@", cwd=pulled.root)
    assert (result.status, result.out) == (0, "")
    assert invoke("locate", cwd=pulled.root).status == 2


def test_many_names_are_found_in_one_call(invoke, tmp_path, monkeypatch):
    registry = make_registry(tmp_path / "registry")
    for number in range(1000):
        registry.add_file(f"c/x{number}", b"%d" % number, id=f"id-{number}", push=False)
    registry.commit()
    invoke("list", cwd=registry.root)
    feed(monkeypatch, b"".join(b"id-%d\n" % number for number in range(1000)))
    start = time.perf_counter()
    result = invoke("locate", "-@", cwd=registry.root)
    assert len(result.rows) == 1000
    assert time.perf_counter() - start < 5  # a tenth of that on an idle machine


@pytest.fixture
def archived(tmp_path, home):
    """Resources outside DVC, in archives of three kinds, and a dataset that is in one too."""
    registry = make_registry(tmp_path / "registry")
    registry.write(
        "registry.yaml",
        "name: lab\ntitle: Lab\narchives:\n"
        f"  disk:\n    scheme: file\n    root: {tmp_path / 'disk'}\n"
        "  bucket:\n    root: s3://bucket/top/\n    accessibility: remote\n"
        "  tape:\n    root: /tape\n    accessibility: offline\n",
    )
    (tmp_path / "disk/ab").mkdir(parents=True)
    (tmp_path / "disk/ab/here.wav").write_bytes(b"sound")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "disk/link").symlink_to(tmp_path / "secret")
    resource = "id: {0}\nversion: 1\nversions:\n- version: 1\n  sha1: {1}\nlocations:\n{2}"
    for name, *locations in (
        ("here", "tape: x", "bucket: ab/here", "disk: ab/here.wav"),
        ("away", "tape: box/7", "bucket: ab/away"),
        ("taped", "tape: box/8"),
        ("unknown", "attic: box/9", "attic:"),
        ("outside", "disk: ../secret", "disk: link"),
        ("nowhere",),
    ):
        pairs = [each.partition(":") for each in locations]
        text = "".join(
            f"- archive: {archive}\n" + (f"  address:{address}\n" if address else "")
            for archive, _, address in pairs
        )
        digest = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"  # of hello
        registry.write(f"data/c/{name}.yaml", resource.format(name, digest, text or "[]\n"))
    registry.add_file("c/both", b"5", id="both", locations=[{"archive": "tape", "address": "b"}])
    registry.commit()
    return registry


def located(invoke, registry, name):
    result = invoke("locate", "--all", name, cwd=registry.root)
    return result.status, [row[1:] for row in result.rows]


def test_resources_outside_dvc_are_in_their_archives(invoke, archived, tmp_path):
    assert located(invoke, archived, "here") == (0, [
        ["archive", str(tmp_path / "disk/ab/here.wav")],
        ["archive", "s3://bucket/top/ab/here"],
        ["offline", "/tape/x"],
    ])  # fmt: skip
    assert located(invoke, archived, "away") == (3, [
        ["archive", "s3://bucket/top/ab/away"], ["offline", "/tape/box/7"]
    ])  # fmt: skip
    assert located(invoke, archived, "unknown") == (3, [
        ["archive", "attic:box/9"], ["archive", "attic:unknown"]
    ])  # fmt: skip
    assert located(invoke, archived, "nowhere") == (3, [])
    assert located(invoke, archived, "here@1")[0] == 0
    assert invoke("locate", "here@2", cwd=archived.root).status == 3
    assert invoke("locate", "here:part", cwd=archived.root).status == 3


def test_a_dataset_is_in_archives_too(invoke, archived):
    status, copies = located(invoke, archived, "both")
    assert status == 3
    assert [kind for kind, _ in copies] == ["remote", "offline"]


def test_what_is_only_on_tape_ends_with_11(invoke, archived):
    result = invoke("locate", "taped", cwd=archived.root)
    assert result.rows == [["c/taped", "offline", "/tape/box/8"]]
    assert (result.status, result.err) == (
        11, "error: only on an offline archive: c/taped\nhint: Ask who keeps the archive.\n"
    )  # fmt: skip
    assert invoke("locate", "taped", "away", cwd=archived.root).status == 3


def test_no_archive_leads_out_of_itself(invoke, archived, tmp_path):
    result = invoke("locate", "outside", "-0", cwd=archived.root)
    assert (result.status, result.out) == (3, "")
    (line,) = invoke("locate", "here", "--json", cwd=archived.root).json_lines
    assert line["path"] == str(tmp_path / "disk/ab/here.wav")
