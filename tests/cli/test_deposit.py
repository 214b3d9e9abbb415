"""``neurogister deposit``."""

import hashlib
import io
import sys

import pytest
from tests.cli.conftest import snapshot

from neurogister.cli import deposit as command

KEYS = [
    "format", "id", "file", "name", "version", "pointer", "md5", "sha256", "sha1", "blake3", "size",
    "nfiles", "status", "remote", "stored", "proof",
]  # fmt: skip


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "new.wav").write_bytes(b"new sound")
    (folder / "other.wav").write_bytes(b"other sound")
    (folder / "scan").mkdir()
    (folder / "scan" / "a.txt").write_bytes(b"a")
    return folder


def deposit(invoke, registry, *arguments):
    return invoke("deposit", *arguments, "--no-push", cwd=registry.root)


def test_says_what_became_of_each(invoke, registry, inbox):
    result = deposit(invoke, registry, inbox / "new.wav", inbox / "scan", "--to", "scans")
    assert result.status == 0
    assert result.rows == [
        ["deposited", "new", "scans/new.wav", "1", "9 B", str(inbox / "new.wav"), ""],
        ["deposited", "scan", "scans/scan", "1", "1 B", str(inbox / "scan"), ""],
    ]
    assert "2 deposited" in result.err
    assert "not pushed: as asked; `dvc push` brings it to a remote" in result.err
    assert "staged 4 files: `git commit` makes it history" in result.err


def test_json_has_a_line_for_each(invoke, registry, inbox):
    names = (inbox / "new.wav", inbox / "scan")
    lines = deposit(invoke, registry, *names, "--to", "scans", "--json").json_lines
    assert [list(line) for line in lines] == [KEYS, KEYS]
    data = b"new sound"
    assert lines[0] == {
        "format": "neurogister.deposit/1", "id": "new", "file": str(inbox / "new.wav"),
        "name": "scans/new.wav", "version": 1, "pointer": "data/scans/new.wav.dvc",
        "md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest(),
        "sha1": None, "blake3": None, "size": 9, "nfiles": None, "status": "deposited",
        "remote": None, "stored": None, "proof": None,
    }  # fmt: skip
    assert (lines[1]["nfiles"], lines[1]["md5"][-4:]) == (1, ".dir")


def test_all_that_can_be_said(invoke, registry, inbox):
    result = deposit(
        invoke, registry, inbox / "new.wav", "--to", "scans/sub", "--id", "Mine", "--dtype",
        "audio", "-k", "age=6", "-k", "deep.key=true", "-k", 'code="007"', "--title", "T",
        "--description", "D", "--license", "MIT", "--derived-from", "x", "--derived-from", "y",
        "--note", "first", "--commit",
    )  # fmt: skip
    assert result.status == 0, result.err
    assert "committed 2 files as " in result.err
    info = invoke("info", "mine", "--json", cwd=registry.root).out
    for text in ('"age": 6', '"key": true', '"code": "007"', '"T"', '"D"', '"MIT"', '"first"'):
        assert text in info
    subject = registry.git("log", "-1", "--format=%s").strip()
    assert subject == "Deposit Mine in scans/sub"


def test_names_from_standard_input(invoke, registry, inbox, monkeypatch):
    names = f"{inbox}/new.wav\n\n{inbox}/other.wav\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(names.encode())))
    result = deposit(invoke, registry, "-@", "--to", "scans")
    assert result.status == 0, result.err
    assert [row[1] for row in result.rows] == ["new", "other"]


def test_a_table(invoke, registry, inbox):
    table = inbox / "table.csv"
    table.write_text("file,id,age\nnew.wav,first,6\nother.wav,second,7\n")
    result = deposit(invoke, registry, "--to", "scans", "--metadata", table)
    assert [row[1] for row in result.rows] == ["first", "second"]


def test_made_up_identifiers(invoke, registry, inbox):
    [row] = deposit(invoke, registry, inbox / "new.wav", "--to", "scans", "--auto-id").rows
    assert len(row[1]) == 8
    assert row[2] == f"scans/{row[1]}.wav"


def test_a_new_version(invoke, registry, inbox):
    result = deposit(invoke, registry, inbox / "new.wav", "--new-version", "old-1")
    assert result.rows[0][:4] == ["deposited", "old-1", "old/first.wav", "2"]


def test_check_tells_what_the_pull_request_would_be_told(invoke, registry, inbox):
    said = (inbox / "new.wav", "--to", "scans", "--dtype", "audio", "--title", "<b>New")
    result = deposit(invoke, registry, *said, "--check")
    assert result.status == 1
    assert result.lines[1].startswith("data/scans/new.wav.dvc:")
    assert result.lines[1].endswith("[schema]")
    assert "2 problems; 2 files checked" in result.err
    lines = deposit(invoke, registry, *said, "--check", "--json").json_lines
    assert [each["format"] for each in lines] == ["neurogister.deposit/1"] + 2 * [
        "neurogister.validate/1"
    ]
    assert deposit(invoke, registry, *said, "--check", "--dry-run").status == 1


@pytest.mark.parametrize("option", ["--dry-run", "-n", "--check"])
def test_dry_run(invoke, registry, inbox, option):
    before = snapshot(registry.root / "data", inbox)
    dtype = ("--dtype", "audio")
    result = deposit(invoke, registry, inbox / "new.wav", "--to", "scans", option, *dtype)
    assert result.status == (0 if option == "--check" else 10), result.err
    assert result.rows[0][:3] == ["planned", "new", "scans/new.wav"]
    assert snapshot(registry.root / "data", inbox) == before
    deposit(invoke, registry, inbox / "new.wav", "--to", "scans", *dtype)
    again = deposit(invoke, registry, inbox / "new.wav", "--to", "scans", option, *dtype)
    assert again.status == 0, "nothing would change"
    assert again.rows[0][0] == "unchanged"


def test_move_and_quiet(invoke, registry, inbox):
    result = deposit(invoke, registry, inbox / "new.wav", "--to", "scans", "--move", "-q")
    assert result.status == 0
    assert "deposited" not in result.err
    assert not (inbox / "new.wav").exists()


def test_push(invoke, registry, inbox):
    registry.remote_url(registry.root.parent / "remote")
    arguments = ("deposit", inbox / "new.wav", "--to", "scans", "--json")
    [line] = invoke(*arguments, cwd=registry.root).json_lines
    assert (line["remote"], line["stored"]) == ("storage", "stored")
    [line] = invoke(*arguments, "--verify-remote", cwd=registry.root).json_lines
    assert (line["status"], line["stored"], line["proof"]) == ("unchanged", "there", "content")
    result = invoke(*arguments, "--remote", "nowhere", "--push", cwd=registry.root)
    assert result.status == 3
    assert "nowhere" in result.err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["{in}/new.wav"], 2, ["--to COLLECTION"]),
        (["--to", "scans"], 2, ["nothing is named"]),
        (["{in}/absent", "--to", "scans"], 3, ["there is no file or folder", "absent"]),
        (["{in}/new.wav", "--to", "scams"], 3, ["no collection 'scams'", "--new-collection"]),
        (["{in}/new.wav", "--to", "scans", "--dtype", "wav"], 3, ["no dtype 'wav'", "dtype add"]),
        (["{in}/new.wav", "--to", "scans", "-k", "age"], 2, ["KEY=VALUE"]),
        (["{in}/new.wav", "--to", "scans", "--id", "a b"], 2, ["is not an identifier"]),
        (["{in}/new.wav", "{in}/other.wav", "--to", "c", "--id", "x"], 2, ["`--id` is for one"]),
        (["{in}/new.wav", "--to", "scans", "--id", "GONE-1"], 7, ["identifier", "old/gone.wav"]),
        (["{in}/new.wav", "--to", "scans", "--id", "DWI1"], 7, ["never changes its meaning"]),
        (["{in}/new.wav", "--new-version", "gone-1"], 7, ["withdrawn"]),
        (["{in}/new.wav", "--new-version", "dwi1"], 7, ["is a folder, and this is a file"]),
        (["{in}/new.wav", "--new-version", "absent"], 3, ["absent"]),
        (["{in}/new.wav", "--to", "scans", "--metadata", "{in}/bad.csv"], 4, ["bad.csv", "line"]),
        (["{in}/new.wav", "--to", "scans", "--rev", "HEAD"], 7, ["cannot be changed"]),
        (["{in}/new.wav", "--to", "scans", "--branch", "a..b"], 2, ["name of a branch"]),
    ],
)  # fmt: skip
def test_errors(invoke, registry, inbox, arguments, status, words):
    (inbox / "bad.csv").write_text("id\nx\n")
    before = snapshot(registry.root / "data", registry.root / ".git" / "refs", inbox)
    result = deposit(invoke, registry, *(word.replace("{in}", str(inbox)) for word in arguments))
    assert result.status == status, result.err
    assert result.out == ""
    for word in words:
        assert word in " ".join(result.err.split())
    assert snapshot(registry.root / "data", registry.root / ".git" / "refs", inbox) == before


def test_errors_are_json_with_json(invoke, registry, inbox):
    result = deposit(invoke, registry, inbox / "new.wav", "--to", "scans", "--id", "dwi1", "--json")
    assert result.status == 7
    assert "dwi1" in result.error["message"]


def test_the_shape_is_complete():
    fields = set(command.Deposited.__dataclass_fields__)
    assert fields | {"format"} == set(KEYS)


def test_completion(complete, shared):
    assert complete(shared.root, "deposit", "--to", "m") == ["mni152"]
    assert complete(shared.root, "deposit", "--to", "") == ["mni152", "old", "scans"]
    assert complete(shared.root, "deposit", "--dtype", "d") == ["dwi"]
    assert "mni-T1" in complete(shared.root, "deposit", "--new-version", "mni-")


def test_every_option_has_its_help(invoke, tmp_path):
    out = invoke("deposit", "--help", cwd=tmp_path).out
    for option in (
        "--to", "--id", "--auto-id", "--dtype", "-k", "--metadata", "-@", "--new-version",
        "--new-collection", "--allow-duplicate", "--move", "--push", "--verify-remote", "--commit",
        "--branch", "--check", "--dry-run", "--json",
    ):  # fmt: skip
        assert option in out
