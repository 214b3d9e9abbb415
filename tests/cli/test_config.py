"""``neurogister config``."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def user_file(home: Path) -> Path:
    return home / "config" / "config.toml"


def test_shows_all_settings_and_where_they_come_from(invoke, home, user_file, tmp_path):
    user_file.parent.mkdir(parents=True)
    user_file.write_text("jobs = 4\n")
    (tmp_path / "neurogister.toml").write_text('remote = "mirror"\n')
    result = invoke("config", "--offline", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    assert result.rows == [
        ["registry", "", "default"],
        ["rev", "", "default"],
        ["cache", str(home / "cache"), "environment"],
        ["cache_layers", "", "default"],
        ["remote", "mirror", str(tmp_path / "neurogister.toml")],
        ["jobs", "4", str(user_file)],
        ["offline", "true", "flag"],
        ["timeout", "30.0", "default"],
        ["retries", "6", "default"],
        ["progress", "auto", "default"],
        ["quiet", "false", "default"],
        ["verbose", "0", "default"],
    ]


def test_shows_one_value_for_scripts(invoke, home, tmp_path):
    assert invoke("config", "cache", cwd=tmp_path).out == f"{home / 'cache'}\n"
    assert invoke("config", "registry", cwd=tmp_path).out == "\n"
    assert invoke("config", "offline", cwd=tmp_path).out == "false\n"
    shape = invoke("config", "jobs", "--json", cwd=tmp_path).json
    assert shape == {
        "format": "neurogister.config/1", "settings": {"jobs": {"value": None, "origin": "default"}}
    }  # fmt: skip
    everything = invoke("config", "--json", cwd=tmp_path).json["settings"]
    assert json.loads(json.dumps(everything))["cache"] == {
        "value": str(home / "cache"), "origin": "environment"
    }  # fmt: skip


def test_sets_and_unsets_and_keeps_comments(invoke, user_file, tmp_path):
    first = invoke("config", "jobs", "4", cwd=tmp_path)
    assert (first.status, first.out, first.err) == (0, "", f"{user_file}: jobs = 4\n")
    assert user_file.read_text() == "jobs = 4\n"
    user_file.write_text("# mine\njobs = 4 # not more\n\n# for the train\noffline = true\n")
    assert invoke("config", "jobs", "8", cwd=tmp_path).status == 0
    assert user_file.read_text() == (
        "# mine\njobs = 8 # not more\n\n# for the train\noffline = true\n"
    )
    gone = invoke("config", "--unset", "jobs", cwd=tmp_path)
    assert (gone.status, gone.err) == (0, f"{user_file}: jobs removed\n")
    assert "# for the train\noffline = true\n" in user_file.read_text()
    assert "jobs" not in user_file.read_text()
    again = invoke("config", "--unset", "jobs", cwd=tmp_path)
    assert (again.status, again.err) == (0, f"{user_file}: nothing to change\n")


def test_values_are_kept_in_their_type(invoke, user_file, tmp_path):
    for name, value in {"offline": "yes", "timeout": "12.5", "retries": "0"}.items():
        assert invoke("config", name, value, cwd=tmp_path).status == 0
    assert user_file.read_text() == "offline = true\ntimeout = 12.5\nretries = 0\n"


def test_project_changes_the_file_of_the_project(invoke, user_file, tmp_path):
    deep = tmp_path / "project/deep"
    deep.mkdir(parents=True)
    file = tmp_path / "project/neurogister.toml"
    assert invoke("config", "--project", "jobs", "2", cwd=file.parent).status == 0
    assert invoke("config", "--project", "remote", "mirror", cwd=deep).status == 0
    assert file.read_text() == 'jobs = 2\nremote = "mirror"\n'
    assert not user_file.exists()
    assert invoke("config", "remote", cwd=deep).out == "mirror\n"
    refused = invoke("config", "--project", "cache", "x", cwd=deep)
    assert (refused.status, refused.err.splitlines()[0]) == (
        2, "error: a project may not decide where the cache is"
    )  # fmt: skip


def test_dry_run_ends_with_10_if_something_would_change(invoke, user_file, tmp_path):
    would = invoke("config", "jobs", "4", "--dry-run", cwd=tmp_path)
    assert (would.status, would.err) == (10, f"{user_file}: jobs = 4 (not done: --dry-run)\n")
    assert not user_file.exists()
    assert invoke("config", "jobs", "4", cwd=tmp_path).status == 0
    same = invoke("config", "jobs", "4", "-n", cwd=tmp_path)
    assert (same.status, same.err) == (0, f"{user_file}: nothing to change\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["jobz"], "there is no setting 'jobz'"),
        (["jobz", "4"], "there is no setting 'jobz'"),
        (["--unset", "jobz"], "there is no setting 'jobz'"),
        (["jobs", "many"], "jobs must be a whole number from 1 to 1000, not 'many'"),
        (["offline", "maybe"], "offline must be true or false, not 'maybe'"),
        (["timeout", "0"], "timeout must be a number of seconds above 0, not '0'"),
        (["progress", "pie"], "progress must be one of auto, bar, lines, none, not 'pie'"),
        (["rev", "v1"], "'rev' is not kept in a file: a revision belongs to one call"),
        (["--unset"], "say which setting, and its value or `--unset`"),
        (["--unset", "jobs", "4"], "say which setting, and its value or `--unset`"),
        (["--project", "jobs"], "say which setting, and its value or `--unset`"),
    ],
)
def test_what_makes_no_sense_ends_with_2_and_changes_nothing(
    invoke, user_file, tmp_path, arguments, message
):
    result = invoke("config", *arguments, cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert result.err.splitlines()[0] == f"error: {message}"
    assert not user_file.exists()


def test_a_file_with_a_wrong_name_is_mended_by_unset(invoke, user_file, tmp_path):
    user_file.parent.mkdir(parents=True)
    user_file.write_text("jbos = 4\noffline = true\n")
    broken = invoke("config", cwd=tmp_path)
    assert broken.status == 2
    assert broken.err.startswith(f"error: {user_file} has the unknown setting 'jbos'\n")
    assert invoke("config", "--unset", "jbos", cwd=tmp_path).status == 0
    assert invoke("config", "offline", cwd=tmp_path).out == "true\n"


def test_a_file_that_is_no_toml_is_named_and_kept(invoke, user_file, tmp_path):
    user_file.parent.mkdir(parents=True)
    user_file.write_text("jobs = = 4\n")
    for arguments in ((), ("jobs", "4"), ("--unset", "jobs")):
        result = invoke("config", *arguments, cwd=tmp_path)
        assert result.status == 2
        assert result.err.startswith(f"error: {user_file} cannot be read: ")
        assert result.err.endswith("hint: Mend or remove it.\n")
    assert user_file.read_text() == "jobs = = 4\n"
