"""DVC's own files in a submission."""

import pytest
from tests.factories import make_registry, nifti_bytes
from tests.judging import judge, one, rules

REMOTE = "'remote \"storage\"'"
MAINTAINER = {"scope": "maintainer"}


@pytest.fixture
def registry(home, tmp_path):
    made = make_registry(tmp_path / "registry")
    made.set_config({REMOTE: {"url": "s3://bucket/a", "verify": "true"}})
    made.add_file("a/t1.nii.gz", nifti_bytes(), id="t1")
    made.commit("Add data")
    return made


def config(registry, more: str) -> None:
    path = registry.root / ".dvc/config"
    path.write_text(path.read_text() + more)


def test_what_init_writes_is_silent(registry):
    assert rules(registry.root) == set()
    config(registry, "['remote \"other\"']\n    url = https://example.org/x\n    verify = true\n")
    assert rules(registry.root, "HEAD", **MAINTAINER) == set()


def test_a_contributor_changes_nothing_of_it(registry):
    config(registry, "[cache]\n    type = copy\n")
    registry.add_file("a/t2.nii.gz", nifti_bytes(seed=2), id="t2")
    assert "outside-submission" in rules(registry.root, "HEAD")


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ("['remote \"x\"']\n    url = s3://b\n    credentialpath = ~/.aws\n", "dvc-config"),
        ("['remote \"x\"']\n    bearer_token_command = id\n    url = https://x\n", "dvc-config"),
        ("[hydra]\n    plugins_path = x\n", "dvc-config"),
        ("[cache]\n    dir = /tmp/x\n", "dvc-config"),
        ("[core\n", "dvc-config"),
        ("['remote \"x\"']\n    url = s3://b\n    secret_access_key = abc\n", "secret"),
        ("['remote \"x\"']\n    url = https://me:pass@example.org\n", "secret"),
        ("# ghp_" + "a1" * 18 + "\n", "secret"),
        ("[studio]\n    url = https://x\n", "dvc-config-unknown"),
        ("['remote \"x\"']\n    url = s3://b\n", "dvc-verify"),
    ],
)
def test_settings_that_do_harm_are_found(registry, more, rule):
    config(registry, more)
    found = [each for each in judge(registry.root, "HEAD", **MAINTAINER) if each.rule == rule]
    assert found and found[0].path == ".dvc/config"
    assert not any("pass@" in str(each.as_mapping()) for each in found)


def test_a_remote_that_moves_is_told(registry):
    path = registry.root / ".dvc/config"
    path.write_text(path.read_text().replace("s3://bucket/a", "s3://evil/a"))
    found = one(judge(registry.root, "HEAD", **MAINTAINER), "dvc-remote-moved")
    assert (found.severity, found.right) == ("warning", "url = s3://bucket/a")


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        (".dvc/config.local", "[core]\n", "dvc-private"),
        (".dvc/cache/files/md5/ab/c", "x", "dvc-private"),
        (".dvc/tmp/x", "x", "dvc-private"),
        (".DVC/Config.Local", "x", "dvc-private"),
        ("dvc.yaml", "stages:\n  a:\n    cmd: id\n", "dvc-stage"),
        ("sub/dvc.yaml", "stages: {}\n", "dvc-stage"),
        ("sub/dvc.yaml", "{", "dvc-stage"),
        ("data/a/dvc.lock", "schema: '2.0'\n", "dvc-stage"),
        (".dvcignore", "*.nii.gz\n", "dvc-ignore"),
        (".dvcignore", "/data/a\n", "dvc-ignore"),
        (".dvcignore", "/da*/a\n", "dvc-ignore"),
    ],
)
def test_files_that_dvc_would_obey_are_found(registry, path, content, rule):
    registry.write(path, content)
    registry.git("add", "-f", path)
    for found in (judge(registry.root, "HEAD", **MAINTAINER), judge(registry.root)):
        assert rule in {each.rule for each in found}


def test_what_others_plot_runs_nothing(registry):
    registry.write("sub/dvc.yaml", "plots:\n- x.csv\n")
    registry.write(".dvcignore", "# a comment\n/tests/\nsub/build\n!data\n")
    assert rules(registry.root) == set()
