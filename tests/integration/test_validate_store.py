"""Rules about folders, packages, vendors and collections: each one kept, and each one broken."""

from pathlib import Path

import pytest
from tests.factories import dwi_files, make_registry, nifti_bytes

import neurogister
from neurogister.model.manifest import dump_manifest, parse_manifest

DWI = dwi_files()
MD5 = "0" * 32
MANIFEST = "data/scans/dwi.manifest.csv"
LOCK = "store/lab/tests.manifest.csv"


@pytest.fixture(autouse=True)
def _home(home):
    """No settings but our own."""


@pytest.fixture
def lab(tmp_path):
    """Make a registry of a file, a folder, and a released package; all of it is valid."""
    registry = make_registry(tmp_path / "registry")
    registry.add_file("scans/t1.nii.gz", nifti_bytes(seed=1), id="t1")
    registry.add_folder("scans/dwi", DWI, id="dwi")
    registry.add_vendor("lab", maintainers=[{"name": "Ada", "github": "ada"}])
    registry.commit("Add data")
    do(
        registry,
        "create_package",
        "lab/tests",
        purpose="tests",
        members=["t1", "dwi:dwi.bval=b.bval"],
    )
    do(registry, "release", "lab/tests", "1.0.0", push=False)
    registry.commit("Release")
    return registry


def do(registry, verb, *arguments, **options):
    with neurogister.open(registry.root) as opened:
        return getattr(opened, verb)(*arguments, **options)


def found(registry, *, base="HEAD", **options):
    """Return the rules that are broken, with their severities."""
    report = do(registry, "validate", base=base, **options)
    return sorted({(each.rule, each.severity) for each in report.findings}), report.findings


def rules(registry, **options):
    return [rule for rule, _ in found(registry, **options)[0]]


def edit(registry, path, old, new):
    file = registry.root / path
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def rows(registry, path=MANIFEST):
    return parse_manifest((registry.root / path).read_bytes(), name=path)


def test_what_our_commands_made_is_valid(lab):
    assert found(lab, base=None)[1] == []
    assert found(lab, base="HEAD~1", actor="ada")[1] == []


def test_what_our_commands_do_later_is_valid(lab, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    (new / "a.bin").write_bytes(b"a")
    deposit = {"to": "new-ones", "new_collection": True, "license": "CC0-1.0", "push": False}
    do(lab, "deposit", [new], id="more", dtype="any", **deposit)
    lab.commit("Deposit")
    assert found(lab, base="HEAD~1")[1] == []
    (new / "a.bin").write_bytes(b"b")
    do(lab, "deposit", [new], new_version="more", push=False)
    lab.commit("New version")
    assert found(lab, base="HEAD~1")[1] == []
    do(lab, "modify", "t1", title="Another")
    lab.commit("Modify")
    assert found(lab, base="HEAD~1")[1] == []
    do(lab, "add_members", "lab/tests", ["more@1=old", "more=new"])
    do(lab, "release", "lab/tests", "1.1.0", push=False)
    lab.commit("Release")
    assert found(lab, base="HEAD~1", actor="ada")[1] == []
    do(lab, "rename", "dwi", "scans/other")
    lab.commit("Rename")
    assert found(lab, base="HEAD~1")[1] == []
    do(lab, "move_vendor", "lab", "physics")
    lab.commit("Move")
    assert found(lab, base="HEAD~1", actor="ada")[1] == []
    do(lab, "withdraw", "t1", reason="as asked")
    lab.commit("Withdraw")
    assert found(lab, base="HEAD~1")[0] == [("package-withdrawn", "warning")]
    assert found(lab, base=None)[0] in ([], [("package-withdrawn", "warning")])


def test_a_release_of_an_older_version_is_compared_with_history(lab, tmp_path):
    old = tmp_path / "f"
    old.mkdir()
    for content in (b"1", b"2"):
        (old / "x").write_bytes(content)
        where = {"new_version": "f"} if content == b"2" else {"to": "scans", "id": "f"}
        do(lab, "deposit", [old], push=False, **({"dtype": "any"} | where))
        lab.commit("Deposit")
    do(lab, "add_members", "lab/tests", ["f@1=old"])
    do(lab, "release", "lab/tests", "2.0.0", push=False)
    lab.commit("Release")
    assert found(lab, base="HEAD~1", actor="ada")[1] == []
    assert found(lab, base=None)[1] == []


def test_a_new_folder_has_a_manifest(lab):
    lab.add_folder("scans/new", DWI, id="new", manifest=False)
    assert rules(lab) == ["manifest-missing"]
    lab.commit("Add a folder")
    assert found(lab, base=None)[0] == [("manifest-missing", "warning")]
    assert rules(lab) == []  # what was there before may have none


def test_a_manifest_is_not_taken_away(lab):
    (lab.root / MANIFEST).unlink()
    assert rules(lab) == ["manifest-missing"]


def test_a_manifest_has_a_pointer_of_a_folder(lab):
    (lab.root / "data/scans/t1.nii.gz.manifest.csv").write_bytes((lab.root / MANIFEST).read_bytes())
    assert rules(lab) == ["manifest-alone"]
    (lab.root / "data/scans/t1.nii.gz.manifest.csv").rename(lab.root / "data/scans/x.manifest.csv")
    assert rules(lab) == ["manifest-alone"]


def test_a_manifest_makes_the_listing_of_the_pointer(lab):
    first = rows(lab)[0]
    edit(lab, MANIFEST, first.md5, "0" * 32)
    assert rules(lab) == ["manifest-digest"]


def test_the_sha256_of_files_are_those_of_the_ledger(lab):
    first = rows(lab)[0]
    edit(lab, MANIFEST, first.sha256, "0" * 64)
    assert rules(lab) == ["manifest-changed", "manifest-digest"]


def test_sizes_are_summed_up(lab):
    first = rows(lab)[0]
    edit(lab, MANIFEST, f"{first.size},", f"{first.size + 1},")
    assert rules(lab) == ["manifest-changed", "manifest-size"]


def test_files_are_counted(lab):
    edit(lab, "data/scans/dwi.dvc", f"nfiles: {len(DWI)}", f"nfiles: {len(DWI) + 1}")
    assert "manifest-size" in rules(lab)


@pytest.mark.parametrize(
    "row",
    ["1,zz,,a", f"1,{MD5},,../a", f"1,{MD5},{MD5 * 2},DWI.bval", f",{MD5},,a", "1,2", '1,"x'],
)
def test_each_row_is_one_harmless_file(lab, row):
    file = lab.root / MANIFEST
    lines = file.read_text().count("\n")
    file.write_text(f"{file.read_text()}{row}\n")
    told = [each for each in found(lab)[1] if each.rule == "manifest-row"]
    assert [each.line for each in told] == [lines + 1]


def test_rows_are_in_order(lab):
    file = lab.root / MANIFEST
    head, *lines = file.read_text().splitlines(keepends=True)
    file.write_text(head + "".join(reversed(lines)))
    assert found(lab)[0] == [("manifest-form", "warning")]


# Packages

PACKAGE = "store/lab/tests.yaml"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("dataset: t1\n", "dataset: t2\n", "package-member"),
        ("dataset: t1\n", "dataset: t1\n  version: 7\n", "package-member"),
        ("part: dwi.bval\n", "part: other\n", "package-member"),
        ("dataset: t1\n", "dataset: t1\n  part: x\n", "package-member"),
        ("path: b.bval\n", "path: T1.nii.gz\n", "package-path"),
        ("path: b.bval\n", "path: other\n", "package-stale"),
    ],
)
def test_members_are_what_can_be_released(lab, old, new, rule):
    do(lab, "release", "lab/tests", "1.0.1", push=False)
    edit(lab, PACKAGE, old, new)
    told = rules(lab, actor="ada")
    assert rule in told
    assert set(told) <= {rule, "package-stale"}


def test_a_version_without_quotes_is_told(lab):
    edit(lab, PACKAGE, "version: 1.0.0", "version: 1.10")
    told = [each for each in found(lab, actor="ada")[1] if each.rule == "record"]
    assert [each.fix for each in told] == ["Put it in quotes."]
    assert [each.offending for each in told] == ["- version: 1.10"]


def test_a_release_has_files_of_its_members_only(lab):
    """The whole lock is changed in itself without a contradiction, but for one strange file."""
    from neurogister.model.listing import Entry, listing_md5, listing_sha256

    before = (lab.root / PACKAGE).read_text()
    old = do(lab, "versions", "lab/tests")[-1]
    do(lab, "release", "lab/tests", "1.0.1", push=False)
    entries = [*rows(lab, LOCK), Entry("zz", "1" * 32, 5, "2" * 64)]
    (lab.root / LOCK).write_bytes(dump_manifest(entries))
    size, count = sum(each.size for each in entries), len(entries)
    for path in (PACKAGE, "store/lab/tests.dvc"):
        text = (lab.root / path).read_text()
        head, tail = (before, text[len(before) :]) if path == PACKAGE else ("", text)
        tail = tail.replace(old.md5, f"{listing_md5(entries)}.dir")
        tail = tail.replace(old.sha256, listing_sha256(entries))
        tail = tail.replace(f"size: {old.size}", f"size: {size}")
        tail = tail.replace(f"nfiles: {old.nfiles}", f"nfiles: {count}")
        (lab.root / path).write_text(head + tail)
    report = found(lab, actor="ada")
    assert report[0] == [("package-lock", "error")]
    assert [each.line for each in report[1]] == [count + 1]


def test_a_package_is_not_made_of_what_was_withdrawn(lab):
    do(lab, "withdraw", "t1", reason="as asked")
    lab.commit("Withdraw")
    edit(lab, PACKAGE, "path: b.bval", "path: c.bval")
    assert "package-withdrawn" in rules(lab, actor="ada")


def test_old_packages_stay_and_new_ones_are_for_maintainers(lab):
    lab.add_old_package("old/pack", {"a": b"a"})
    assert "package-bare" in rules(lab)
    assert found(lab, scope="maintainer")[0] == [("package-bare", "warning")]
    lab.commit("Add an old package")
    assert found(lab, base=None)[1] == []


# Vendors


def add_vendor(registry, name):
    registry.add_vendor(name)
    return rules(registry)


@pytest.mark.parametrize("name", ["LAB", "1ab", "physics/lab"])
def test_a_vendor_has_a_name_of_its_own(lab, name):
    assert "vendor-name" in add_vendor(lab, name)


@pytest.mark.parametrize("name", ["my lab", "läb", "физика"])
def test_a_vendor_has_a_plain_name(lab, name):
    assert "vendor-name" in add_vendor(lab, name)


@pytest.mark.parametrize("name", ["optics", "physics/optics", "lab2"])
def test_a_new_vendor_is_welcome(lab, name):
    assert add_vendor(lab, name) == []


def test_a_vendor_says_who_it_is(lab):
    do(lab, "create_package", "lab/more", purpose="tests", members=["t1"])
    lab.commit("Add a package")
    (lab.root / "store/lab/vendor.yaml").unlink()
    assert "vendor-file" in rules(lab)


def test_only_maintainers_touch_the_folder_of_a_vendor(lab):
    edit(lab, "store/lab/vendor.yaml", "github: ada", "github: mallory")
    assert found(lab, actor="mallory")[0] == [("vendor-other", "error")]
    assert found(lab, actor="ADA")[1] == []
    assert found(lab)[0] == [("vendor-review", "warning")]
    assert found(lab, actor="mallory", scope="maintainer")[1] == []


def test_of_teams_nobody_can_tell_who_is_in_them(lab):
    edit(lab, "store/lab/vendor.yaml", "github: ada", "github: org/team")
    lab.commit("A team")
    edit(lab, "store/lab/vendor.yaml", "name: Ada", "name: Bea")
    assert found(lab, actor="mallory")[0] == [("vendor-review", "warning")]


# Collections


def test_a_dataset_lies_in_a_collection(lab):
    lab.add_file("more/a.bin", b"a", id="a")
    assert rules(lab) == []
    (lab.root / "data/more/collection.yaml").unlink()
    assert rules(lab) == ["collection-file"]


def test_a_collection_is_not_left_without_its_file(lab):
    (lab.root / "data/scans/collection.yaml").unlink()
    assert rules(lab) == ["collection-file"]


def test_a_dataset_does_not_lie_in_the_top_folder(lab):
    lab.add_file("a.bin", b"a", id="a")
    assert rules(lab) == ["collection-file"]


def test_a_collection_has_a_plain_name(lab):
    lab.add_file("données/a.bin", b"a", id="a")
    assert rules(lab) == ["collection-name"]


def test_the_reference_registry_is_valid():
    top = Path(__file__).parents[2]
    with neurogister.open(top) as registry:
        report = registry.validate()
    assert report.findings == []


def test_a_link_is_told_and_cannot_be_fixed(lab):
    (lab.root / "data/scans/x.dvc").symlink_to("/etc/passwd")
    told = [each for each in found(lab)[1] if each.rule == "file-mode"]
    assert [each.fixable for each in told] == [False]


def test_only_maintainers_say_that_a_file_may_be_run(lab):
    edit(lab, "data/scans/t1.nii.gz.dvc", "  hash: md5\n", "  hash: md5\n  isexec: true\n")
    assert rules(lab) == ["pointer-field"]
    assert rules(lab, scope="maintainer") == []
