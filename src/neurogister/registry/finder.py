"""Finds single datasets and packages, without reading the rest of the registry."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..model.pointer import SUFFIX
from .bulk import no_collection
from .contents import Contents, assemble
from .layout import (
    DATA,
    PACKAGE,
    POINTER,
    REGISTRY_FILE,
    STORE,
    VENDOR,
    YAML_SUFFIX,
    companions,
    is_package_place,
    place_of,
    shelf_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model.dataset import Dataset
    from .view import View


class Finder:
    """Looks up in a view; what was asked for whole once is kept.

    Parameters
    ----------
    view : View
        The files that matter, at one moment.
    """

    def __init__(self, view: View) -> None:
        self._view = view

    @cached_property
    def contents(self) -> Contents:
        """Everything that there is."""
        with no_collection():
            return assemble(self._view.rows(), self._view.read_blobs)

    @cached_property
    def store(self) -> Contents:
        """The vendors and packages, without looking at the datasets."""
        if "contents" in self.__dict__:
            return self.contents
        paths = [path for path, _ in self._view.paths(STORE)]
        return assemble(self._view.rows([*paths, REGISTRY_FILE]), self._view.read_blobs)

    @cached_property
    def _by_place(self) -> dict[str, list[Dataset]]:
        found: dict[str, list[Dataset]] = {}
        for item in self.everything():
            found.setdefault(item.place, []).append(item)
        return found

    def everything(self) -> Sequence[Dataset]:
        """Return all datasets, resources and packages."""
        return [*self.contents.datasets, *self.contents.packages]

    def find_name(self, name: str) -> list[Dataset]:
        """Return what has exactly this name, or this identifier whatever the case."""
        places = [f"{DATA}{name}", name]
        places += [place_of(path) for path in self._view.paths_of_id(name.casefold())]
        if "/" in name:
            places += self._package_places(name)
        wanted = name.casefold()
        return [
            item
            for item in self.at(places)
            if item.name == name or (item.id is not None and item.id.casefold() == wanted)
        ]

    def find_names(self, names: Iterable[str]) -> dict[str, list[Dataset]]:
        """Return what `find_name` finds for many names of datasets, looked up in one go."""
        places = {
            name: [
                *(f"{DATA}{name}", name),
                *(place_of(path) for path in self._view.paths_of_id(name.casefold())),
            ]
            for name in names
        }
        found: dict[str, list[Dataset]] = {}
        for item in self.at(place for each in places.values() for place in each):
            found.setdefault(item.place, []).append(item)
        return {
            name: [
                item
                for place in dict.fromkeys(each)
                for item in found.get(place, ())
                if name == item.name or (item.id and item.id.casefold() == name.casefold())
            ]
            for name, each in places.items()
        }

    def find_place(self, path: str) -> list[Dataset]:
        """Return what lies at a path, that of the data, the pointer or the record."""
        places = [path]
        if path.endswith((SUFFIX, YAML_SUFFIX)):
            places.append(place_of(path))
        found = self.at(places)
        return [item for item in found if path in (item.place, item.pointer_path, item.record_path)]

    def find_above(self, path: str) -> Dataset | None:
        """Return the folder dataset that a path is inside of."""
        parts = path.split("/")
        places = ["/".join(parts[:count]) for count in range(1, len(parts))]
        for item in self.at(places):
            if item.is_dir and path.startswith(f"{item.place}/"):
                return item
        return None

    def find_digest(self, digest: str) -> list[Dataset]:
        """Return what has, or had in an earlier version, content with a digest."""
        paths = self._view.paths_of_digest(digest.lower().removesuffix(".dir"))
        return self.at([place_of(path) for path in paths])

    def _package_places(self, name: str) -> list[str]:
        files = self._view.paths(STORE)
        folders = {path.rpartition("/")[0] for path, kind in files if kind == VENDOR}
        places = {place_of(path) for path, kind in files if kind in (POINTER, PACKAGE)}
        return [
            place
            for place in places
            if is_package_place(place) and shelf_of(place, folders).full_name == name
        ]

    def at(self, places: Iterable[str]) -> list[Dataset]:
        """Return what lies at some places, without looking at the rest of the registry."""
        wanted = {place for place in places if place}
        if not wanted:
            return []
        if "contents" in self.__dict__:
            return [item for place in sorted(wanted) for item in self._by_place.get(place, ())]
        paths = {path for place in wanted for path in companions(place)}
        contents = assemble(self._view.rows(sorted(paths)), self._view.read_blobs)
        found: list[Dataset] = [*contents.datasets, *contents.packages]
        return [item for item in found if item.place in wanted]
