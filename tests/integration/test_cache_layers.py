"""Caches of others are read first and never changed: a lab's, in front of everybody's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.factories import make_registry, random_files
from tests.servers import run_git

import neurogister
from neurogister import NetworkError, OfflineError, RefusedError
from neurogister.settings import load_settings

FILES = random_files(5, smallest=10, largest=3000, seed=3)


@pytest.fixture
def registry(tmp_path):
    registry = make_registry(tmp_path / "registry", objects=tmp_path / "objects")
    registry.add_folder("c/many", FILES, id="many")
    registry.commit()
    return registry


@pytest.fixture
def layer(tmp_path, registry, monkeypatch):
    """A lab's cache in DVC's layout; the remote is away."""
    layer = tmp_path / "lab"
    shutil.copytree(tmp_path / "objects", layer)
    monkeypatch.setenv("NEUROGISTER_CACHE_LAYERS", str(layer))
    return layer


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def bring(tmp_path, monkeypatch):
    """Fetch as a consumer does, who has no checkout."""

    def fetch(registry, cache, **options):
        monkeypatch.setenv("NEUROGISTER_CACHE", str(cache))
        bare = tmp_path / "bare.git"
        if not bare.exists():
            run_git("clone", "--quiet", "--bare", str(registry.root), str(bare))
        return neurogister.fetch("many", registry=bare, **options)

    return fetch


def away(tmp_path: Path) -> None:
    (tmp_path / "objects").rename(tmp_path / "gone")


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def objects_in(cache: Path) -> list[Path]:
    return [path for path in cache.glob("objects/files/md5/*/*") if path.is_file()]


def test_what_a_layer_has_is_not_fetched_and_not_kept_twice(tmp_path, registry, layer, bring):
    before = snapshot(layer)
    away(tmp_path)
    cache = tmp_path / "own"
    path = bring(registry, cache)
    assert content(path) == FILES
    assert objects_in(cache) == []
    assert snapshot(layer) == before


def test_the_cache_of_another_user_is_a_layer_too(tmp_path, registry, monkeypatch, bring):
    theirs = tmp_path / "theirs"
    bring(registry, theirs)
    away(tmp_path)
    monkeypatch.setenv("NEUROGISTER_CACHE_LAYERS", f"{tmp_path / 'none'}{os.pathsep}{theirs}")
    path = bring(registry, tmp_path / "own")
    assert content(path) == FILES


def test_a_damaged_object_of_a_layer_is_fetched_and_left_there(tmp_path, registry, layer, bring):
    victim = next(path for path in layer.rglob("*") if path.is_file() and path.suffix != ".dir")
    victim.chmod(0o644)
    victim.write_bytes(b"damaged")
    before = snapshot(layer)
    path = bring(registry, tmp_path / "own")
    assert content(path) == FILES
    assert len(objects_in(tmp_path / "own")) == 1
    assert snapshot(layer) == before


def test_what_no_layer_has_is_missing(tmp_path, registry, layer, bring):
    away(tmp_path)
    next(path for path in layer.rglob("*") if path.is_file() and not path.suffix).unlink()
    with pytest.raises(NetworkError, match="objects"):
        bring(registry, tmp_path / "own")
    with pytest.raises(OfflineError):
        bring(registry, tmp_path / "own", offline=True)


@pytest.mark.parametrize("offline", [False, True])
def test_a_checkout_gets_it_into_dvcs_cache(tmp_path, registry, layer, offline):
    before = snapshot(layer)
    away(tmp_path)
    with neurogister.open(registry.root, offline=offline, cache=tmp_path / "own") as opened:
        opened.pull("many")
    assert content(registry.root / "data/c/many") == FILES
    assert snapshot(layer) == before
    (tmp_path / "gone").rename(tmp_path / "objects")
    for arguments in (["status"], ["status", "-c"]):
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=registry.root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "up to date" in done.stdout or "in sync" in done.stdout


def test_a_project_may_not_name_one(tmp_path, monkeypatch):
    (tmp_path / "neurogister.toml").write_text('cache_layers = ["/"]\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RefusedError, match="cache_layers"):
        load_settings()


def test_layers_in_a_file_are_a_list(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_CONFIG_DIR", str(tmp_path))
    (tmp_path / "config.toml").write_text('cache_layers = ["/one", "/two"]\n')
    assert load_settings().cache_layers == (Path("/one"), Path("/two"))
