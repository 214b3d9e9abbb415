"""A DVC repository becomes a registry: nothing that is there changes, what does not fit is told."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.factories import make_large_registry, make_registry, to_yaml

import neurogister
from neurogister.errors import NotFoundError, RefusedError
from neurogister.model.pointer import Pointer
from neurogister.registry.schemas import check_files


def dvc(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and not {".git", "tmp", "cache"} & {*path.relative_to(root).parts}
    }


def rules(report, path: str | None = None) -> set[str]:
    return {each.rule for each in report.misfits if path in (None, each.path)}


@pytest.fixture
def plain(home, tmp_path):
    """A DVC repository of somebody, with one file and one folder."""
    registry = make_registry(tmp_path / "study", plain=True)
    registry.add_file("c/a.bin", b"aaa", record=False, checkout=True)
    registry.add_folder("c/sub/f", {"x": b"x", "y/z": b"z"}, record=False, checkout=True)
    registry.commit("Add data")
    return registry


def test_a_large_registry_with_three_old_vendors(run, tmp_path):
    registry = make_large_registry(tmp_path / "r", unreachable=False)
    before = contents(registry.root)
    began = time.monotonic()
    report = neurogister.adopt(registry.root, assign_ids=True, commit=True)
    took = time.monotonic() - began
    assert took < 30  # a few seconds, on a machine that does nothing else
    assert len(report.identifiers) == 1227
    ids = {str(each) for each in report.identifiers.values()}
    assert len({each.casefold() for each in ids}) == 1227
    assert rules(report) == {"config", "license"}

    after = contents(registry.root)
    for path, data in before.items():
        assert after[path].startswith(data), path  # our block is behind, and nothing else changes
        assert (after[path] != data) == (path in report.identifiers), path
    assert set(after) - set(before) == set(report.created)
    assert registry.git("status", "--porcelain") == ""
    assert check_files(after) == []
    done = run("validate", cwd=registry.root)
    assert done.returncode == 0, done.stdout
    with neurogister.open(registry.root) as opened:
        items = opened.list()
        assert {item.id for item in items} == ids
        assert all(item.version == 1 and len(item.versions) == 1 for item in items)
        assert {each.name for each in opened.vendors()} == {
            "subject",
            "toolbox_tests",
            "pipeline_tests",
        }
    again = neurogister.adopt(registry.root, assign_ids=True, commit=True)
    assert (again.changed, again.identifiers, again.commit) == (False, {}, None)


def test_dvc_sees_its_own_pointers(plain):
    dvc(plain.root, "pull", "--quiet")
    assert "up to date" in dvc(plain.root, "status")
    neurogister.adopt(plain.root, assign_ids=True, commit=True)
    assert "up to date" in dvc(plain.root, "status")
    assert "up to date" in dvc(plain.root, "pull")
    assert "in sync" in dvc(plain.root, "status", "--cloud")
    pointer = plain.root / "data/c/a.bin.dvc"
    data = pointer.read_bytes()
    dvc(plain.root, "commit", "--quiet", "--force", "data/c/a.bin.dvc")
    assert Pointer.parse(pointer.read_bytes(), "a.bin.dvc") == Pointer.parse(data, "a.bin.dvc")


def test_without_being_asked_no_pointer_is_touched(plain):
    before = contents(plain.root)
    report = neurogister.adopt(plain.root, name="lab", title="The lab")
    after = contents(plain.root)
    assert {path: after[path] for path in before} == before
    assert set(after) - set(before) == set(report.created)
    assert report.identifiers == {} and report.commit is None
    assert set(plain.git("diff", "--cached", "--name-only").split()) == set(report.created)
    said = (plain.root / "data/c/collection.yaml").read_text()
    assert said.endswith("\ntitle: c\nlicense: NOASSERTION\n")
    assert not (plain.root / "data/.gitkeep").exists()
    with neurogister.open(plain.root) as opened:
        assert opened._session.reader.info().title == "The lab"
    assert not neurogister.adopt(plain.root).changed
    assert neurogister.adopt(plain.root, commit=True).commit
    assert plain.git("status", "--porcelain") == ""


def test_a_dry_run_changes_nothing(plain):
    before = contents(plain.root)
    report = neurogister.adopt(plain.root, assign_ids=True, dry_run=True)
    assert report.changed and len(report.identifiers) == 2
    assert contents(plain.root) == before
    assert plain.git("status", "--porcelain") == ""
    done = neurogister.adopt(plain.root, assign_ids=True)
    assert done.identifiers == report.identifiers  # they follow from place and content


def test_the_ledger_has_the_states_that_git_knows(plain):
    plain.new_version("c/a.bin", b"bbbb")
    plain.commit("Second")
    with neurogister.open(plain.root) as opened:
        before = opened.versions("c/a.bin")
    neurogister.adopt(plain.root, assign_ids=True)
    with neurogister.open(plain.root) as opened:
        item = opened["c/a.bin"]
        assert [(each.version, each.md5, each.size, each.date) for each in item.versions] == [
            (each.version, each.md5, each.size, each.date) for each in before
        ]
        assert (item.version, len(item.versions)) == (2, 2)
        assert item.pointer.digest == item.versions[-1].md5
        assert item.record.created_on == before[0].date


def test_a_pointer_that_is_not_committed_yet_gets_the_present_date(plain):
    plain.add_file("c/new.bin", b"new", record=False)
    report = neurogister.adopt(plain.root, assign_ids=True)
    assert "data/c/new.bin.dvc" in report.identifiers
    with neurogister.open(plain.root) as opened:
        assert opened["c/new.bin"].versions[0].date.endswith("Z")


def test_identifiers_that_were_ever_used_are_not_given_again(plain):
    first = neurogister.adopt(plain.root, assign_ids=True, dry_run=True).identifiers
    taken = str(first["data/c/a.bin.dvc"])
    plain.git("checkout", "--quiet", "-b", "old")
    plain.add_file("c/old.bin", b"old", id=taken.upper())
    plain.commit("Use it")
    plain.git("checkout", "--quiet", "main")
    second = neurogister.adopt(plain.root, assign_ids=True).identifiers
    assert second["data/c/a.bin.dvc"] != first["data/c/a.bin.dvc"]
    assert second["data/c/sub/f.dvc"] == first["data/c/sub/f.dvc"]


def test_the_policy_says_what_they_look_like(plain):
    plain.write("registry.yaml", to_yaml(
        {"name": "x", "title": "X", "policy": {"identifiers": {"auto": True, "type": "uuid"}}}
    ))  # fmt: skip
    plain.commit()
    report = neurogister.adopt(plain.root, assign_ids=True)
    assert all(len(str(each)) == 36 for each in report.identifiers.values())
    assert report.name == "x" and "registry.yaml" in report.kept


@pytest.mark.parametrize(
    "text",
    [
        "outs:\n- md5: {md5}\n  size: 3\n  hash: md5\n  path: p.bin\nmeta:\n  mine: 1 # why\n",
        "# ours\nouts:\n- {{md5: {md5}, size: 3, hash: md5, path: p.bin}}",
        "outs:\n- md5: {md5}\n  size: 3\n  hash: md5\n  path: p.bin\nmeta:\n",
        "outs:\r\n- md5: {md5}\r\n  size: 3\r\n  hash: md5\r\n  path: p.bin\r\n",
        "{{outs: [{{md5: {md5}, size: 3, hash: md5, path: p.bin}}]}}\n",
    ],
)
def test_pointers_that_people_wrote_keep_what_they_say(plain, text):
    data = text.format(md5="0" * 31 + "a").encode()
    plain.write("data/c/p.bin.dvc", data)
    plain.commit()
    report = neurogister.adopt(plain.root, assign_ids=True)
    after = (plain.root / "data/c/p.bin.dvc").read_bytes()
    pointer = Pointer.parse(after, "data/c/p.bin.dvc")
    assert pointer.record.id == report.identifiers["data/c/p.bin.dvc"]
    for words in (b"# why", b"# ours", b"mine: 1"):
        assert (words in data) == (words in after)
    dvc(plain.root, "data", "status")


def test_a_name_in_git_that_no_record_takes_is_left_out(plain):
    plain.write("data/c/p.bin.dvc", to_yaml({"outs": [
        {"md5": "0" * 31 + "a", "size": 3, "hash": "md5", "path": "p.bin"}
    ]}))  # fmt: skip
    plain.git("add", "--all")
    plain.git("commit", "--quiet", "--message", "x", "--author", "=<b>X\u202e <x@example.org>")
    neurogister.adopt(plain.root, assign_ids=True)
    after = {"data/c/p.bin.dvc": (plain.root / "data/c/p.bin.dvc").read_bytes()}
    assert check_files(after) == []


def test_what_does_not_fit_is_told_and_stays(plain):
    root = plain.root
    plain.add_file("c/old.bin", b"old", record=False, legacy=True)
    zeros = {"md5": "0" * 31 + "a", "hash": "md5"}
    plain.write("top.bin.dvc", to_yaml({"outs": [{**zeros, "size": 3, "path": "top.bin"}]}))
    plain.write("data/c/sizeless.bin.dvc", to_yaml({"outs": [{**zeros, "path": "sizeless.bin"}]}))
    plain.write("data/c/A.bin.dvc", to_yaml({"outs": [{**zeros, "size": 3, "path": "A.bin"}]}))
    plain.write("data/c/broken.dvc", "outs: [")
    plain.write(
        "data/c/runs.dvc", f"cmd: touch {root}/ran\nouts:\n- md5: {'a' * 32}\n  path: runs\n"
    )
    plain.write("data/a*b/x.bin.dvc", to_yaml({"outs": [{**zeros, "size": 3, "path": "x.bin"}]}))
    plain.write("data/c/imported.bin.dvc", to_yaml({
        "frozen": True,
        "deps": [{"path": "x", "repo": {"url": "https://example.org", "rev_lock": "0"}}],
        "outs": [{**zeros, "size": 3, "path": "imported.bin"}],
    }))  # fmt: skip
    plain.write("dvc.yaml", f"stages:\n  s:\n    cmd: touch {root}/ran\n    outs: [made]\n")
    plain.write("big.bin", os.urandom(3_000_001))
    (root / "link").symlink_to("/etc/passwd")
    plain.write(".dvc/config.local", "['remote \"x\"']\n    password = hunter2\n")
    plain.git("add", "--all", "--force")
    plain.commit()
    before = contents(root)
    report = neurogister.adopt(root, assign_ids=True)
    wanted = {
        "data/c/old.bin.dvc": "dvc2",
        "top.bin.dvc": "outside",
        "data/c/sizeless.bin.dvc": "no-size",
        "data/c/broken.dvc": "broken",
        "data/c/runs.dvc": "broken",
        "data/a*b/x.bin.dvc": "name",
        "data/c/imported.bin.dvc": "import",
        "dvc.yaml": "pipeline",
        "big.bin": "large",
        "link": "link",
        ".dvc/config.local": "config",
        "data/c": "license",
    }
    for path, rule in wanted.items():
        assert rule in rules(report, path), path
    assert "case" in rules(report)
    assert all(each.message and each.hint for each in report.misfits if each.rule != "config")
    assert "hunter2" not in str(report)
    for path in ("data/c/old.bin.dvc", "data/c/sizeless.bin.dvc", "data/c/broken.dvc"):
        assert path not in report.identifiers
    after = contents(root)
    changed = {path for path in before if after[path] != before[path]}
    assert changed == set(report.identifiers)
    assert not (root / "ran").exists()


def test_a_hostile_configuration_is_told_and_not_obeyed(plain):
    plain.set_config({
        "'remote \"storage\"'": {"bearer_token_command": f"touch {plain.root}/ran"},
        "cache": {"dir": "/tmp/elsewhere"},
        "'remote \"mine\"'": {"url": "https://me:hunter2@example.org/x", "password": "hunter2"},
    })  # fmt: skip
    plain.commit()
    report = neurogister.adopt(plain.root, assign_ids=True)
    told = " ".join(each.message for each in report.misfits if each.rule == "config")
    for word in ("bearer_token_command", "cache.dir", "remote.mine.password", "remote.mine.url"):
        assert word in told, word
    assert "hunter2" not in told
    assert not (plain.root / "ran").exists()


@pytest.mark.parametrize("where", [".dvc", "data", "data/c", "registry.yaml", "schemas"])
def test_links_in_the_place_of_our_files_are_refused(plain, tmp_path, where):
    outside = tmp_path / "outside"
    outside.mkdir()
    place = plain.root / where
    if place.exists():
        place.rename(outside / "moved")
        place.symlink_to(outside / "moved")
    else:
        place.symlink_to(outside)
    before = contents(outside)
    plain.git("add", "--all")
    plain.git("commit", "--quiet", "--message", "Link")
    try:
        neurogister.adopt(plain.root, assign_ids=True, commit=True)
    except RefusedError as error:
        assert str(place) in str(error)
        assert plain.git("status", "--porcelain") == ""
    else:
        assert where == "data/c"  # there is nothing to describe in it then
    assert contents(outside) == before


def test_a_remote_is_taken_only_where_there_is_none(plain, tmp_path):
    with pytest.raises(RefusedError, match="says already where the bytes are"):
        neurogister.adopt(plain.root, remote="s3://bucket/x")
    (plain.root / ".dvc/config").write_text("")
    neurogister.adopt(plain.root, remote="s3://bucket/x")
    assert "url = s3://bucket/x" in (plain.root / ".dvc/config").read_text()


def test_pointers_with_crlf_are_not_called_changed_by_our_attributes(plain):
    plain.git("config", "core.autocrlf", "false")
    pointer = plain.root / "data/c/a.bin.dvc"
    pointer.write_bytes(pointer.read_bytes().replace(b"\n", b"\r\n"))
    plain.commit()
    report = neurogister.adopt(plain.root, commit=True)
    assert ".gitattributes" not in report.created
    assert plain.git("status", "--porcelain") == ""


def test_what_is_no_repository_is_not_adopted(home, tmp_path):
    with pytest.raises(NotFoundError, match="is not a git repository"):
        neurogister.adopt(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_broken_registry_file_is_an_error_and_nothing_changes(plain):
    plain.write("registry.yaml", "name: [")
    plain.commit()
    before = contents(plain.root)
    with pytest.raises(neurogister.InvalidFileError, match=r"registry\.yaml"):
        neurogister.adopt(plain.root, assign_ids=True)
    assert contents(plain.root) == before


def test_what_is_adopted_passes_validation(plain, run):
    dvc(plain.root, "remote", "modify", "storage", "verify", "true")
    plain.commit("Verify")
    report = neurogister.adopt(plain.root, assign_ids=True, commit=True)
    done = run("validate", cwd=plain.root)
    told = {each.rule for each in report.misfits}
    assert done.returncode == 0, f"{done.stdout}\n{told}"


def test_a_hint_can_be_pasted_into_a_shell(plain):
    plain.write("$(touch ran) x.bin", os.urandom(3_000_001))
    plain.commit()
    [one] = [each for each in neurogister.adopt(plain.root).misfits if each.rule == "large"]
    command = one.hint.strip("`").split(" && ")[0]
    subprocess.run(["bash", "-c", command], cwd=plain.root, check=True, capture_output=True)
    assert not (plain.root / "ran").exists()
    assert "x.bin" not in plain.git("ls-files")
