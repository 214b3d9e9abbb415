"""What the places of files mean."""

import pytest

from neurogister.registry.layout import (
    classify,
    collection_of,
    companions,
    is_package_place,
    name_of,
    shelf_of,
    size_limit,
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("data/c/x.nii.gz.dvc", "pointer"), ("x.dvc", "pointer"), ("a/b/c/x.dvc", "pointer"),
        ("store/v/p.dvc", "pointer"), ("data/c/.bidsignore.dvc", "pointer"),
        (".dvc", None), ("data/.dvc", None), (".dvc/x.dvc", None), (".github/x.dvc", None),
        ("data/.hidden/x.dvc", None), ("a/.b/c/x.dvc", None),
        ("registry.yaml", "registry"), ("data/registry.yaml", "resource"),
        ("data/c/collection.yaml", "collection"), ("data/c/d/collection.yaml", None),
        ("data/collection.yaml", None), ("data/c/x.yaml", "resource"), ("data/x.yaml", "resource"),
        ("data/c/dvc.yaml", None), ("dvc.yaml", None), ("dvc.lock", None), ("x.yaml", None),
        ("data/c/.x.yaml", None), ("data/c/x.yml", None), (".github/workflows/x.yaml", None),
        ("store/v/vendor.yaml", "vendor"), ("store/d/v/vendor.yaml", "vendor"),
        ("store/vendor.yaml", None), ("store/v/meta.yml", "vendor"), ("store/meta.yml", None),
        ("store/d/v/meta.yml", "vendor"), ("store/a/b/c/meta.yml", None),
        ("store/v/p.yaml", "package"), ("store/d/v/p.yaml", "package"), ("store/p.yaml", None),
        ("archives/tape.yaml", "archive"), ("archives/a/tape.yaml", None),
        ("archives/tape.csv", None),
        ("data/c/x.manifest.csv", "manifest"), ("store/v/p.manifest.csv", "manifest"),
        ("x.manifest.csv", None), ("data/c/x.csv", None), ("README.md", None), ("", None),
    ],
)  # fmt: skip
def test_kinds_of_files(path, kind):
    assert classify(path) == kind


@pytest.mark.parametrize(
    ("place", "name", "collection"),
    [
        ("data/c/x", "c/x", "c"),
        ("data/c/d/x", "c/d/x", "c"),
        ("data/x", "x", None),
        ("models/x", "models/x", None),
        ("x", "x", None),
    ],
)
def test_names_and_collections(place, name, collection):
    assert (name_of(place), collection_of(place)) == (name, collection)
    assert not is_package_place(place)


@pytest.mark.parametrize(
    ("place", "folders", "shelf"),
    [
        ("store/v/p", {"store/v"}, (None, "v", "p")),
        ("store/v/p", set(), (None, "v", "p")),
        ("store/d/v/p", {"store/d/v"}, ("d", "v", "p")),
        ("store/d/v/p", set(), ("d", "v", "p")),
        ("store/d/v/p", {"store/d", "store/d/v"}, ("d", "v", "p")),
        ("store/v/q/p", {"store/v"}, (None, "v", "q/p")),
        ("store/d/v/q/p", {"store/d/v"}, ("d", "v", "q/p")),
    ],
)
def test_whose_package_it_is(place, folders, shelf):
    assert is_package_place(place)
    assert tuple(shelf_of(place, folders)) == shelf


def test_what_is_needed_to_show_one_thing():
    assert companions("data/c/x") == [
        "data/c/x.dvc",
        "data/c/x.yaml",
        "data/c/x.manifest.csv",
        "registry.yaml",
        "data/c/collection.yaml",
    ]
    assert {"store/d/vendor.yaml", "store/d/v/vendor.yaml"} < set(companions("store/d/v/p"))


def test_pointers_are_small():
    assert size_limit("x.dvc") < size_limit("store/v/p.yaml")
