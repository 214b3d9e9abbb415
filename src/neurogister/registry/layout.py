"""Which files of a registry matter, and what their places mean."""

from __future__ import annotations

from typing import NamedTuple

from ..model.pointer import SUFFIX

DATA = "data/"
STORE = "store/"
ARCHIVES = "archives/"
REGISTRY_FILE = "registry.yaml"
COLLECTION_FILE = "collection.yaml"
VENDOR_FILES = ("vendor.yaml", "meta.yml")
MANIFEST_SUFFIX = ".manifest.csv"
YAML_SUFFIX = ".yaml"
DVC_CONFIG = ".dvc/config"

# What git is asked for when it looks for files that it does not know yet.
PATTERNS = (f"*{SUFFIX}", f"*{YAML_SUFFIX}", "*meta.yml", f"*{MANIFEST_SUFFIX}")

POINTER_LIMIT = 64 * 1024
YAML_LIMIT = 1024 * 1024  # a package has thousands of members, a ledger only grows

# The kinds of files.
POINTER = "pointer"
REGISTRY = "registry"
COLLECTION = "collection"
VENDOR = "vendor"
RESOURCE = "resource"
PACKAGE = "package"
ARCHIVE = "archive"
MANIFEST = "manifest"

_RESERVED = frozenset({"dvc.yaml", "params.yaml"})


def classify(path: str) -> str | None:
    """Tell what kind of file a path is; None for one that is of no interest.

    Parameters
    ----------
    path : str
        From the top of the registry, with ``/``.
    """
    folder, _, name = path.rpartition("/")
    if folder[:1] == "." or "/." in folder:
        return None
    if path.endswith(SUFFIX):
        return POINTER if name != SUFFIX else None
    if path.endswith(YAML_SUFFIX):
        return _classify_yaml(path, name)
    if path.endswith(MANIFEST_SUFFIX):
        return MANIFEST if path.startswith((DATA, STORE)) else None
    if name == VENDOR_FILES[1] and path.startswith(STORE):
        return VENDOR if path.count("/") in (2, 3) else None
    return None


def _classify_yaml(path: str, name: str) -> str | None:
    depth = path.count("/")
    if path == REGISTRY_FILE:
        return REGISTRY
    if name in _RESERVED or name[0] == ".":
        return None
    if path.startswith(DATA):
        if name == COLLECTION_FILE:
            return COLLECTION if depth == 2 else None
        return RESOURCE
    if path.startswith(STORE):
        if name == VENDOR_FILES[0]:
            return VENDOR if depth in (2, 3) else None
        return PACKAGE if depth >= 2 else None
    return ARCHIVE if path.startswith(ARCHIVES) and depth == 1 else None


def size_limit(path: str) -> int:
    """Return how many bytes of a file are looked at."""
    return POINTER_LIMIT if path.endswith(SUFFIX) else YAML_LIMIT


class Shelf(NamedTuple):
    """Where a package stands."""

    department: str | None
    vendor: str
    name: str

    @property
    def full_name(self) -> str:
        """The name that people type."""
        return f"{self.vendor}/{self.name}"


def place_of(path: str) -> str:
    """Return where the data lies that a pointer or record is about."""
    return path[: -len(SUFFIX)] if path.endswith(SUFFIX) else path[: -len(YAML_SUFFIX)]


def is_package_place(place: str) -> bool:
    """Tell whether data at a place belongs to a package, not to a dataset."""
    return place.startswith(STORE) and place.count("/") >= 2


def name_of(place: str) -> str:
    """Return the name of a dataset by its place."""
    return place.removeprefix(DATA)


def collection_of(place: str) -> str | None:
    """Return the collection of a dataset by its place."""
    if not place.startswith(DATA):
        return None
    collection, slash, _ = place[len(DATA) :].partition("/")
    return collection if slash else None


def shelf_of(place: str, vendor_folders: set[str]) -> Shelf:
    """Tell whose package lies at a place.

    Parameters
    ----------
    place : str
        ``store/[DEPARTMENT/]VENDOR/PACKAGE``.
    vendor_folders : set of str
        The folders that have a vendor's file. Where there is none, the folder of the package is
        its vendor's.
    """
    first, *rest = place[len(STORE) :].split("/")
    if len(rest) == 1:
        return Shelf(None, first, rest[0])
    if f"{STORE}{first}" in vendor_folders and f"{STORE}{first}/{rest[0]}" not in vendor_folders:
        return Shelf(None, first, "/".join(rest))
    return Shelf(first, rest[0], "/".join(rest[1:]))


def companions(place: str) -> list[str]:
    """List the files that tell what lies at a place: those needed to show it."""
    paths = [f"{place}{SUFFIX}", f"{place}{YAML_SUFFIX}", f"{place}{MANIFEST_SUFFIX}"]
    paths.append(REGISTRY_FILE)
    collection = collection_of(place)
    if collection is not None:
        paths.append(f"{DATA}{collection}/{COLLECTION_FILE}")
    if is_package_place(place):
        parts = place.split("/")
        folders = ["/".join(parts[:2])] + (["/".join(parts[:3])] if len(parts) > 3 else [])
        paths += [f"{folder}/{name}" for folder in folders for name in VENDOR_FILES]
    return paths
