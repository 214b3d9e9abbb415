"""Settings: which value wins, and what a wrong one says."""

from pathlib import Path

import pytest

from neurogister import settings as module
from neurogister.actions.configure import change_setting
from neurogister.errors import RefusedError, UsageError
from neurogister.settings import (
    FILE_NAMES,
    NAMES,
    Settings,
    find_project_file,
    load_settings,
    parse_value,
    read_file,
    user_file,
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory below which nothing is set, and a folder for the user's file."""
    for name in NAMES:
        monkeypatch.delenv(f"NEUROGISTER_{name.upper()}", raising=False)
    monkeypatch.setenv("NEUROGISTER_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()
    folder = tmp_path / "project/deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def write_user(text: str) -> Path:
    user_file().write_text(text, encoding="utf-8")
    return user_file()


def write_project(place: Path, text: str) -> Path:
    path = place.parent / "neurogister.toml"
    path.write_text(text, encoding="utf-8")
    return path


# What applies.


def test_without_anything_the_defaults_apply():
    settings = load_settings()
    assert settings == Settings()
    assert settings.origins == {}
    assert (settings.registry, settings.rev, settings.remote, settings.jobs) == (None,) * 4
    assert (settings.timeout, settings.retries, settings.progress) == (30.0, 6, "auto")
    assert not (settings.offline or settings.quiet or settings.verbose)


def test_a_flag_wins_over_environment_project_user_and_default(place, monkeypatch):
    assert load_settings().jobs is None
    user = write_user("jobs = 1\nretries = 1\n")
    assert (load_settings().jobs, load_settings().origins["jobs"]) == (1, str(user))
    project = write_project(place, "jobs = 2\n")
    assert (load_settings().jobs, load_settings().origins["jobs"]) == (2, str(project))
    monkeypatch.setenv("NEUROGISTER_JOBS", "3")
    assert (load_settings().jobs, load_settings().origins["jobs"]) == (3, "environment")
    settings = load_settings(jobs=4, retries=None)
    assert (settings.jobs, settings.origins["jobs"]) == (4, "flag")
    assert (settings.retries, settings.origins["retries"]) == (1, str(user))


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_its_variable(name, monkeypatch):
    value = {"jobs": "3", "timeout": "3", "retries": "3", "verbose": "3", "offline": "on",
             "quiet": "1", "progress": "lines"}.get(name, "somewhere")  # fmt: skip
    monkeypatch.setenv(f"NEUROGISTER_{name.upper()}", value)
    settings = load_settings()
    assert getattr(settings, name) != getattr(Settings(), name)
    assert dict(settings.origins) == {name: "environment"}


def test_an_empty_variable_is_not_set(monkeypatch):
    monkeypatch.setenv("NEUROGISTER_JOBS", "")
    assert load_settings().jobs is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("TRUE", True), ("yes", True), ("On", True),
     ("0", False), ("false", False), ("no", False), ("off", False)],
)  # fmt: skip
def test_yes_and_no_are_understood(monkeypatch, text, value):
    monkeypatch.setenv("NEUROGISTER_OFFLINE", text)
    assert load_settings().offline is value


def test_the_cache_is_an_absolute_path(place, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_CACHE", "cache")
    assert load_settings().cache == place / "cache"
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("USERPROFILE", str(place))
    assert load_settings(cache="~/cache").cache == place / "cache"


def test_the_folders_are_those_of_the_system(monkeypatch, place):
    monkeypatch.delenv("NEUROGISTER_CONFIG_DIR")
    assert user_file().name == "config.toml"
    assert user_file().parent.name == "neurogister"
    assert load_settings().cache.name == "neurogister"


# The project's file.


def test_the_file_of_the_nearest_project_applies(place):
    outer = place.parent / "neurogister.toml"
    assert find_project_file(place) is None
    outer.write_text("")
    assert find_project_file() == outer
    (place / "neurogister.toml").write_text("jobs = 7\n")
    assert find_project_file() == place / "neurogister.toml"
    assert load_settings().jobs == 7


def test_a_project_names_a_registry_as_it_sees_it(place):
    write_project(place, 'registry = "deep"\n')
    assert load_settings().registry == str(place)
    write_project(place, 'registry = "https://example.org/registry"\n')
    assert load_settings().registry == "https://example.org/registry"
    write_project(place, 'registry = "git@example.org:registry"\n')
    assert load_settings().registry == "git@example.org:registry"


def test_a_project_may_not_say_where_files_are_written(place):
    path = write_project(place, 'cache = "/somewhere"\n')
    with pytest.raises(RefusedError, match="sets 'cache'") as caught:
        load_settings()
    assert str(path) in caught.value.message
    with pytest.raises(RefusedError):
        load_settings(cache="elsewhere")


def test_the_default_registry_of_the_user_gives_way_to_the_one_around(place, monkeypatch):
    write_user('registry = "https://example.org/default"\n')
    assert load_settings().registry == "https://example.org/default"
    (place.parent / ".dvc").mkdir()
    assert load_settings().registry is None
    assert "registry" not in load_settings().origins
    assert load_settings(registry="x").registry == "x"
    monkeypatch.setenv("NEUROGISTER_REGISTRY", "y")
    assert load_settings().registry == "y"
    monkeypatch.delenv("NEUROGISTER_REGISTRY")
    (place.parent / ".dvc").rmdir()
    (place / "registry.yaml").write_text("name: x\n")
    assert load_settings().registry is None
    write_project(place, 'registry = "https://example.org/project"\n')
    assert load_settings().registry == "https://example.org/project"


# What is wrong.


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("jobs", "many", "must be a whole number from 1 to 1000, not 'many'"),
        ("jobs", 0, "must be a whole number from 1 to 1000, not 0"),
        ("jobs", 1001, "must be a whole number from 1 to 1000, not 1001"),
        ("jobs", True, "must be a whole number from 1 to 1000, not True"),
        ("jobs", 2.5, "must be a whole number from 1 to 1000, not 2.5"),
        ("retries", -1, "must be a whole number from 0 to 100, not -1"),
        ("timeout", "soon", "must be a number of seconds above 0, not 'soon'"),
        ("timeout", 0, "must be a number of seconds above 0, not 0"),
        ("timeout", "nan", "must be a number of seconds above 0, not 'nan'"),
        ("timeout", True, "must be a number of seconds above 0, not True"),
        ("offline", "maybe", "must be true or false, not 'maybe'"),
        ("offline", 2, "must be true or false, not 2"),
        ("progress", "pie", "must be one of auto, bar, lines, none, not 'pie'"),
        ("remote", 7, "must be text, not 7"),
        ("registry", ["a"], "must be text, not ['a']"),
    ],
)
def test_a_wrong_value_says_where_it_stands(name, value, message, monkeypatch):
    with pytest.raises(UsageError) as caught:
        load_settings(**{name: value})
    assert caught.value.message == f"{name} {message}"
    if isinstance(value, str):
        monkeypatch.setenv(f"NEUROGISTER_{name.upper()}", value)
        with pytest.raises(UsageError) as caught:
            load_settings()
        assert caught.value.message == f"NEUROGISTER_{name.upper()} {message}"
        monkeypatch.delenv(f"NEUROGISTER_{name.upper()}")
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    path = write_user(f"{name} = {text}\n")
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert caught.value.message == f"{name} in {path} {message}"


def test_a_value_that_does_not_win_does_not_matter(monkeypatch):
    monkeypatch.setenv("NEUROGISTER_JOBS", "many")
    assert load_settings(jobs=2).jobs == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"jobs = = 2", "cannot be read: "),
        (b"jobs = '\xff'", "cannot be read: "),
        (b"jbos = 2", "has the unknown setting 'jbos'"),
        (b"rev = 'v1'", "has the unknown setting 'rev'"),
        (b"[jobs]\nx = 1", "jobs in "),
    ],
)
def test_a_broken_file_is_named(content, message):
    user_file().write_bytes(content)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert message in caught.value.message
    assert str(user_file()) in caught.value.message


def test_all_names_have_a_parser_and_a_type():
    assert set(module._PARSERS) == set(NAMES)
    assert set(FILE_NAMES) == set(NAMES) - {"rev"}


# Changing a file.


def test_a_value_is_set_and_the_rest_stays_as_written():
    path = write_user("# head\njobs = 2  # two\n\n[x]\n")
    path.write_text("# head\njobs = 2  # two\n\n# tail\n")
    assert change_setting(path, "jobs", "5") is True
    assert path.read_text() == "# head\njobs = 5  # two\n\n# tail\n"
    assert change_setting(path, "jobs", "5") is False
    assert change_setting(path, "offline", "yes") is True
    assert read_file(path) == {"jobs": 5, "offline": True}
    assert path.read_text().startswith("# head\njobs = 5  # two\n")
    assert change_setting(path, "jobs", None) is True
    assert change_setting(path, "jobs", None) is False
    assert "# head" in path.read_text()
    assert "# tail" in path.read_text()
    assert read_file(path) == {"offline": True}


def test_what_was_set_is_read_back_as_it_was_meant(tmp_path):
    path = tmp_path / "new/folder/config.toml"
    values = {"registry": "C:\\data \"x\" é", "timeout": "2.5", "retries": "0", "quiet": "off",
              "cache": "~/x", "progress": "none"}  # fmt: skip
    for name, value in values.items():
        assert change_setting(path, name, value)
    read = read_file(path)
    assert {name: parse_value(name, value, name) for name, value in read.items()} == {
        name: parse_value(name, value, name) for name, value in values.items()
    }
    assert read["registry"] == values["registry"]


def test_dry_run_changes_nothing(tmp_path):
    path = tmp_path / "config.toml"
    assert change_setting(path, "jobs", "5", dry_run=True) is True
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "value"), [("jbos", "2"), ("jbos", None), ("jobs", "many"), ("rev", "v1")]
)
def test_what_makes_no_sense_is_refused_and_nothing_changes(tmp_path, name, value):
    path = tmp_path / "config.toml"
    with pytest.raises(UsageError):
        change_setting(path, name, value)
    assert not path.exists()


def test_a_wrong_name_can_be_removed():
    path = write_user("jbos = 2\njobs = 2\n")
    assert change_setting(path, "jbos", None) is True
    assert path.read_text() == "jobs = 2\n"


def test_the_nearest_setting_is_suggested(tmp_path):
    with pytest.raises(UsageError) as caught:
        change_setting(tmp_path / "config.toml", "timeuot", "2")
    assert caught.value.hint == "Perhaps timeout?"


def test_a_broken_file_is_not_written_over():
    path = write_user("jobs = = 2\n")
    with pytest.raises(UsageError, match="cannot be read"):
        change_setting(path, "jobs", "2")
    assert path.read_text() == "jobs = = 2\n"
