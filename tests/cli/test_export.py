"""``neurogister export``, and ``pull --layout``: to the letter."""

import hashlib
import json

import pytest
from tests.factories import make_registry
from tests.zips import zip_bytes

ONE, TWO = zip_bytes({"a": b"1"}), zip_bytes({"a": b"2"})
MD5 = {name: hashlib.md5(data).hexdigest() for name, data in (("one", ONE), ("two", TWO))}


@pytest.fixture
def root(home, tmp_path, monkeypatch):
    monkeypatch.setenv("NFNEURO_TEST_DATA_HOME", str(tmp_path / "nf"))
    registry = make_registry(tmp_path / "registry")
    registry.add_file("z/one.zip", ONE, id="one")
    registry.add_file("z/two.ZIP", TWO, id="two")
    registry.add_file("z/notes.txt", b"no archive", id="notes")
    registry.add_file("z/gone.zip", b"gone", id="gone", status="withdrawn")
    registry.add_package("lab/one", ["one", "notes"])
    registry.add_package("lab/other", [("two", None, "one.zip")])
    registry.commit("Add data")
    return registry.root


def test_manifest_to_the_letter(invoke, root):
    result = invoke("export", "manifest", "one", "two", cwd=root)
    assert (result.status, result.err) == (0, "")
    assert result.out == (
        f'{{\n    "one.zip": "{MD5["one"]}",\n    "two.ZIP": "{MD5["two"]}"\n}}\n'
    )
    same = invoke("export", "manifest", "--format", "nf-neuro", "z/*", cwd=root)
    assert same.out == result.out
    assert same.err == "warning: z/gone.zip was withdrawn: passed over\n"


def test_as_json_with_where_it_is_from(invoke, root):
    result = invoke("export", "manifest", "one", "--json", cwd=root)
    assert result.json_lines == [
        {"format": "neurogister.export/1", "name": "one.zip", "md5": MD5["one"], "size": len(ONE),
         "sha256": hashlib.sha256(ONE).hexdigest(), "of": "z/one.zip@1"}
    ]  # fmt: skip
    inside = invoke("export", "manifest", "lab/one", "--json", cwd=root)
    assert inside.json_lines[0]["of"] == "lab/one@1.0.0:one.zip"


def test_to_a_file_only_if_it_says_something_else(invoke, root, tmp_path):
    file = tmp_path / "list.json"
    first = invoke("export", "manifest", "one", "-o", file, cwd=root)
    assert (first.status, first.out) == (0, "")
    assert first.err == f"{file} written: 1 archive\n"
    assert json.loads(file.read_text()) == {"one.zip": MD5["one"]}
    stamp = file.stat().st_mtime_ns
    again = invoke("export", "manifest", "one", "--output", file, cwd=root)
    assert again.err == f"{file} is up to date: 1 archive\n"
    assert file.stat().st_mtime_ns == stamp


def test_check_tells_what_differs(invoke, root, tmp_path):
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"one.zip": MD5["one"]}))  # other spaces than ours
    good = invoke("export", "manifest", "one", "--check", file, cwd=root)
    assert (good.status, good.out) == (0, "")
    assert good.err == f"{file} is up to date: 1 archive\n"
    file.write_text(json.dumps({"two.ZIP": MD5["one"], "old.zip": MD5["one"]}))
    bad = invoke("export", "manifest", "one", "two", "--check", file, cwd=root)
    assert bad.status == 7
    assert bad.rows == [
        ["-", "old.zip", MD5["one"], ""],
        ["+", "one.zip", "", MD5["one"]],
        ["~", "two.ZIP", MD5["one"], MD5["two"]],
    ]
    assert bad.err.splitlines() == [
        f"error: {file} does not say what is locked or released: old.zip extra, one.zip missing,"
        " two.ZIP changed",
        f"hint: The same command with `-o {file}` in place of `--check` writes it anew.",
    ]
    shapes = invoke("export", "manifest", "one", "--json", "--check", file, cwd=root)
    assert shapes.status == 7
    assert [(each["name"], each["status"]) for each in shapes.json_lines] == [
        ("old.zip", "extra"), ("one.zip", "missing"), ("two.ZIP", "extra")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"a.zip": 1}', '{"a.zip": "x"}', "{", '{"a": "%s", "a": "%s"}', "[" * 100_000],
)
def test_a_broken_list_is_told(invoke, root, tmp_path, content):
    file = tmp_path / "list.json"
    file.write_text(content.replace("%s", MD5["one"]))
    result = invoke("export", "manifest", "one", "--check", file, cwd=root)
    assert (result.status, result.out) == (4, "")
    assert result.err.startswith(f"error: {file}")
    assert "hint: " in result.err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--format", "csv", "one"), 2, "there is no format 'csv' of manifests"),
        (("one", "-o", "x", "--json"), 2, "--output is for the list itself"),
        (("notes",), 3, "z/notes.txt has no zip archive"),
        (("not*",), 3, "there is no zip archive"),
        (("nothing",), 3, "no dataset or package 'nothing'"),
        (("one", "--check", "nothing.json"), 3, "there is no file nothing.json"),
        (("--locked",), 3, "there is no neurogister.lock"),
        (("--locked", "-C", "."), 2, "-C is of no use here"),
        (("gone",), 7, "z/gone.zip was withdrawn"),
        (("lab/*",), 7, "one.zip is "),
        (("one", "-o", "no/folder.json"), 1, "cannot write"),
    ],
)
def test_what_cannot_be_is_told(invoke, root, arguments, status, said):
    result = invoke("export", "manifest", *arguments, cwd=root)
    assert (result.status, result.out) == (status, "")
    assert said in result.err


def test_pull_with_a_layout_to_the_letter(invoke, root, tmp_path):
    folder = tmp_path / "nf/nf-neuro-test-archives"
    planned = invoke("pull", "one", "--layout", "nf-neuro", "-n", cwd=root)
    assert (planned.status, planned.lines) == (10, [str(folder / MD5["one"])])
    assert not folder.exists()
    result = invoke("pull", "one", "lab/one", "--layout", "nf-neuro", "--json", cwd=root)
    assert result.status == 0
    assert result.json_lines == [
        {"format": "neurogister.pull/1", "name": "z/one.zip", "version": 1, "part": None,
         "zip": "one.zip", "path": str(folder / MD5["one"]), "files": 1, "placed": 1,
         "size": len(ONE), "status": "pulled", "error": None}
    ]  # fmt: skip
    again = invoke("pull", "one", "--layout", "nf-neuro", cwd=root)
    assert again.err == "1 up to date, nothing to do\n"
    named = invoke("pull", "z/*", "--layout", "zip", "-o", tmp_path / "out", cwd=root)
    assert named.lines == [str(tmp_path / "out/one.zip"), str(tmp_path / "out/two.ZIP")]
    everything = invoke("pull", "--layout", "nf-neuro", cwd=root)
    assert everything.status == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(MD5.values())
    assert invoke("pull", "one", "--layout", "tar", cwd=root).status == 2
    assert invoke("pull", "notes", "--layout", "zip", cwd=root).status == 3


def test_a_package_from_a_zip_to_the_letter(invoke, root, tmp_path):
    file = tmp_path / "b0.zip"
    file.write_bytes(zip_bytes({"b0/x.nii": b"x", "b0/d/y": b"y"}))
    arguments = ("package", "create", "lab/b0", "--from-zip", file, "--to", "z", "--purpose", "T")
    planned = invoke(*arguments, "-n", cwd=root)
    assert (planned.status, planned.rows[0]) == (10, ["+", "b0:d", "d"])
    result = invoke(*arguments, "--no-push", cwd=root)
    assert (result.status, result.rows) == (0, [["+", "b0:d", "d"], ["+", "b0:x.nii", "x.nii"]])
    assert result.err.splitlines() == [
        "deposited z/b0.zip (b0-zip)",
        "deposited z/b0 (b0)",
        "warning: not pushed: as asked; `dvc push` brings its datasets to a remote",
        "lab/b0 has 2 members",
    ]
    assert (root / "store/lab/b0.yaml").read_text().partition("\n")[2] == (
        "title: b0\npurpose: T\nmembers:\n- dataset: b0\n  part: d\n  path: d\n- dataset: b0\n"
        "  part: x.nii\n  path: x.nii\nzip:\n  dataset: b0-zip\n  name: b0.zip\nversions: []\n"
    )
    again = invoke(*arguments, "--json", cwd=root).json
    assert (again["changed"], again["added"]) == (False, [])
    assert [each["status"] for each in again["deposited"]] == ["unchanged", "unchanged"]
    released = invoke("package", "release", "lab/b0", "1.0.0", "--json", cwd=root)
    assert released.json["zip"]["name"] == "b0.zip"
    assert invoke("info", "lab/b0", "--json", cwd=root).json["items"][0]["zip"]["dataset"] == (
        "b0-zip@1"
    )
    assert "\n  zip:" in invoke("info", "lab/b0", cwd=root).out
    kept = invoke("package", "remove", "lab/b0", "d", cwd=root)
    assert (kept.status, "name: b0.zip" in (root / "store/lab/b0.yaml").read_text()) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from-zip", "x.zip"),
        ("one", "--from-zip", "x.zip", "--to", "z"),
        (),
        ("one", "--to", "z"),
        ("one", "--id", "z"),
    ],
)
def test_a_package_is_made_of_one_or_the_other(invoke, root, arguments):
    result = invoke("package", "create", "lab/b0", *arguments, "--purpose", "T", cwd=root)
    assert (result.status, result.out) == (2, "")


def test_a_file_that_is_not_there(invoke, root):
    result = invoke("package", "create", "lab/b0", "--from-zip", "x.zip", "--to", "z",
                    "--purpose", "T", cwd=root)  # fmt: skip
    assert (result.status, result.out) == (3, "")
