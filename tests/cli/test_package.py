"""``neurogister package``, and what ``info`` and ``pull`` say of what it made."""

import pytest
from tests.factories import digest_file, digest_folder, make_registry

DWI = {"dwi.bval": b"0 1\n", "dwi.nii": b"image"}
FILES = {"one.bin": b"1", "dwi/dwi.bval": b"0 1\n", "dwi/dwi.nii": b"image"}
WHOLE = digest_folder({name: digest_file(data) for name, data in FILES.items()})


@pytest.fixture
def made(home, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.bin", b"1", id="one")
    registry.add_folder("a/dwi", DWI, id="dwi")
    registry.add_file("a/x=y.bin", b"2", record=False)
    registry.add_vendor("lab")
    registry.commit()
    return registry


@pytest.fixture
def root(made):
    return made.root


def create(invoke, root, *members):
    return invoke(
        "package", "create", "lab/tests", *(members or ("one", "dwi")), "--purpose", "For tests",
        cwd=root,
    )  # fmt: skip


def test_create_says_what_it_is_made_of(invoke, root):
    result = create(invoke, root, "a/one.bin=deep/1.bin", "dwi:dwi.bval", "one@1", "a/x=y.bin=z")
    assert (result.status, result.err) == (0, "lab/tests has 4 members\n")
    assert result.rows == [
        ["+", "one", "deep/1.bin"],
        ["+", "dwi:dwi.bval", "dwi.bval"],
        ["+", "one@1", "one.bin"],
        ["+", "a/x=y.bin", "z"],
    ]
    assert (root / "store/lab/tests.yaml").read_text() == (
        "# yaml-language-server: $schema=https://neurogister.github.io/neurogister/schemas/"
        "package.schema.json\n"
        "title: tests\npurpose: For tests\nmembers:\n- dataset: one\n  path: deep/1.bin\n"
        "- dataset: dwi\n  part: dwi.bval\n  path: dwi.bval\n"
        "- dataset: one\n  version: 1\n  path: one.bin\n- dataset: a/x=y.bin\n  path: z\n"
        "versions: []\n"
    )


def test_add_and_remove(invoke, root):
    create(invoke, root)
    added = invoke("package", "add", "lab/tests", "a/x=y.bin", "one", cwd=root)
    assert (added.status, added.rows) == (0, [["+", "a/x=y.bin", "x=y.bin"]])
    again = invoke("package", "add", "lab/tests", "a/x=y.bin", "--json", cwd=root)
    assert (again.json["changed"], again.json["added"]) == (False, [])
    planned = invoke("package", "remove", "lab/tests", "DWI", "x=y.bin", "-n", cwd=root)
    assert (planned.status, len(planned.rows)) == (10, 2)
    removed = invoke("package", "remove", "lab/tests", "a/dwi", "x=y.bin", "--json", cwd=root)
    one = {"dataset": "one", "version": None, "part": None, "path": "one.bin"}
    assert removed.json["members"] == [one]
    assert [each["dataset"] for each in removed.json["removed"]] == ["dwi", "a/x=y.bin"]


def test_release_to_the_letter(invoke, made):
    root = made.root
    create(invoke, root)
    planned = invoke("package", "release", "lab/tests", "1.0.0", "-n", cwd=root)
    assert (planned.status, planned.rows[0][0]) == (10, "planned")
    result = invoke("package", "release", "lab/tests", "1.0.0", "--note", "first", cwd=root)
    assert result.out == f"released\tlab/tests\t1.0.0\t10 B\t3\t{WHOLE.md5}\tstorage\n"
    assert result.err.splitlines()[-1] == "staged 4 files: `git commit` makes it history"
    again = invoke("package", "release", "lab/tests", "1.0.0", "--json", "--commit", cwd=root)
    assert again.json == {
        "format": "neurogister.release/1", "name": "lab/tests", "version": "1.0.0",
        "md5": WHOLE.md5, "sha256": WHOLE.sha256, "size": 10, "nfiles": 3,
        "members": ["one@1", "dwi@1"], "pointer": "store/lab/tests.dvc", "status": "unchanged",
        "remote": "storage", "stored": "there", "proof": "size", "zip": None,
    }  # fmt: skip
    assert made.git("status", "--porcelain") == ""
    assert invoke("package", "list", cwd=root).rows == [
        ["lab/tests", "", "1.0.0", "10", "3", "", "", "active", "tests"]
    ]
    assert invoke("package", "list", "lab", "--json", cwd=root).json["kind"] == "packages"
    assert invoke("package", "list", "nobody", cwd=root).status == 3


def test_not_pushed_is_said(invoke, root):
    create(invoke, root)
    result = invoke("package", "release", "lab/tests", "1.0.0", "--no-push", "--commit", cwd=root)
    lines = result.err.splitlines()
    assert lines[0].startswith("warning: not pushed: as asked; run the same command with `--push`")
    assert lines[1].startswith("committed 4 files as ")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("create", "tests", "one", "--purpose", "x"), 2, "'tests' names no vendor"),
        (("create", "labs/t", "one", "--purpose", "x"), 3, "there is no vendor 'labs'"),
        (("create", "lab/vendor", "one", "--purpose", "x"), 2, "cannot be the name of a package"),
        (("create", "lab/a b", "one", "--purpose", "x"), 2, "cannot be the name of a package"),
        (("create", "lab/TESTS", "one", "--purpose", "x"), 7, "there is a package lab/tests"),
        (("create", "lab/t", "one", "--purpose", " "), 2, "a package needs a purpose"),
        (("create", "lab/t", "ones", "--purpose", "x"), 3, "no dataset or package 'ones'"),
        (("create", "lab/t", "one@7", "--purpose", "x"), 3, "has no version 7"),
        (("create", "lab/t", "dwi:none", "--purpose", "x"), 3, "has no file 'none'"),
        (("create", "lab/t", "one:x", "--purpose", "x"), 3, "is a single file"),
        (("create", "lab/t", "one=../x", "--purpose", "x"), 2, "the path '../x' would leave"),
        (("create", "lab/t", "a/*=x", "--purpose", "x"), 2, "stands for 3 datasets"),
        (("add", "lab/none", "one"), 3, "there is no package 'lab/none'"),
        (("remove", "lab/tests", "x"), 3, "lab/tests has no member 'x'"),
        (("release", "lab/tests", "1.0"), 2, "is no semantic version"),
    ],
)
def test_what_cannot_be_is_told(invoke, root, arguments, status, said):
    create(invoke, root)
    before = (root / "store/lab/tests.yaml").read_bytes()
    result = invoke("package", *arguments, cwd=root)
    assert (result.status, result.out) == (status, "")
    assert said in result.err.splitlines()[0]
    assert (root / "store/lab/tests.yaml").read_bytes() == before


def test_all_problems_come_at_once(invoke, root):
    create(invoke, root)
    result = invoke("package", "add", "lab/tests", "none", "one=", "dwi:q", "--json", cwd=root)
    assert result.status == 3
    codes = [each["code"] for each in result.error["errors"]]
    assert codes == ["not-found", "usage", "not-found"]
    clash = invoke("package", "add", "lab/tests", "one=DWI/x", "one=one.bin/x", cwd=root)
    assert clash.status == 7
    assert len([line for line in clash.err.splitlines() if line.startswith("  - ")]) == 2


def test_info_tells_which_members_are_outdated(invoke, made):
    root = made.root
    create(invoke, root)
    invoke("package", "release", "lab/tests", "1.0.0", cwd=root)
    assert "outdated" not in invoke("info", "lab/tests", cwd=root).out
    made.new_version("a/one.bin", b"11")
    made.commit()
    invoke("withdraw", "dwi", "--reason", "a face", cwd=root)
    out = invoke("info", "lab/tests", cwd=root).out
    assert "  outdated:\n    one  has version 2; the package has version 1\n" in out
    assert "    dwi  was withdrawn on " in out
    item = invoke("info", "lab/tests", "--json", cwd=root).json["items"][0]
    assert item["outdated"][0] == {
        "dataset": "one", "name": "a/one.bin", "status": "newer", "released": 1, "newest": 2,
        "reason": None,
    }  # fmt: skip
    assert item["versions"][0]["members"] == ["one@1", "dwi@1"]


def test_a_withdrawn_member_ends_a_pull_with_7(invoke, made):
    root = made.root
    create(invoke, root)
    invoke("package", "release", "lab/tests", "1.0.0", "--commit", cwd=root)
    invoke("withdraw", "dwi", "--reason", "a face", "--commit", cwd=root)
    refused = invoke("pull", "lab/tests@1.0.0", "-o", "out", "one", cwd=root)
    assert refused.status == 7
    assert "its member dwi was withdrawn on" in refused.err
    assert (root / "out/a/one.bin").is_file(), "all else is delivered"
    assert not (root / "out/lab").exists()
    forced = invoke("pull", "lab/tests@1.0.0", "-o", "out", "--force", cwd=root)
    assert forced.status == 0
    assert "warning: " in forced.err
    assert (root / "out/lab/tests/dwi/dwi.bval").read_bytes() == DWI["dwi.bval"]
