"""A fresh clone of what is in this tree, for somebody who has nothing yet."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from .pages import DOCS, REPOSITORY

# An unpacked sdist has the tests, but not the pages.
collect_ignore_glob = [] if DOCS.is_dir() else ["test_*.py"]

URL = "https://github.com/neurogister/neurogister"
# What of the environment may reach the examples; everything else is somebody's own.
_KEPT = ("SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "COMSPEC", "PATHEXT")


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Path:
    """A bare repository with what is in this tree now, committed or not."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    folder = tmp_path_factory.mktemp("published")
    tree, bare = folder / "tree", folder / "neurogister.git"
    tree.mkdir()
    for name in _files():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, tree / name)
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    for command in (
        ("init", "--quiet", "--initial-branch=main", str(tree)),
        ("-C", str(tree), "-c", "core.autocrlf=false", "add", "--all", "--force"),
        ("-C", str(tree), *who, "commit", "--quiet", "--message=Everything"),
        ("clone", "--quiet", "--bare", str(tree), str(bare)),
        ("-C", str(bare), "config", "uploadpack.allowFilter", "true"),
        ("-C", str(bare), "config", "uploadpack.allowAnySHA1InWant", "true"),
    ):
        subprocess.run(["git", *command], env=environment, check=True, stdin=subprocess.DEVNULL)
    return bare


def _files() -> list[str]:
    """List the files that git tracks or would track, and that are here."""
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        check=True, stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return [name for name in dict.fromkeys(names) if (REPOSITORY / name).is_file()]


@pytest.fixture
def environment(tmp_path, published) -> dict[str, str]:
    """The environment of a user with an empty home; the registry's URL leads to `published`."""
    home = tmp_path / "home"
    home.mkdir()
    config = home / ".gitconfig"
    config.write_text(
        "[user]\n\tname = Somebody\n\temail = somebody@example.org\n"
        f'[url "{published.as_uri()}"]\n\tinsteadOf = {URL}\n'
        '[protocol "file"]\n\tallow = always\n[core]\n\tautocrlf = false\n',
        encoding="utf-8",
    )
    kept = {name: value for name in _KEPT if (value := os.environ.get(name))}
    return kept | {
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "LOCALAPPDATA": str(home / "AppData" / "Local"),
        "APPDATA": str(home / "AppData" / "Roaming"),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_NO_ANALYTICS": "1",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "TERM": "dumb",
        "COLUMNS": "100",
    }


@pytest.fixture
def clone(tmp_path, environment: Mapping[str, str]) -> Path:
    """A fresh clone, as the README tells to make one."""
    folder = tmp_path / "neurogister"
    subprocess.run(
        ["git", "clone", "--quiet", URL, str(folder)], env=environment, check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return folder
