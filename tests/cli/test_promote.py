"""``neurogister promote``: exit status, standard output and standard error."""

import json
import shutil

import pytest


@pytest.fixture
def waiting(registry, tmp_path):
    """A registry of which one object waits in a folder."""
    digests = registry.add_file("mni152/new.bin", b"new bytes", id="new-1")
    path = registry.object_path(digests)
    target = tmp_path / "staging" / digests.key
    target.parent.mkdir(parents=True)
    shutil.move(path, target)
    registry.commit("Add one")
    return registry, digests, tmp_path / "staging"


def test_a_dry_run_says_what_would_be_promoted(invoke, waiting):
    registry, digests, staging = waiting
    result = invoke("promote", "--base", "HEAD~1", "--from", staging, "-n", cwd=registry.root)
    assert result.status == 10
    assert result.rows == [["planned", digests.md5, "9 B", "mni152/new.bin", ""]]
    assert "1 object (9 B) to be promoted" in result.err


def test_promoted_and_then_there(invoke, waiting, tmp_path):
    registry, digests, staging = waiting
    command = ("promote", "--base", "HEAD~1", "--from", staging, "--log", tmp_path / "log")
    result = invoke(*command, cwd=registry.root)
    assert (result.status, result.rows[0][:2]) == (0, ["promoted", digests.md5])
    assert len((tmp_path / "log").read_text().splitlines()) == 1
    again = invoke(*command, "--json", cwd=registry.root)
    commit = registry.git("rev-parse", "HEAD").strip()
    assert again.status == 0
    assert again.json_lines == [
        {
            "format": "neurogister.promote/1",
            "object": digests.md5,
            "name": "mni152/new.bin",
            "size": 9,
            "sha256": digests.sha256,
            "status": "there",
            "from": None,
            "to": str(registry.objects),
            "proof": "size",
            "commit": commit,
        }
    ]
    assert len((tmp_path / "log").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("--base", "nothing"), 3, "not-found"),
        (("--to", "nothing"), 3, "not-found"),
        (("--from", "nothing"), 3, "not-found"),
        (("--from", "storage"), 2, "usage"),
        (("--from", "https://a.example/x?y"), 7, "refused"),
        (("--offline",), 9, "offline"),
        ((), 3, "not-found"),
    ],
)
def test_what_goes_wrong(invoke, waiting, arguments, status, code):
    registry, digests, _ = waiting
    base = () if "--base" in arguments else ("--base", "HEAD~1")
    result = invoke("promote", *base, *arguments, "--json", cwd=registry.root)
    assert (result.status, result.out) == (status, "")
    assert result.error["code"] == code
    assert result.error["hint"]
    assert not registry.object_path(digests).exists()


def test_wrong_bytes_end_with_4(invoke, waiting):
    registry, digests, staging = waiting
    (staging / digests.key).chmod(0o644)
    (staging / digests.key).write_bytes(b"old bytes")
    result = invoke("promote", "--base", "HEAD~1", "--from", staging, cwd=registry.root)
    assert (result.status, result.out) == (4, "")
    assert "mni152/new.bin" in result.err


def test_options_of_submissions_go_with_submit(invoke, registry, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"a")
    for option in ("--staging", "--staging-form", "--bundle", "--push-to"):
        words = ("deposit", tmp_path / "a.bin", "--to", "mni152", option, "x", "--json")
        result = invoke(*words, cwd=registry.root)
        assert (result.status, result.error["code"]) == (2, "usage")


def test_json_of_a_submission_that_is_planned(invoke, registry, tmp_path):
    registry.git("remote", "add", "origin", str(tmp_path / "fork.git"))
    (tmp_path / "a.bin").write_bytes(b"a")
    result = invoke(
        "deposit", tmp_path / "a.bin", "--to", "mni152", "--submit", "--bundle", tmp_path / "b.zip",
        "-n", "--json", cwd=registry.root,
    )  # fmt: skip
    assert result.status == 10, result.err
    last = json.loads(result.lines[-1])
    assert last["format"] == "neurogister.submission/1"
    assert (last["branch"], last["pushed_to"]) == ("submit/mni152-a", "origin")
    assert last["commit"] is None
    assert not (tmp_path / "b.zip").exists()
