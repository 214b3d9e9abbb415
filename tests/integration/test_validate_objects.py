"""A registry with a remote of its own gets objects by submission: only added, only true ones."""

import pytest
from tests.depositing import Lab

from neurogister.actions.session import open_session
from neurogister.actions.validate import validate
from neurogister.settings import load_settings


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    lab.registry.remote_url("../remote")
    (lab.root / "remote").mkdir()
    lab.registry.write("remote/.gitkeep", "")
    lab.registry.commit("The remote is a folder in the registry")
    return lab


def findings(lab, base="HEAD"):
    session = open_session(load_settings(registry=str(lab.root)))
    try:
        return [(each.rule, each.path) for each in validate(session, base=base).findings]
    finally:
        session.close()


def objects(lab):
    return sorted(lab.root.glob("remote/files/md5/*/*"))


def test_what_deposit_adds_to_the_remote_is_fine(lab):
    lab.put("a.bin", b"some data\n", id="some-data", push=True)
    assert len(objects(lab)) == 1
    assert findings(lab) == []
    lab.registry.commit("Add data")
    assert findings(lab, "HEAD~1") == []


def test_an_object_with_other_content_is_refused(lab):
    lab.put("a.bin", b"some data\n", id="some-data", push=True)
    [path] = objects(lab)
    path.chmod(0o644)
    path.write_bytes(b"other data\n")
    assert findings(lab) == [("object-name", path.relative_to(lab.root).as_posix())]


def test_another_file_in_the_remote_is_refused(lab):
    lab.put("a.bin", b"some data\n", id="some-data", push=True)
    lab.registry.write("remote/files/md5/run.sh", "echo\n")
    assert findings(lab) == [("object-name", "remote/files/md5/run.sh")]


def test_objects_that_are_there_never_change(lab):
    lab.put("a.bin", b"some data\n", id="some-data", push=True)
    lab.registry.commit("Add data")
    lab.put("b.bin", b"more data\n", id="more-data", push=True)
    path = next(each for each in objects(lab) if each.read_bytes() == b"some data\n")
    path.unlink()
    assert findings(lab) == [("outside-submission", path.relative_to(lab.root).as_posix())]
