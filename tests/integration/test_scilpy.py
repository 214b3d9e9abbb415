"""What scilpy's tests fetch archives with: real servers, real processes, real interruptions."""

import inspect
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.archives import FILES, Store, archive_store, stripped
from tests.faults import (
    Always,
    Drop,
    First,
    Fraction,
    HtmlPage,
    Status,
    Truncated,
    WrongBytes,
)
from tests.servers import http_server

from neurogister.compat import scilpy
from neurogister.errors import (
    IntegrityError,
    InvalidFileError,
    NotFoundError,
    OfflineError,
    SeveralErrors,
    UsageError,
)


@pytest.fixture
def store(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with archive_store(tmp_path, monkeypatch) as store:
        yield store


# The contract.


def test_names_parameters_and_defaults_are_those_of_scilpy():
    public, package = scilpy.DVC_REPOSITORY, {
        "vendor": inspect.Parameter.empty,
        "package_name": inspect.Parameter.empty,
    }  # fmt: skip
    rest = {
        "local_destination": inspect.Parameter.empty,
        "git_remote_url": public,
        "git_revision": "main",
        "dvc_remote_name": "scil-data",
        "dvc_config_root": None,
    }
    expected = {
        "fetch_data": {"files_dict": inspect.Parameter.empty, "keys": None, "verbose": True},
        "get_testing_files_dict": {},
        "get_home": {},
        "pull_test_case_package": {"package_name": inspect.Parameter.empty},
        "pull_package_from_dvc_repository": package | rest,
        "pull_from_dvc_repository": {"remote_location": inspect.Parameter.empty, **rest},
    }
    for name, parameters in expected.items():
        found = inspect.signature(getattr(scilpy, name)).parameters
        assert {each.name: each.default for each in found.values()} == parameters, name
        assert list(found) == list(parameters)


def test_the_home_is_asked_for_each_time(monkeypatch, tmp_path):
    monkeypatch.setenv("SCILPY_HOME", str(tmp_path / "one"))
    assert scilpy.get_home() == scilpy.SCILPY_HOME == str(tmp_path / "one")
    monkeypatch.setenv("SCILPY_HOME", "~/two")
    assert os.path.expanduser("~/two") == scilpy.SCILPY_HOME
    monkeypatch.delenv("SCILPY_HOME")
    assert scilpy.get_home() == os.path.join(os.path.expanduser("~"), ".scilpy")
    with pytest.raises(AttributeError):
        scilpy.SCILPY_HOUSE  # noqa: B018 - asking is what is tested


def test_an_import_loads_nothing_heavy():
    code = "import sys, neurogister.compat.scilpy; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "zipfile" not in loaded
    assert not {"dvc", "obstore", "urllib3", "git", "yaml", "filelock"} & set(loaded)


@pytest.mark.parametrize("keys", [None, "bundles.zip", ["bundles.zip"], ("bundles.zip",)])
def test_an_archive_becomes_a_folder_of_its_name_without_its_one_folder(store, keys):
    md5 = store.add(FILES)

    assert scilpy.fetch_data({"bundles.zip": md5}, keys) is None

    assert store.tree() == {f"bundles/{name}": data for name, data in stripped(FILES).items()}
    assert sorted(os.listdir(store.home)) == [".neurogister", "bundles"]


def test_an_archive_without_one_folder_is_unpacked_as_it_is(store):
    files = {"a/x": b"1", "b/y": b"2", "z": b"3"}
    scilpy.fetch_data({"mixed.zip": store.add(files)})

    assert store.tree("mixed") == files


def test_only_what_is_wanted_is_fetched_and_that_once(store, caplog):
    archives = {f"{n}.zip": store.add({f"{n}/x": n.encode()}) for n in ("one", "two", "three")}

    scilpy.fetch_data(archives, keys=["one.zip", "three.zip"])
    assert [each for each in os.listdir(store.home) if each[0] != "."] == ["one", "three"] or (
        set(os.listdir(store.home)) == {".neurogister", "one", "three"}
    )
    assert "Downloading and extracting one.zip" in caplog.text
    before = store.downloads
    caplog.clear()
    scilpy.fetch_data(archives, keys=["one.zip", "three.zip"])
    assert store.downloads == before == 2
    assert caplog.text == ""


def test_without_verbose_the_log_is_silent(store, caplog):
    caplog.set_level(logging.WARNING)
    scilpy.fetch_data({"bundles.zip": store.add(FILES)}, verbose=False)

    assert caplog.text == ""


def test_rclone_can_be_the_server(store, monkeypatch):
    md5 = store.add(FILES)
    with http_server(store.objects) as server:
        monkeypatch.setenv("NEUROGISTER_SCILPY_URL", server.url)
        scilpy.fetch_data({"bundles.zip": md5})

    assert store.tree("bundles") == stripped(FILES)
    assert store.downloads == 0


# Wrong words.


@pytest.mark.parametrize(
    "name",
    ["../x.zip", "a/b.zip", "x.tar", ".zip", "..zip", ".neurogister.zip", "C:x.zip", "x\n.zip"],
)
def test_a_name_that_cannot_be_is_refused(store, name):
    with pytest.raises(UsageError, match="cannot be the name"):
        scilpy.fetch_data({name: "0" * 32})
    assert not store.home.exists()


@pytest.mark.parametrize("md5", ["", "../../../../etc/passwd", "0" * 31, "Z" * 32, None, 7])
def test_an_md5_that_cannot_be_is_refused(store, md5):
    with pytest.raises(UsageError, match=r"the md5 of a\.zip cannot be"):
        scilpy.fetch_data({"a.zip": md5})
    assert store.downloads == 0


def test_an_unknown_name_is_told_with_the_known_ones(store):
    with pytest.raises(NotFoundError, match=r"'b\.zip' among: a\.zip"):
        scilpy.fetch_data({"a.zip": "0" * 32}, keys="b.zip")


def test_what_the_server_lacks_is_told(store):
    with pytest.raises(NotFoundError, match=r"a\.zip"):
        scilpy.fetch_data({"a.zip": "0" * 32})
    assert store.tree() == {}


def test_without_network_nothing_is_asked(store, monkeypatch):
    md5 = store.add(FILES)
    monkeypatch.setenv("NEUROGISTER_OFFLINE", "1")

    with pytest.raises(OfflineError, match=r"bundles\.zip"):
        scilpy.fetch_data({"bundles.zip": md5})
    assert store.downloads == 0
    monkeypatch.delenv("NEUROGISTER_OFFLINE")
    scilpy.fetch_data({"bundles.zip": md5})
    monkeypatch.setenv("NEUROGISTER_OFFLINE", "1")
    scilpy.fetch_data({"bundles.zip": md5})
    assert store.tree("bundles") == stripped(FILES)


# Servers and archives that go wrong.


@pytest.mark.parametrize("fault", [WrongBytes(), Truncated(), HtmlPage(), Status(503), Drop()])
def test_what_goes_wrong_once_is_asked_for_again(store, fault):
    md5 = store.add(FILES)
    store.server.rules.append(First(1, fault))

    scilpy.fetch_data({"bundles.zip": md5})

    assert store.tree("bundles") == stripped(FILES)
    assert store.downloads >= 2


def test_a_server_of_which_a_fifth_of_answers_fail_is_good_enough(store):
    archives = {f"a{n}.zip": store.add({"r/x": f"{n}".encode() * 999}) for n in range(12)}
    store.server.rules += [Fraction(0.1, Status(503)), Fraction(0.1, Drop())]

    scilpy.fetch_data(archives)

    assert {store.tree(f"a{n}")["x"] for n in range(12)} == {
        f"{n}".encode() * 999 for n in range(12)
    }


@pytest.mark.parametrize("fault", [WrongBytes(), HtmlPage()])
def test_an_archive_that_is_not_what_its_md5_says_never_gets_here(store, fault, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    md5 = store.add(FILES)
    store.server.rules.append(Always(fault))

    with pytest.raises(IntegrityError, match=r"bundles\.zip"):
        scilpy.fetch_data({"bundles.zip": md5})
    with pytest.raises(ValueError, match=r"bundles\.zip"):  # which scilpy raises
        scilpy.fetch_data({"bundles.zip": md5})
    assert store.tree() == {}


@pytest.mark.parametrize(
    "files",
    [
        b"no archive",
        {"../x": b"1"},
        {"bundles/../../x": b"1"},
        {"/tmp/x": b"1"},
        {"bundles/x": b"1", "bundles/X": b"2"},
        {"bundles/.git/hooks/pre-commit": b"1"},
        {"../.neurogister/x": b"1"},
    ],
)
def test_a_hostile_archive_leaves_nothing(store, files):
    md5 = store.add(files)

    with pytest.raises(InvalidFileError):
        scilpy.fetch_data({"bundles.zip": md5})
    assert store.tree() == {}
    assert os.listdir(store.home) == [".neurogister"]
    assert os.listdir(store.home / ".neurogister/work") == []


def test_one_that_fails_does_not_keep_the_others_from_coming(store):
    archives = {"a.zip": "0" * 32, "b.zip": store.add({"r/x": b"1"}), "c.zip": store.add(b"bad")}

    with pytest.raises(SeveralErrors, match="2 of 3") as caught:
        scilpy.fetch_data(archives)
    assert [each.code for each in caught.value.errors] == ["not-found", "invalid-file"]
    assert store.tree() == {"b/x": b"1"}


def test_a_wrong_word_is_told_before_anything_is_asked(store):
    with pytest.raises(UsageError):
        scilpy.fetch_data({"b.zip": store.add(FILES), "../c.zip": "0" * 32})
    assert store.downloads == 0
    assert not store.home.exists()
