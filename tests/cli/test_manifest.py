"""``neurogister manifest``."""

import hashlib
import os

import pytest
from tests.factories import manifest_text, write_files

FILES = {"a.txt": b"one\n", "sub/b c.txt": b"two\n", "empty": b""}


@pytest.fixture
def folder(tmp_path):
    return write_files(tmp_path / "folder", FILES)


def rows(files, *algorithms):
    return "".join(
        ",".join(
            [
                str(len(data)),
                *(hashlib.new(name, data).hexdigest() for name in algorithms),
                path,
            ]
        )
        + "\n"
        for path, data in sorted(files.items())
    )


def test_prints_size_digest_and_path_of_every_file(invoke, folder, tmp_path):
    result = invoke("manifest", "folder", cwd=tmp_path)
    assert result.out == "size,sha256,path\n" + rows(FILES, "sha256")
    assert (result.status, result.err) == (0, "")
    both = invoke("manifest", "--md5", folder)
    assert both.out == "size,md5,sha256,path\n" + rows(FILES, "md5", "sha256")
    assert invoke("manifest", ".", cwd=folder).out == result.out


def test_is_the_manifest_of_a_registry(invoke, registry):
    assert invoke("pull", "dwi1", cwd=registry.root).status == 0
    folder = registry.root / "data/scans/sub-01/dwi"
    result = invoke("manifest", "--md5", folder)
    assert result.out == manifest_text(registry.find("dwi1").digests.files)
    checked = invoke("manifest", "--check", folder)
    assert (checked.status, checked.out, checked.err) == (0, "", "5 ok\n")


@pytest.mark.parametrize("place", ["folder.manifest.csv", "folder/manifest.csv"])
def test_check_finds_the_manifest_beside_or_inside(invoke, folder, tmp_path, place):
    for _ in range(2):  # written again, it does not list itself
        assert invoke("manifest", "folder", "-o", place, cwd=tmp_path).status == 0
    assert (tmp_path / place).read_text() == "size,sha256,path\n" + rows(FILES, "sha256")
    for arguments, cwd in ((("folder",), tmp_path), ((".",), folder), ((folder,), None)):
        result = invoke("manifest", "--check", *arguments, cwd=cwd)
        assert (result.status, result.err) == (0, "3 ok\n")


def test_check_finds_every_difference(invoke, folder, tmp_path):
    assert invoke("manifest", "folder", "--output", "known.csv", cwd=tmp_path).status == 0
    (folder / "a.txt").write_bytes(b"One\n")
    (folder / "empty").unlink()
    (folder / "more").write_bytes(b"")
    (folder / "sub/b c.txt").write_bytes(b"two and a half\n")
    result = invoke("manifest", "folder", "--manifest", "known.csv", cwd=tmp_path)
    digests = [hashlib.sha256(data).hexdigest() for data in (b"One\n", b"one\n")]
    assert result.status == 4
    assert result.rows == [
        ["changed", "a.txt", "its sha256 is {}, not {}".format(*digests)],
        ["missing", "empty", "the file is not there"],
        ["extra", "more", "not in the manifest"],
        ["changed", "sub/b c.txt", "it has 15 bytes, not 4"],
    ]
    assert result.err.splitlines() == [
        "2 changed, 1 missing, 1 extra",
        "error: 4 of 4 are not as they should be",
        f"  - a.txt: {result.rows[0][2]}",
        "  - empty: the file is not there",
        "  - more: not in the manifest",
        "  - sub/b c.txt: it has 15 bytes, not 4",
    ]


def test_without_folder_or_manifest_it_ends_with_3(invoke, folder, tmp_path):
    missing = invoke("manifest", "nothing", cwd=tmp_path)
    assert (missing.status, missing.err) == (
        3, "error: nothing is not a folder\nhint: Give the folder that has the files.\n"
    )  # fmt: skip
    unknown = invoke("manifest", "--check", "folder", cwd=tmp_path)
    assert unknown.status == 3
    assert "folder.manifest.csv" in unknown.err
    assert unknown.err.endswith("hint: Name it with `--manifest FILE`.\n")
    assert invoke("manifest", cwd=tmp_path).status == 2
    assert invoke("manifest", "folder", "--check", "-o", "x", cwd=tmp_path).status == 2


def test_a_broken_manifest_ends_with_4(invoke, folder, tmp_path):
    (tmp_path / "broken.csv").write_text("size,path\n1,../x\n")
    result = invoke("manifest", "folder", "-m", "broken.csv", cwd=tmp_path)
    assert (result.status, result.out) == (4, "")
    assert result.err.startswith("error: broken.csv")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_has_no_place_in_a_manifest(invoke, folder):
    (folder / "link").symlink_to("a.txt")
    result = invoke("manifest", folder)
    assert (result.status, result.out) == (7, "")
    assert result.err.startswith(f"error: {folder / 'link'} is not a regular file\n")


def test_json(invoke, folder):
    shape = invoke("manifest", "--json", folder).json
    assert shape["format"] == "neurogister.manifest/1"
    assert shape["files"][0] == {
        "path": "a.txt", "size": 4, "md5": None, "sha256": hashlib.sha256(b"one\n").hexdigest()
    }  # fmt: skip
    invoke("manifest", folder, "-o", folder / "manifest.csv")
    (folder / "a.txt").unlink()
    result = invoke("manifest", "--check", "--json", folder)
    assert [(line["format"], line["status"]) for line in result.json_lines] == [
        ("neurogister.verify/1", "missing"), ("neurogister.verify/1", "ok"),
        ("neurogister.verify/1", "ok"),
    ]  # fmt: skip
    assert (result.status, result.error["status"]) == (4, 4)
