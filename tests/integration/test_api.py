"""neurogister from Python: the same verbs as on the command line."""

import ast
import hashlib
import inspect
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest
from tests.cli.conftest import build_registry
from tests.conftest import delivered_files
from tests.faults import FaultServer, Slow
from tests.servers import git_http_server

import neurogister
from neurogister import errors
from neurogister.cli.errors import STATUS

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """For looking at only."""
    return build_registry(tmp_path_factory.mktemp("shared") / "registry")


@pytest.fixture
def registry(tmp_path):
    """For pulling into."""
    return build_registry(tmp_path / "registry")


def md5(path):
    return hashlib.md5(Path(path).read_bytes()).hexdigest()


# Opening.


def test_a_registry_is_opened_by_any_path_in_it(shared, monkeypatch):
    head = shared.git("rev-parse", "HEAD").strip()
    for place in (shared.root, str(shared.root), shared.root / "data/mni152", shared.root.as_uri()):
        with neurogister.open(place) as registry:
            assert registry.commit == head
            assert len(registry) == 7
    monkeypatch.chdir(shared.root / "data")
    with neurogister.open() as registry:
        assert registry.url == str(shared.root)
        assert repr(registry) == f"<Registry {shared.root} at {head}>"


def test_a_registry_is_opened_at_any_revision(shared):
    for rev in ("v1", "HEAD~1", shared.git("rev-parse", "v1").strip()):
        with neurogister.open(shared.root, rev) as registry:
            assert registry["mni-T1"].version == 1
            assert "old-1" not in registry


def test_settings_of_the_user_apply_and_arguments_win(shared, monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROGISTER_REV", "v1")
    monkeypatch.setenv("NEUROGISTER_REGISTRY", str(tmp_path / "nothing"))
    with neurogister.open(shared.root) as registry:
        assert registry["mni-T1"].version == 1
    with neurogister.open(shared.root, rev="main", cache=tmp_path / "own") as registry:
        assert registry["mni-T1"].version == 2
    assert (tmp_path / "own/index").is_dir()
    with pytest.raises(neurogister.UsageError, match="jobs must be a whole number"):
        neurogister.open(shared.root, jobs=0)


def test_closing_lets_go_and_may_be_done_twice(shared):
    registry = neurogister.open(shared.root)
    assert registry.list()
    registry.close()
    registry.close()


# Looking.


def test_a_registry_is_a_collection_of_datasets(shared):
    with neurogister.open(shared.root) as registry:
        names = [item.name for item in registry]
        assert names == [item.name for item in registry.list()]
        assert len(registry) == len(names) == 7
        assert [item.name for item in registry.list("mni152")] == [
            "mni152/t1.nii.gz", "mni152/t2.nii.gz"
        ]  # fmt: skip
        assert [item.id for item in registry.list("*.wav")] == ["old-1", "gone-1", None]
        assert [item.name for item in registry.packages()] == ["lab/tests"]
        assert [vendor.name for vendor in registry.vendors()] == ["lab"]
        assert [(each.name, each.datasets) for each in registry.collections()] == [
            ("mni152", 2), ("old", 3), ("scans", 2)
        ]  # fmt: skip


def test_one_dataset_is_had_by_any_of_its_names(shared):
    with neurogister.open(shared.root) as registry:
        for name in ("mni-T1", "MNI-t1", "mni152/t1.nii.gz", "data/mni152/t1.nii.gz", "mni-T1@1"):
            item = registry[name]
            assert isinstance(item, neurogister.Dataset)
            assert (item.name, item.id, item.version) == ("mni152/t1.nii.gz", "mni-T1", 2)
            assert name in registry
        for name in ("mni-T11", "mni-T1@9", "zzz*"):
            with pytest.raises(LookupError):
                registry[name]
        with pytest.raises(ValueError, match="stands for 2"):
            registry["mni152/*"]
        assert "mni-T11" not in registry
        assert "mni152/*" in registry
        assert 7 not in registry
        assert registry["lab/tests"].members[0].dataset == "mni-T1"


def test_info_versions_and_diff(shared):
    with neurogister.open(shared.root) as registry:
        folder, file = registry.info(["dwi1", "mni-T1@1"])
        assert [entry.path for entry in folder.files] == sorted(shared.find("dwi1").digests.files)
        assert (folder.cached, folder.work_tree) == (False, None)
        assert file.selection.version == "1"
        assert list(file.remotes.values()) == ["unknown"]
        (asked,) = registry.info("mni-T1", ask_remotes=True)
        assert list(asked.remotes.values()) == ["present"]
        assert [each.note for each in registry.versions("mni-T1")] == [None, "straightened"]
        difference = registry.diff("dwi1@1", "dwi1@2")
        assert [entry.path for entry in difference.added] == ["extra/other.txt"]
        assert [entry.path for entry in difference.removed] == ["extra/note.txt"]
        assert [old.path for old, _ in difference.changed] == ["dwi.bvec", "dwi.nii.gz"]
        assert difference.same == 2
        with pytest.raises(ValueError, match="not versions of one dataset"):
            registry.diff("mni-T1", "dwi1")


# Bringing and checking.


def test_pull_locate_verify(registry):
    place = registry.root / "data/mni152/t1.nii.gz"
    with neurogister.open(registry.root) as opened:
        (located,) = opened.locate("mni-T1")
        assert located.path is None
        assert [copy.kind for copy in located.copies] == ["remote"]
        planned = opened.pull("mni-T1", dry_run=True)
        assert planned.changes
        assert not place.exists()
        report = opened.pull("mni-T1")
        assert isinstance(report, neurogister.PullReport)
        (pulled,) = report.pulled
        assert (pulled.name, pulled.path, pulled.status) == ("mni152/t1.nii.gz", place, "pulled")
        assert opened.pull("mni-T1").pulled[0].status == "unchanged"
        (located,) = opened.locate("mni-T1")
        assert located.path == place
        assert [verdict.status for verdict in opened.verify("mni-T1")] == ["ok"]
        assert {verdict.status for verdict in opened.verify("mni-T1", remote=True)} == {"ok"}
        assert len(opened.pull().pulled) == 6
        assert {verdict.status for verdict in opened.verify()} == {"ok"}


def test_pull_into_a_folder(shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with neurogister.open(shared.root) as registry:
        report = registry.pull(["mni-T1@1", "dwi1:*.bval"], into="data")
        assert report.pulled[0].path == tmp_path / "data/mni152/t1.nii.gz"
    assert sorted(delivered_files(tmp_path / "data")) == [
        "mni152/t1.nii.gz", "scans/sub-01/dwi/dwi.bval"
    ]  # fmt: skip


def test_what_fails_is_in_the_report_or_raised(registry, tmp_path):
    registry.object_path(registry.find("mni-T1").digests).write_bytes(b"wrong")
    registry.object_path(registry.find("mni-t2").digests).unlink()
    with neurogister.open(registry.root) as opened:
        report = opened.pull(["mni-T1", "mni-t2", "dwi1"], into=tmp_path / "out")
        assert [one.status for one in report.pulled] == ["failed", "failed", "pulled"]
        assert [type(error) for error in report.errors] == [
            neurogister.IntegrityError, neurogister.NotFoundError
        ]  # fmt: skip
        with pytest.raises(neurogister.IntegrityError, match="mni152/t1"):
            opened.pull(["mni-T1", "dwi1"], into=tmp_path / "out", check=True)
        with pytest.raises(neurogister.SeveralErrors) as caught:
            opened.pull(["mni-T1", "mni-t2"], into=tmp_path / "out", check=True)
        assert [type(each) for each in caught.value.errors] == [
            neurogister.IntegrityError, neurogister.NotFoundError
        ]  # fmt: skip


def test_progress_is_told(registry):
    class Told:
        def __init__(self):
            self.files = self.size = 0
            self.activities = []
            self.said = []

        def start(self, activity, *, files, size):
            self.activities.append(activity)

        def advance(self, *, files=0, size=0):
            self.files += files
            self.size += size

        def finish(self):
            pass

        def say(self, message):
            self.said.append(message)

        warn = say

    told = Told()
    with neurogister.open(registry.root, progress=told) as opened:
        opened.pull("dwi1")
    assert told.activities
    assert told.files >= 5
    assert told.size >= registry.find("dwi1").digests.size
    assert told.said[0].startswith("5 files to put in place")


# fetch: one line for a test.


@pytest.fixture
def server(tmp_path):
    with git_http_server(tmp_path / "git") as server:
        yield server


def test_fetch_brings_one_thing_and_returns_its_path(shared, tmp_path):
    package = neurogister.fetch("lab/tests@1.0.0", registry=shared.root)
    assert sorted(path.name for path in package.iterdir()) == ["bvals", "t1.nii.gz"]
    newer = neurogister.fetch("lab/tests", registry=str(shared.root))
    assert newer != package
    assert (newer / "dwi/dwi.bval").is_file()
    part = neurogister.fetch("lab/tests:dwi/dwi.bval", registry=shared.root)
    assert part.read_bytes() == (newer / "dwi/dwi.bval").read_bytes()
    file = neurogister.fetch("mni-T1", registry=shared.root)
    assert md5(file) == shared.find("mni-T1").digests.md5
    old = neurogister.fetch("mni-T1", registry=shared.root, rev="v1")
    assert old == neurogister.fetch("mni-T1@1", registry=shared.root)
    assert old != file
    into = neurogister.fetch("mni-T1", registry=shared.root, into=tmp_path / "here")
    assert into == tmp_path / "here/mni152/t1.nii.gz"
    assert not (shared.root / "data/mni152/t1.nii.gz").exists()


def test_fetch_finds_the_registry_as_the_command_does(shared, monkeypatch):
    monkeypatch.chdir(shared.root / "data")
    path = neurogister.fetch("mni-T1")
    monkeypatch.chdir(shared.root.parent)
    with pytest.raises(neurogister.NotFoundError):
        neurogister.fetch("mni-T1")
    monkeypatch.setenv("NEUROGISTER_REGISTRY", str(shared.root))
    assert neurogister.fetch("mni-T1") == path


def test_fetch_again_changes_nothing_and_works_offline(shared, server):
    url = server.publish(shared.root)
    path = neurogister.fetch("lab/tests@1.0.0", registry=url)
    before = {each: each.stat().st_mtime_ns for each in path.rglob("*")}
    assert neurogister.fetch("lab/tests@1.0.0", registry=url) == path
    assert {each: each.stat().st_mtime_ns for each in path.rglob("*")} == before
    server.stop()
    assert neurogister.fetch("lab/tests@1.0.0", registry=url, offline=True) == path
    with pytest.raises(neurogister.NetworkError):
        neurogister.fetch("lab/tests@1.0.0", registry=url)
    with pytest.raises(neurogister.OfflineError):
        neurogister.fetch("mni-t2", registry=url, offline=True)


def test_a_fetched_file_that_was_changed_is_not_passed_on(shared):
    path = neurogister.fetch("mni-T1", registry=shared.root)
    path.chmod(0o644)
    path.write_bytes(b"changed by a test")
    with pytest.raises(neurogister.RefusedError, match="changed here"):
        neurogister.fetch("mni-T1", registry=shared.root)
    path.unlink()
    assert md5(neurogister.fetch("mni-T1", registry=shared.root)) == (
        shared.find("mni-T1").digests.md5
    )


def test_several_processes_fetch_the_same_at_once(registry, tmp_path):
    with FaultServer(registry.objects, [Slow(20_000)]) as server:
        registry.remote_url(server.url)
        registry.commit()
        code = (
            "import neurogister, sys;"
            " print(neurogister.fetch('lab/tests@1.1.0', registry=sys.argv[1]))"
        )

        def fetch(_):
            return subprocess.run(
                [sys.executable, "-c", code, str(registry.root)],
                capture_output=True, text=True, cwd=tmp_path, check=False,
            )  # fmt: skip

        with ThreadPoolExecutor(3) as executor:
            done = list(executor.map(fetch, range(3)))
        assert [each.returncode for each in done] == [0, 0, 0], done[0].stderr
        gets = [each for each in server.requests if each.method == "GET" and each.status == 200]
        paths = [each.path for each in gets]
    (path,) = {each.stdout.strip() for each in done}
    assert len(list(Path(path).rglob("*.*"))) == 6
    assert len(paths) == len(set(paths)), "an object was fetched twice"


def test_fetch_raises_what_went_wrong(shared):
    with pytest.raises(LookupError, match="there is no dataset or package"):
        neurogister.fetch("nothing-like-it", registry=shared.root)
    with pytest.raises(neurogister.RefusedError, match="withdrawn"):
        neurogister.fetch("gone-1", registry=shared.root)
    with pytest.raises(ValueError, match="stands for 2"):
        neurogister.fetch("mni152/*", registry=shared.root)


# Errors, types, imports.


def test_every_error_is_ours_and_one_that_python_knows():
    expected = {
        "UsageError": ValueError,
        "NotFoundError": LookupError,
        "IntegrityError": ValueError,
        "InvalidFileError": ValueError,
        "NetworkError": ConnectionError,
        "CredentialsError": PermissionError,
        "NoSpaceError": OSError,
        "MissingExtraError": ImportError,
    }
    kinds = [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, Exception)
    ]
    assert all(issubclass(kind, neurogister.NeurogisterError) for kind in kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)
    for name, builtin in expected.items():
        assert issubclass(getattr(neurogister, name), builtin)
    assert {kind.__name__ for kind in STATUS} <= {*neurogister.__all__}


def test_an_error_has_its_hint_in_the_traceback(shared):
    with neurogister.open(shared.root) as registry, pytest.raises(LookupError) as caught:
        registry["mni-T11"]
    error = caught.value
    assert error.message == "there is no dataset or package 'mni-T11'"
    assert error.hint == "Perhaps mni-T1 or mni-t2?"
    assert error.__notes__ == [error.hint]


def test_the_package_is_typed():
    assert resources.files("neurogister").joinpath("py.typed").is_file()
    things = (neurogister.open, neurogister.fetch, neurogister.open_lockfile)
    for thing in (*things, neurogister.Registry, neurogister.Lockfile):
        functions = [thing] if inspect.isfunction(thing) else [
            member for name, member in vars(thing).items()
            if inspect.isfunction(member) and not name.startswith("_")
        ]  # fmt: skip
        for function in functions:
            signature = inspect.signature(function)
            assert signature.return_annotation is not signature.empty, function
            for name, parameter in signature.parameters.items():
                assert name == "self" or parameter.annotation is not parameter.empty, function


def test_all_public_names_are_there_and_documented():
    for name in neurogister.__all__:
        assert getattr(neurogister, name) is not None
        assert name in dir(neurogister)
    for name in ("open", "fetch", "open_lockfile", "Registry", "Lockfile"):
        assert getattr(neurogister, name).__doc__
    with pytest.raises(AttributeError):
        _ = neurogister.nothing
    source = resources.files("neurogister").joinpath("__init__.py").read_text("utf-8")
    (typed,) = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    imported = {alias.name for node in typed.body for alias in node.names}
    assert imported == {*neurogister.__all__} - {"__version__"}


HEAVY = ("dvc", "dvc_data", "obstore", "yaml", "ruamel", "typer", "urllib3", "sqlite3", "pydicom",
         "jsonschema", "git", "requests", "pydantic", "asyncio")  # fmt: skip


def loaded(code, *arguments, cwd):
    """The modules that are loaded after some code, in a process of its own."""
    script = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    names = {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    return names & set(HEAVY)


COMMAND = """
import sys
from neurogister.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
"""


def test_importing_loads_nothing_heavy(tmp_path):
    assert loaded("import neurogister", cwd=tmp_path) == set()
    assert loaded("import neurogister.errors", cwd=tmp_path) == set()
    assert loaded(COMMAND, "--version", cwd=tmp_path) == set()


def test_commands_load_only_what_they_need(registry):
    never = {"dvc", "dvc_data", "pydicom", "jsonschema", "git", "ruamel", "pydantic", "requests"}
    assert loaded(COMMAND, "--help", cwd=registry.root) <= {"typer"}
    for command in (("list",), ("info", "mni-T1"), ("pull", "mni-T1", "dwi1"), ("verify",)):
        heavy = loaded(COMMAND, *command, cwd=registry.root)
        assert not heavy & never, command
        if command[0] in ("list", "info"):
            assert not heavy & {"obstore", "urllib3"}, command
