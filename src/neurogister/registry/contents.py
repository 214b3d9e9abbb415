"""From files to things: the datasets, packages, vendors and collections of a registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..backends.gitvalues import FILE_MODES, LINK_MODE, SUBMODULE_MODE
from ..model.dataset import Collection, Dataset
from ..model.document import DocumentError
from ..model.fields import Fields
from ..model.pointer import Pointer
from ..model.record import Record
from .layout import (
    ARCHIVE,
    ARCHIVES,
    COLLECTION,
    COLLECTION_FILE,
    DATA,
    MANIFEST,
    MANIFEST_SUFFIX,
    PACKAGE,
    POINTER,
    REGISTRY,
    REGISTRY_FILE,
    RESOURCE,
    STORE,
    VENDOR,
    VENDOR_FILES,
    collection_of,
    is_package_place,
    name_of,
    place_of,
    shelf_of,
)
from .worktree import UNREADABLE_MODE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model.package import Package, PackageFile, Vendor
    from .index import Row


@dataclass(frozen=True, slots=True)
class Contents:
    """What some files of a registry amount to; each list is sorted by name."""

    datasets: list[Dataset] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    vendors: list[Vendor] = field(default_factory=list)
    collections: list[Collection] = field(default_factory=list)


@dataclass(slots=True)
class _Parsed:
    """A file with what it says, or what is wrong with it."""

    path: str
    kind: str
    mode: str
    oid: str | None
    value: Any = None
    error: DocumentError | None = None


def assemble(rows: list[Row], read_blobs: Callable[[Sequence[str]], dict[str, bytes]]) -> Contents:
    """Make things of files; broken files make things with an error.

    Parameters
    ----------
    rows : list of Row
        All files that matter, or those that some things need (`layout.companions`). The list is
        emptied, so that of many files not all are in memory twice.
    read_blobs : callable
        Returns contents by their ids: to tell in which line of a broken file the error is.
    """
    parsed: dict[str, _Parsed] = {}
    while rows:
        row = rows.pop()
        parsed[row.path] = _parse(row)
    _locate_errors([each for each in parsed.values() if each.error is not None], read_blobs)
    return _Assembly(parsed).contents()


def read_row(row: Row, read_blobs: Callable[[Sequence[str]], dict[str, bytes]]) -> Any:
    """Return what a file says.

    Raises
    ------
    InvalidFileError
        If it is broken; with the line.
    """
    try:
        return _parse_row(row)
    except DocumentError as error:
        data = read_blobs([row.oid]).get(row.oid) if row.oid else None
        raise (error.located(data) if data is not None else error) from error


def _parse_row(row: Row) -> Any:
    if row.mode not in FILE_MODES:
        what = _STRANGE.get(row.mode, "not a file")
        raise DocumentError(row.path, f"is {what}, which is not read", hint="Remove it.")
    if row.problem is not None:
        reason, line, column, hint = row.problem
        raise DocumentError(row.path, reason, line=line, column=column, hint=hint)
    if row.kind == POINTER:
        return Pointer.from_document(row.document, row.path)
    if type(row.document) is not dict:
        raise DocumentError(row.path, "is not a mapping (lines of `key: value`)", line=1)
    return _PARSERS[row.kind](Fields(row.document, row.path))


def _parse_registry(fields: Fields) -> Any:
    from ..model.registryinfo import RegistryInfo  # hardly ever asked for

    return RegistryInfo.from_fields(fields)


def _parse_archive(fields: Fields) -> Any:
    from ..model.registryinfo import Archive  # hardly ever asked for

    return Archive.from_fields(fields, place_of(fields.path).removeprefix(ARCHIVES))


def _parse_collection(fields: Fields) -> Collection:
    return Collection.from_fields(fields, name=fields.path.split("/")[1])


def _parse_package(fields: Fields) -> PackageFile:
    from ..model.package import PackageFile  # many registries have none

    return PackageFile.from_fields(fields)


def _parse_vendor(fields: Fields) -> Vendor:
    from ..model.package import Vendor

    department, name = _vendor_at(fields.path.rpartition("/")[0])
    return Vendor.from_fields(fields, name=name, department=department)


def _vendor_at(folder: str) -> tuple[str | None, str]:
    department, _, name = folder.removeprefix(STORE).rpartition("/")
    return department or None, name


_STRANGE = {
    LINK_MODE: "a symbolic link",
    SUBMODULE_MODE: "a submodule",
    UNREADABLE_MODE: "a file with a name that is not UTF-8",
}
_PARSERS: dict[str, Callable[[Fields], Any]] = {
    ARCHIVE: _parse_archive,
    COLLECTION: _parse_collection,
    PACKAGE: _parse_package,
    REGISTRY: _parse_registry,
    RESOURCE: Record.from_fields,
    VENDOR: _parse_vendor,
}


def _parse(row: Row) -> _Parsed:
    parsed = _Parsed(*row[:4])
    if row.kind not in (MANIFEST, REGISTRY, ARCHIVE):
        try:
            parsed.value = _parse_row(row)
        except DocumentError as error:
            parsed.error = error
    return parsed


def _locate_errors(
    broken: Sequence[_Parsed], read_blobs: Callable[[Sequence[str]], dict[str, bytes]]
) -> None:
    """Find out in which line an error is; the index does not know, as it is hardly ever asked."""
    vague = [
        each
        for each in broken
        if each.oid and each.error and each.error.keys and each.error.line is None
    ]
    contents = read_blobs([each.oid for each in vague if each.oid]) if vague else {}
    for each in vague:
        if each.error is not None and each.oid in contents:
            each.error = each.error.located(contents[each.oid])


class _Assembly:
    def __init__(self, parsed: dict[str, _Parsed]) -> None:
        self._parsed = parsed
        self._is_ours = REGISTRY_FILE in parsed
        self._folders = {
            path.rpartition("/")[0] for path, each in parsed.items() if each.kind == VENDOR
        }
        self._licenses = {
            path.split("/")[1]: each.value.license
            for path, each in parsed.items()
            if each.kind == COLLECTION and each.value is not None
        }

    def contents(self) -> Contents:
        datasets: list[Dataset] = []
        packages: list[Package] = []
        for place in self._places():
            if is_package_place(place):
                packages.append(self._package(place))
            else:
                datasets.append(self._dataset(place))
        datasets.sort(key=lambda each: (each.name, each.place))
        packages.sort(key=lambda each: (each.name, each.place))
        return Contents(
            datasets=datasets,
            packages=packages,
            vendors=self._vendors(packages),
            collections=self._collections(datasets),
        )

    def _places(self) -> list[str]:
        wanted = {POINTER, RESOURCE, PACKAGE} if self._is_ours else {POINTER}
        paths = (path for path, each in self._parsed.items() if each.kind in wanted)
        return list(dict.fromkeys(place_of(path) for path in paths))

    def _dataset(self, place: str) -> Dataset:
        pointer, record = self._pair(place)
        if pointer is not None and _is_tombstone(record):
            pointer = None  # its withdrawal was interrupted, or merged with a change of it
        collection = collection_of(place)
        said = _record_of(pointer) or (record.value if record else None)
        error = _first_error(pointer, record)
        if pointer is not None and record is not None and error is None:
            error = f"{record.path}: describes what {pointer.path} describes too"
        return Dataset(
            name=name_of(place),
            kind="dataset" if pointer is not None else "resource",
            place=place,
            pointer_path=_path_of(pointer),
            record_path=_path_of(record),
            pointer=pointer.value if pointer else None,
            record=said,
            collection=collection,
            license=(said.license if said else None) or self._licenses.get(collection or ""),
            manifest_path=self._manifest(place),
            error=error,
        )

    def _package(self, place: str) -> Package:
        from ..model.package import Package

        pointer, file = self._pair(place)
        shelf = shelf_of(place, self._folders)
        value: PackageFile | None = file.value if file else None
        record = _joined(value.record if value else None, _record_of(pointer))
        return Package(
            name=shelf.full_name,
            kind="package",
            place=place,
            pointer_path=_path_of(pointer),
            record_path=_path_of(file),
            pointer=pointer.value if pointer else None,
            record=record,
            license=record.license if record else None,
            manifest_path=self._manifest(place),
            error=_first_error(pointer, file),
            vendor=shelf.vendor,
            department=shelf.department,
            purpose=value.purpose if value else None,
            members=value.members if value else (),
            zip=value.zip if value else None,
        )

    def _pair(self, place: str) -> tuple[_Parsed | None, _Parsed | None]:
        record = self._parsed.get(f"{place}.yaml") if self._is_ours else None
        if record is not None and record.kind not in (RESOURCE, PACKAGE):
            record = None
        return self._parsed.get(f"{place}.dvc"), record

    def _manifest(self, place: str) -> str | None:
        found = self._parsed.get(f"{place}{MANIFEST_SUFFIX}")
        return found.path if found is not None and found.mode in FILE_MODES else None

    def _vendors(self, packages: Sequence[Package]) -> list[Vendor]:
        names: dict[str, list[str]] = {}
        for package in packages:
            middle = f"{package.department}/" if package.department else ""
            names.setdefault(f"{STORE}{middle}{package.vendor}", []).append(package.name)
        vendors = []
        for folder in {**dict.fromkeys(self._folders), **dict.fromkeys(names)}:
            vendor = self._vendor(folder)
            vendors.append(replace(vendor, packages=tuple(sorted(names.get(folder, ())))))
        return sorted(vendors, key=lambda each: (each.name, each.path))

    def _vendor(self, folder: str) -> Vendor:
        from ..model.package import Vendor

        for name in VENDOR_FILES:
            if (found := self._parsed.get(f"{folder}/{name}")) is not None:
                if found.error is None:
                    vendor: Vendor = found.value
                    return vendor
                break
        department, name = _vendor_at(folder)
        return Vendor(
            name=name,
            path=found.path if found else folder,
            department=department,
            error=found.error.message if found and found.error else None,
        )

    def _collections(self, datasets: Sequence[Dataset]) -> list[Collection]:
        counts: dict[str, int] = {}
        for dataset in datasets:
            if dataset.collection is not None:
                counts[dataset.collection] = counts.get(dataset.collection, 0) + 1
        files = {
            path.split("/")[1]: each
            for path, each in self._parsed.items()
            if each.kind == COLLECTION
        }
        return [
            replace(_collection(name, files.get(name)), datasets=counts.get(name, 0))
            for name in sorted({*counts, *files})
        ]


def _collection(name: str, file: _Parsed | None) -> Collection:
    if file is not None and file.error is None:
        value: Collection = file.value
        return value
    path = f"{DATA}{name}/{COLLECTION_FILE}" if file else f"{DATA}{name}"
    return Collection(
        name=name, path=path, error=file.error.message if file and file.error else None
    )


def _path_of(parsed: _Parsed | None) -> str | None:
    return parsed.path if parsed is not None else None


def _is_tombstone(record: _Parsed | None) -> bool:
    value = None if record is None else record.value
    return isinstance(value, Record) and value.status == "withdrawn"


def _record_of(parsed: _Parsed | None) -> Record | None:
    pointer: Pointer | None = parsed.value if parsed is not None else None
    return pointer.record if pointer is not None else None


def _first_error(*files: _Parsed | None) -> str | None:
    for file in files:
        if file is not None and file.error is not None:
            return file.error.message
    return None


def _joined(file: Record | None, pointer: Record | None) -> Record | None:
    """Return the record of a package: its file's, with the version that its pointer stands for."""
    if file is None or pointer is None:
        return file or pointer
    version = pointer.version or file.version
    return replace(file, version=version, id=file.id or pointer.id)
