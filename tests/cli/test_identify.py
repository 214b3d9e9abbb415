"""``neurogister verify FILE``: which dataset and version a file of unknown origin is."""

import hashlib

import pytest
from tests.factories import make_registry, random_bytes

from neurogister.actions import identify


@pytest.fixture
def registry(tmp_path, home):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("c/one.bin", b"first", id="one")
    registry.new_version("c/one.bin", b"second")
    registry.add_file("c/copy.bin", b"second", id="copy")
    registry.add_file("c/gone.bin", b"gone", id="gone", status="withdrawn")
    registry.add_file("c/text.txt", b"a line\r\nanother\r\n", record=False, legacy=True)
    registry.add_folder("c/folder", {"x/in.bin": b"inside", "y.bin": b"why"}, id="folder")
    for name, algorithm in (("sha1", "sha1"), ("sha256", "sha256")):
        digest = hashlib.new(algorithm, f"outside {name}".encode()).hexdigest()
        registry.write(
            f"data/c/{name}.yaml",
            f"id: {name}\nversion: 1\nversions:\n- version: 1\n  {algorithm}: {digest}\n",
        )
    wrong = hashlib.sha256(b"other").hexdigest()
    right = hashlib.sha1(b"contradiction").hexdigest()
    registry.write(
        "data/c/contradicts.yaml",
        f"id: contra\nversion: 1\nversions:\n- version: 1\n  sha1: {right}\n  sha256: {wrong}\n",
    )
    registry.commit()
    return registry


def identified(invoke, registry, folder, *contents):
    """Verify files with these contents; return the status, and what is said of each."""
    names = []
    for number, content in enumerate(contents):
        (folder / f"file-{number}").write_bytes(content)
        names.append(f"file-{number}")
    result = invoke("verify", "-C", registry.root, *names, "--json", cwd=folder)
    assert [line["where"] for line in result.json_lines] == [str(folder / name) for name in names]
    return result.status, [(line["status"], line["detail"]) for line in result.json_lines]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"first", "c/one.bin@1"),
        (b"second", "c/copy.bin@1 and c/one.bin@2"),
        (b"gone", "c/gone.bin@1, which was withdrawn"),
        (b"outside sha1", "c/sha1@1"),
        (b"outside sha256", "c/sha256@1"),
        (b"inside", "c/folder:x/in.bin"),
        (b"a line\r\nanother\r\n", "c/text.txt"),
        (b"a line\nanother\n", "c/text.txt"),
    ],
)
def test_a_file_is_found_by_any_digest(invoke, registry, tmp_path, content, name):
    assert identified(invoke, registry, tmp_path, content) == (0, [("ok", f"it is {name}")])


@pytest.mark.parametrize("content", [b"nothing", b"", b"contradiction", b"\r\n" * 10])
def test_what_no_record_has_is_told(invoke, registry, tmp_path, content):
    status, said = identified(invoke, registry, tmp_path, content)
    assert (status, said) == (4, [("changed", "no dataset here has this content")])


def test_many_files_are_read_once_each(invoke, registry, tmp_path, monkeypatch):
    read = []
    original = identify.digests_of
    monkeypatch.setattr(
        identify, "digests_of", lambda path, names: read.append(path.name) or original(path, names)
    )
    contents = [b"first", b"inside", *(random_bytes(3000, seed) for seed in range(5)), b"second"]
    status, said = identified(invoke, registry, tmp_path, *contents)
    assert status == 4
    assert [each[0] for each in said] == ["ok", "ok", *["changed"] * 5, "ok"]
    found = {"file-0", "file-1", "file-7"}
    assert sorted(name for name in read if name in found) == sorted(found)
