"""What all commands share: options before and after, settings, help, errors, the end of a run."""

import logging
import re
import sys

import pytest
from tests.servers import git_http_server

import neurogister
from neurogister.cli.group import COMMANDS

EVERYWHERE = ("--registry", "-C", "--rev", "--offline", "--progress", "--quiet", "-q", "--verbose",
              "-v", "--help", "-h")  # fmt: skip
GROUPS = ("cache", "dtype", "export", "lock", "package", "vendor")
PAGES = [
    *([name] for name in COMMANDS if name not in GROUPS),
    *(["cache", name] for name in ("ls", "prune", "verify")),
    *(["dtype", name] for name in ("list", "add")),
    ["export", "manifest"],
]
OWN = {
    "list": ("PATTERN", "--packages", "--vendors", "--collections", "--dtypes", "--archives",
             "--dtype", "--license", "--status", "--json"),
    "info": ("NAME", "--files", "--remote", "--json"),
    "versions": ("NAME", "--json"),
    "diff": ("BEFORE", "AFTER", "--json"),
    "search": ("TEXT", "-k", "--where", "-K", "--where-not", "--dtype", "--digest",
               "--archive", "--created-by", "--license", "--collection",
               "--status", "--kind", "--limit", "--json"),
    "locate": ("NAME", "--stdin", "-@", "--link", "-L", "--null", "-0", "--all", "-a", "--json"),
    "cite": ("NAME", "--format", "--json"),
    "validate": ("--base", "--staged", "--actor", "--scope", "--remote", "--staging", "--format",
                 "--summary", "--fix", "--dry-run", "-n", "--json"),
    "explain": ("RULE", "--json"),
    "vendor list": ("--json",),
    "vendor add": ("NAME", "--department", "--title", "--description", "--maintainer", "--commit",
                   "--dry-run", "-n", "--json"),
    "vendor codeowners": ("--check", "--dry-run", "-n", "--commit", "--json"),
    "vendor move": ("NAME", "--department", "--commit", "--dry-run", "-n", "--json"),
    "package list": ("VENDOR", "--json"),
    "package create": ("VENDOR", "DATASET", "--purpose", "--title", "--description", "--license",
                       "--from-zip", "--to", "--id", "--new-collection", "--allow-duplicate",
                       "--push", "--no-push", "--remote", "-r", "--verify-remote", "--jobs", "-j",
                       "--commit", "--dry-run", "-n", "--json"),
    "package add": ("VENDOR", "DATASET", "--commit", "--dry-run", "-n", "--json"),
    "package remove": ("VENDOR", "MEMBER", "--commit", "--dry-run", "-n", "--json"),
    "package release": ("VENDOR", "VERSION", "--note", "--push", "--no-push", "--remote", "-r",
                        "--verify-remote", "--jobs", "-j", "--commit", "--dry-run", "-n", "--json"),
    "deposit": ("FILE", "--to", "--id", "--auto-id", "--no-auto-id", "--dtype", "-k", "--title",
                "--description", "--license", "--derived-from", "--note", "--metadata", "--stdin",
                "-@", "--new-version", "--new-collection", "--allow-duplicate", "--move", "--push",
                "--no-push", "--remote", "-r", "--verify-remote", "--jobs", "-j", "--commit",
                "--branch", "--submit", "--staging", "--staging-form", "--bundle", "--push-to",
                "--check", "--dry-run", "-n", "--json"),
    "promote": ("--base", "--from", "--to", "--verify-remote", "--log", "--jobs", "-j", "--dry-run",
                "-n", "--json"),
    "modify": ("NAME", "-k", "-K", "--title", "--description", "--license", "--dtype", "--status",
               "--commit", "--dry-run", "-n", "--json"),
    "rename": ("NAME", "NEW", "--new-collection", "--commit", "--dry-run", "-n", "--json"),
    "withdraw": ("NAME", "--reason", "--commit", "--dry-run", "-n", "--json"),
    "dtype list": ("--json",),
    "dtype add": ("NAME", "--title", "--description", "--content-type", "--extension",
                  "--downloadable", "--schema", "--commit", "--dry-run", "-n"),
    "pull": ("NAME", "--into", "--output", "-o", "--remote", "-r", "--jobs", "-j", "--force", "-f",
             "--locked", "--lockfile", "--layout", "--dry-run", "-n", "--json"),
    "export manifest": ("NAME", "--format", "--locked", "--lockfile", "--output", "-o", "--check",
                        "--json"),
    "verify": ("NAME", "--remote", "--from", "-r", "--into", "-o", "--jobs", "-j", "--json"),
    "manifest": ("DIR", "--check", "--manifest", "-m", "--output", "-o", "--md5", "--json"),
    "config": ("NAME", "VALUE", "--unset", "--project", "--dry-run", "-n", "--json"),
    "init": ("DIR", "--remote", "--name", "--title", "--adopt", "--assign-ids", "--commit",
             "--no-commit", "--dry-run", "-n", "--json"),
    "doctor": ("--json",),
    "cache ls": ("--user", "--json"),
    "cache prune": ("--max-size", "--older-than", "--user", "--dry-run", "-n", "--json"),
    "cache verify": ("--remove", "--user", "--json"),
}  # fmt: skip


def test_help_lists_every_command_and_says_where_more_is(invoke, tmp_path):
    result = invoke("--help", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    assert result.lines[0] == "Usage: neurogister [OPTIONS] COMMAND [ARGS]..."
    for name, (_, text) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text[:40])}", result.out, re.MULTILINE), name
    for option in (*EVERYWHERE, "--version", "--install-completion"):
        assert option in result.out
    assert "neurogister COMMAND --help" in result.out
    assert invoke("-h", cwd=tmp_path).out == result.out


@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_help_of_a_command_lists_its_arguments_and_all_options(invoke, tmp_path, page):
    result = invoke(*page, "--help", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    assert result.lines[0].startswith(f"Usage: neurogister {' '.join(page)} [OPTIONS]")
    words = set(re.findall(r"--?(?:[\w-]+|@)|[A-Z]+\b", result.out))
    assert {*EVERYWHERE, *OWN[" ".join(page)]} <= words
    others = {word for word in words if word.startswith("-")} - {*EVERYWHERE, *OWN[" ".join(page)]}
    mentioned = {"--remote"} if page[0] in ("info", "verify", "locate") else set()
    assert others <= mentioned | {"-vv", "-only", "-neuro", "-"}


def test_without_a_command_the_help_is_shown(invoke, tmp_path):
    result = invoke(cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert result.err == invoke("--help", cwd=tmp_path).out


def test_version(invoke, run, tmp_path):
    assert invoke("--version", cwd=tmp_path).out == f"{neurogister.__version__}\n"
    assert run("--version", cwd=tmp_path).stdout == f"{neurogister.__version__}\n"


# Which registry.


def test_the_registry_is_named_before_or_after_the_command(invoke, shared, tmp_path):
    expected = invoke("list", cwd=shared.root).out
    for arguments in (
        ("-C", shared.root, "list"),
        ("list", "-C", shared.root),
        ("--registry", shared.root, "list"),
        (f"--registry={shared.root}", "list"),
        ("list", "--registry", shared.root / "data/mni152"),
        ("-C", "registry/data", "list"),
        ("list", "-C", shared.root.as_uri()),
        ("-C", tmp_path, "list", "-C", shared.root),
    ):
        cwd = shared.root.parent if "registry/data" in arguments else tmp_path
        result = invoke(*arguments, cwd=cwd)
        assert (result.status, result.out) == (0, expected), arguments


def test_the_registry_is_named_by_the_environment(invoke, shared, tmp_path, monkeypatch):
    expected = invoke("list", cwd=shared.root).out
    monkeypatch.setenv("NEUROGISTER_REGISTRY", str(shared.root))
    assert invoke("list", cwd=tmp_path).out == expected
    monkeypatch.setenv("NEUROGISTER_REV", "v1")
    old = invoke("list", cwd=tmp_path)
    assert old.out == invoke("list", "--rev", "v1", cwd=tmp_path).out != expected
    assert invoke("list", "--rev", "main", cwd=tmp_path).out == expected
    monkeypatch.setenv("NEUROGISTER_REGISTRY", str(tmp_path / "nothing"))
    assert invoke("list", cwd=shared.root).status == 3
    assert invoke("list", "-C", ".", "--rev", "main", cwd=shared.root).out == expected


def test_the_default_of_the_user_is_for_other_places(invoke, shared, registry, tmp_path):
    invoke("config", "registry", shared.root, cwd=tmp_path)
    assert invoke("list", "--json", cwd=tmp_path).json["registry"] == str(shared.root)
    here = invoke("list", "--json", cwd=registry.root / "data")
    assert here.json["registry"] == str(registry.root)


def test_the_file_of_a_project_names_its_registry(invoke, shared, tmp_path):
    deep = tmp_path / "project/deep"
    deep.mkdir(parents=True)
    (tmp_path / "project/neurogister.toml").write_text(f'registry = "{shared.root.as_uri()}"\n')
    assert invoke("list", "--json", cwd=deep).json["registry"] == shared.root.as_uri()
    (tmp_path / "project/neurogister.toml").write_text('registry = "../other"\n')
    (tmp_path / "other").symlink_to(shared.root)
    assert invoke("list", cwd=deep).status == 0


def test_a_place_that_is_no_registry_ends_with_3_and_a_hint(invoke, tmp_path):
    for place in (".", tmp_path, tmp_path / "nothing", (tmp_path / "nothing").as_uri()):
        result = invoke("list", "-C", place, cwd=tmp_path)
        assert (result.status, result.out) == (3, "")
        assert result.err.startswith("error: ")
        assert "\nhint: " in result.err
    assert "-C PATH" in invoke("list", cwd=tmp_path).err


@pytest.mark.parametrize("place", ["", "-x", "--upload-pack=touch x", "ext::sh -c touch%20x"])
def test_a_hostile_registry_is_no_command(invoke, tmp_path, place):
    result = invoke("list", f"--registry={place}", cwd=tmp_path)
    assert result.status in (2, 3, 7), result.err
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]


# Errors.


@pytest.mark.parametrize(
    ("arguments", "message", "command"),
    [
        (["lst"], "no such command 'lst'", "neurogister"),
        (["list", "--jsn"], "no such option: --jsn", "neurogister list"),
        (["list", "a", "b"], "got unexpected extra argument", "neurogister list"),
        (["pull", "--jobs"], "option '--jobs' requires an argument", None),
        (["info"], "missing argument 'NAME", "neurogister info"),
        (["cache", "prune", "--older-than", "x"], "invalid value for '--older-than'",
         "neurogister cache prune"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_ends_with_2(invoke, tmp_path, arguments, message, command):
    result = invoke(*arguments, cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    error, hint = result.err.splitlines()
    assert error.lower().startswith(f"error: {message}".lower())
    if command is not None:
        assert hint == f"hint: `{command} --help` tells how to use it."
    shape = invoke(*arguments, "--json", cwd=tmp_path)
    assert (shape.status, shape.out, len(shape.err.splitlines())) == (2, "", 1)
    assert (shape.error["code"], shape.error["status"]) == ("usage", 2)


def test_a_mistyped_command_suggests_the_right_one(invoke, tmp_path):
    result = invoke("pul", cwd=tmp_path)
    assert result.err.splitlines()[0] == "error: no such command 'pul': perhaps 'pull'?"


def test_errors_are_json_with_json(invoke, shared):
    result = invoke("info", "mni-T11", "--json", cwd=shared.root)
    assert (result.status, result.out) == (3, "")
    assert result.error == {
        "code": "not-found",
        "status": 3,
        "message": "there is no dataset or package 'mni-T11'",
        "hint": "Perhaps mni-T1 or mni-t2?",
    }


def test_a_traceback_is_shown_with_vv_only(invoke, shared, monkeypatch):
    for option in ((), ("-v",), ("--verbose",)):
        result = invoke("info", "nothing-like-it", *option, cwd=shared.root)
        assert result.status == 3
        assert "Traceback" not in result.err
    for options in (("-vv",), ("-v", "-v"), ("-qvv",), ("--verbose", "--verbose")):
        result = invoke("info", "nothing-like-it", *options, cwd=shared.root)
        assert result.status == 3
        assert result.err.startswith("Traceback")
        assert "error: there is no dataset or package 'nothing-like-it'" in result.err
    monkeypatch.setenv("NEUROGISTER_VERBOSE", "2")
    assert "Traceback" in invoke("info", "nothing-like-it", cwd=shared.root).err


def test_a_mistake_of_ours_asks_for_a_report(invoke, shared, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oh no")

    monkeypatch.setattr("neurogister.actions.info.describe_targets", broken)
    monkeypatch.delitem(sys.modules, "neurogister.cli.info", raising=False)
    result = invoke("info", "mni-T1", cwd=shared.root)
    assert result.status == 1
    assert result.err.splitlines()[0] == "error: unexpected ZeroDivisionError: oh no"
    assert "Please report it" in result.err
    assert "Traceback" not in result.err
    sys.modules.pop("neurogister.cli.info", None)


def test_quiet_leaves_results_and_errors(invoke, registry, monkeypatch):
    pulled = invoke("pull", "mni-T1", "-q", cwd=registry.root)
    assert (pulled.err, len(pulled.lines)) == ("", 1)
    wrong = invoke("-q", "info", "nothing-like-it", cwd=registry.root)
    assert wrong.err.startswith("error: ")
    registry.write("data/x/broken.wav.dvc", "outs: 1\n")
    assert invoke("list", "-q", cwd=registry.root).err.startswith("warning: data/x/broken.wav.dvc")
    monkeypatch.setenv("NEUROGISTER_QUIET", "yes")
    assert invoke("list", "zzz*", cwd=registry.root).err == ""


def test_a_wrong_setting_names_where_it_stands(invoke, shared, home, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_JOBS", "many")
    result = invoke("list", cwd=shared.root)
    assert (result.status, result.err) == (
        2, "error: NEUROGISTER_JOBS must be a whole number from 1 to 1000, not 'many'\n"
    )  # fmt: skip
    assert invoke("pull", "gone-1", "--jobs", "2", cwd=shared.root).status == 7  # the flag wins
    monkeypatch.delenv("NEUROGISTER_JOBS")
    wrong = invoke("list", "--progress", "pie", cwd=shared.root)
    assert wrong.err == "error: progress must be one of auto, bar, lines, none, not 'pie'\n"


def test_verbose_tells_what_the_library_logs(invoke, shared, monkeypatch):
    def look(self):
        logging.getLogger("neurogister.registry.reader").debug("looked at %s", self.url)
        return []

    monkeypatch.setattr("neurogister.registry.reader.Reader.vendors", look)
    silent = invoke("list", "--vendors", cwd=shared.root)
    loud = invoke("list", "--vendors", "-v", cwd=shared.root)
    assert loud.err == f"looked at {shared.root}\n{silent.err}"


# Completion, as the shells ask for it.


@pytest.fixture
def complete(invoke, monkeypatch):
    def complete(cwd, *words):
        monkeypatch.setenv("_NEUROGISTER_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["neurogister", *map(str, words)]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        result = invoke(cwd=cwd)
        assert (result.status, result.err) == (0, "")
        return result.out.split()

    return complete


def test_completion_knows_commands_options_and_values(complete, shared):
    assert complete(shared.root, "ver") == ["versions", "verify"]
    assert complete(shared.root, "cache", "p") == ["prune"]
    assert complete(shared.root, "pull", "--off") == ["--offline"]
    assert complete(shared.root, "list", "--progress", "l") == ["lines"]
    assert complete(shared.root, "config", "re") == ["registry", "rev", "remote", "retries"]


def test_completion_knows_the_names_of_the_registry(complete, shared, tmp_path, monkeypatch):
    names = ["mni-T1", "mni-t2", "mni152/t1.nii.gz", "mni152/t2.nii.gz"]
    for command in ("info", "pull", "verify", "locate", "versions", "diff"):
        assert complete(shared.root, command, "mni") == names
    assert complete(shared.root, "list", "mni") == sorted([*names, "mni152/"])
    assert complete(shared.root, "pull", "data/mni") == [f"data/{name}" for name in names[2:]]
    assert complete(shared.root, "pull", "mni-T1", "lab") == ["lab/tests"]
    assert complete(tmp_path, "info", "-C", shared.root, "old-") == ["old-1"]
    assert complete(tmp_path, "-C", shared.root, "info", "old-") == ["old-1"]
    assert complete(shared.root, "info", "--rev", "v1", "old-") == []
    assert complete(tmp_path, "info", "m") == []
    monkeypatch.setenv("NEUROGISTER_REGISTRY", str(shared.root))
    assert complete(tmp_path, "info", "old-") == ["old-1"]


def test_completion_never_uses_the_network(complete, shared, tmp_path):
    with git_http_server(tmp_path / "git") as server:
        url = server.publish(shared.root)
        assert complete(tmp_path, "info", "-C", url, "m") == []
        assert server.connections == 0


def test_completion_is_installed_for_each_shell(run, tmp_path):
    for shell, word in (("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --")):
        done = run(cwd=tmp_path, _NEUROGISTER_COMPLETE=f"source_{shell}")
        assert word in done.stdout
        assert "_NEUROGISTER_COMPLETE" in done.stdout
