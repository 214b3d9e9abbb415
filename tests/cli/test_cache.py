"""``neurogister cache``."""

import os
import time

import pytest
from tests.cli.conftest import snapshot
from tests.factories import make_registry


@pytest.fixture
def pulled(invoke, registry):
    assert invoke("pull", "mni-T1", "dwi1", cwd=registry.root).status == 0
    return registry


def objects(registry):
    """The objects of its cache, by their digest."""
    folder = registry.root / ".dvc/cache/files/md5"
    return {path.parent.name + path.name: path for path in folder.glob("??/*")}


def test_lists_the_largest_first_with_the_names(invoke, pulled):
    t1, dwi = pulled.find("mni-T1").digests, pulled.find("dwi1").digests
    result = invoke("cache", "ls", cwd=pulled.root)
    sizes = [int(row[1]) for row in result.rows]
    assert result.status == 0
    assert len(sizes) == 7
    assert sizes == sorted(sizes, reverse=True)
    named = {row[0]: row[3] for row in result.rows if row[3]}
    assert named == {t1.md5: "mni152/t1.nii.gz", dwi.md5: "scans/sub-01/dwi"}
    assert result.rows[0][2] == time.strftime("%Y-%m-%d")
    total = f"{sum(sizes) / 1000:.1f} kB"
    assert result.err == f"7 objects, {total} in {pulled.root / '.dvc/cache'}\n"
    shape = invoke("cache", "ls", "--json", cwd=pulled.root).json
    assert (shape["format"], shape["cache"]) == (
        "neurogister.cache/1", str(pulled.root / ".dvc/cache")
    )  # fmt: skip
    assert [each["size"] for each in shape["objects"]] == sizes
    assert shape["folders"] == []


def test_prune_removes_what_a_remote_has(invoke, pulled):
    before = snapshot(pulled.root / "data", pulled.root / ".dvc/cache")
    dry = invoke("cache", "prune", "--dry-run", cwd=pulled.root)
    assert dry.status == 10
    assert dry.err.startswith("7 objects (")
    assert dry.err.endswith(" would be removed\n")
    assert snapshot(pulled.root / "data", pulled.root / ".dvc/cache") == before
    data = snapshot(pulled.root / "data")
    done = invoke("cache", "prune", cwd=pulled.root)
    assert (done.status, done.out) == (0, "")
    assert objects(pulled) == {}
    assert snapshot(pulled.root / "data") == data
    nothing = invoke("cache", "prune", "-n", cwd=pulled.root)
    assert (nothing.status, nothing.err) == (
        0,
        "0 objects (0 B) removed\n".replace("rem", "would be rem"),
    )


def test_prune_keeps_what_is_nowhere_else(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/mine.bin", b"the only copy")
    registry.add_file("a/shared.bin", b"two copies")
    registry.commit()
    registry.fill_cache()
    registry.object_path(registry.find("a/mine.bin").digests).unlink()
    md5 = registry.find("a/mine.bin").digests.md5
    result = invoke("cache", "prune", cwd=registry.root)
    assert result.status == 0
    assert list(objects(registry)) == [md5]
    assert result.rows[0][:2] == [md5, "13"]
    assert result.rows[0][2].startswith("no remote has it: ")
    registry.object_path(registry.find("a/mine.bin").digests).write_bytes(b"another thing")
    assert invoke("cache", "prune", cwd=registry.root).rows[0][0] == md5
    assert list(objects(registry)) == [md5]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_prune_keeps_what_the_work_tree_links_to(invoke, registry):
    registry.set_config({"cache": {"type": "symlink"}})
    registry.commit()
    assert invoke("pull", "mni-T1", "dwi1", cwd=registry.root).status == 0
    (registry.root / "data/mni152/t1.nii.gz").unlink()
    files = registry.find("dwi1").digests.files
    result = invoke("cache", "prune", cwd=registry.root)
    assert set(objects(registry)) == {file.md5 for file in files.values()}
    assert {row[2] for row in result.rows} == {"the work tree links to it"}
    assert invoke("verify", "dwi1", cwd=registry.root).status == 0


def test_prune_goes_by_size_and_age(invoke, pulled):
    assert invoke("cache", "prune", "--max-size", "1MB", "-n", cwd=pulled.root).status == 0
    oldest = pulled.find("mni-T1").digests.md5
    os.utime(objects(pulled)[oldest], (1e9, 1e9))
    dry = invoke("cache", "prune", "--older-than", "30", "-n", "--json", cwd=pulled.root)
    assert dry.status == 10
    assert [each["object"] for each in dry.json["objects"]] == [oldest]
    most = sum(path.stat().st_size for path in objects(pulled).values()) - 1
    assert invoke("cache", "prune", "--max-size", str(most), cwd=pulled.root).status == 0
    assert len(objects(pulled)) == 6
    assert oldest not in objects(pulled)
    wrong = invoke("cache", "prune", "--max-size", "lots", cwd=pulled.root)
    assert (wrong.status, wrong.err) == (
        2, "error: 'lots' is no size\nhint: Write 500MB, 20GB or 1.5GiB.\n"
    )  # fmt: skip
    assert invoke("cache", "prune", "--older-than", "-1", cwd=pulled.root).status == 2


def test_verify_finds_and_removes_damaged_objects(invoke, pulled):
    good = invoke("cache", "verify", cwd=pulled.root)
    assert (good.status, good.out, good.err) == (0, "", "7 sound, 0 damaged\n")
    digests = pulled.find("mni-T1").digests
    path = objects(pulled)[digests.md5]
    path.chmod(0o644)
    path.write_bytes(b"rotten")
    found = invoke("cache", "verify", cwd=pulled.root)
    assert found.status == 4
    assert found.rows == [[digests.md5, "mni152/t1.nii.gz"]]
    assert found.err.splitlines() == [
        "6 sound, 1 damaged",
        f"error: 1 objects in {pulled.root / '.dvc/cache'} are damaged",
        "hint: `neurogister cache verify --remove` removes them; then pull again.",
    ]
    shape = invoke("cache", "verify", "--json", cwd=pulled.root).json
    assert [each["object"] for each in shape["objects"] if not each["sound"]] == [digests.md5]
    assert invoke("cache", "verify", "--remove", cwd=pulled.root).status == 0
    assert not path.exists()
    assert invoke("cache", "verify", cwd=pulled.root).status == 0


def test_the_users_own_cache_needs_no_registry(invoke, home, tmp_path):
    for command in ("ls", "verify", "prune"):
        for options in ((), ("--user",)):
            result = invoke("cache", command, *options, cwd=tmp_path)
            assert (result.status, result.out) == (0, ""), result.err
    assert f" in {home / 'cache/objects'}\n" in invoke("cache", "ls", cwd=tmp_path).err
    missing = invoke("cache", "ls", "-C", tmp_path / "nothing", cwd=tmp_path)
    assert missing.status == 3


def test_the_users_own_cache_shrinks_whole(invoke, home, pulled, tmp_path):
    url = pulled.root.as_uri()
    assert invoke("pull", "-C", url, "mni-T1", cwd=tmp_path).status == 0
    listed = invoke("cache", "ls", "--json", cwd=tmp_path).json
    assert [each["object"] for each in listed["objects"]] == [pulled.find("mni-T1").digests.md5]
    (mirror,) = listed["folders"]
    assert mirror["path"].startswith(str(home / "cache/registries"))
    assert mirror["size"] > 1000
    dry = invoke("cache", "prune", "--user", "-n", cwd=pulled.root)
    assert (dry.status, dry.err.split()[0]) == (10, "2")
    assert invoke("cache", "prune", "--user", cwd=pulled.root).status == 0
    empty = invoke("cache", "ls", "--json", cwd=tmp_path).json
    assert (empty["objects"], empty["folders"]) == ([], [])
    assert len(objects(pulled)) == 7
    assert invoke("pull", "-C", url, "mni-T1", "-o", "again", cwd=tmp_path).status == 0


def test_a_sub_command_is_needed(invoke, tmp_path):
    result = invoke("cache", cwd=tmp_path)
    assert result.status == 2
    assert "prune" in result.err
    wrong = invoke("cache", "clean", cwd=tmp_path)
    assert (wrong.status, wrong.err.splitlines()[0]) == (2, "error: no such command 'clean'")
