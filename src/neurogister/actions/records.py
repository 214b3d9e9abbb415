"""What a deposit writes: pointers with their records, manifests, ignored names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..model.dataset import UNKNOWN_LICENSE
from ..model.ledger import Version, known
from ..model.listing import Entry, dump_listing
from ..model.manifest import dump_manifest
from ..model.objects import ObjectId
from ..model.pointer import Pointer
from ..model.record import FIELDS, Record
from ..model.writing import check_document, dump_document, edit_document
from ..registry.changes import ChangeSet, with_ignored
from ..registry.layout import COLLECTION_FILE, DATA, MANIFEST_SUFFIX
from .writable import now, who

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.table import Said
    from .drafts import Draft
    from .session import Session


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of one source.

    Parameters
    ----------
    oid : ObjectId
        The address: of the file, or of the listing of the folder.
    size : int
        Bytes, in all.
    digests : mapping of str to str
        By algorithm.
    entries : tuple of Entry, optional
        Of a folder: its files.
    executable : bool
        Whether the file may be run.
    """

    oid: ObjectId
    size: int
    digests: Mapping[str, str]
    entries: tuple[Entry, ...] | None = None
    executable: bool = False

    @property
    def nfiles(self) -> int | None:
        """Of a folder: how many files it has."""
        return None if self.entries is None else len(self.entries)

    def objects(self, label: str = "") -> Iterator[tuple[ObjectId, int, str, str | None]]:
        """Give its objects: address, size, what to call it, sha256; a listing is the last."""
        if self.entries is None:
            yield self.oid, self.size, label, self.digests.get("sha256")
            return
        for entry in self.entries:
            yield ObjectId(entry.md5), entry.size or 0, f"{label}/{entry.path}", entry.sha256
        size = len(dump_listing(self.entries))
        yield self.oid, size, f"the listing of {label}", None

    def files(self) -> dict[str, ObjectId]:
        """Return its files by their path; that of a file itself is empty."""
        if self.entries is None:
            return {"": self.oid}
        return {entry.path: ObjectId(entry.md5) for entry in self.entries}

    def version(self, number: int, *, date: str, by: str, note: str | None) -> Version:
        """Return it as an entry of a ledger."""
        return Version(
            version=number, md5=str(self.oid), size=self.size, nfiles=self.nfiles,
            sha256=self.digests.get("sha256"), sha1=self.digests.get("sha1"),
            blake3=self.digests.get("blake3"), date=date, by=by, note=note,
        )  # fmt: skip

    def out(self, name: str, *, executable: bool = False) -> dict[str, Any]:
        """Return what DVC writes of it, in DVC's order."""
        return known(
            md5=str(self.oid), size=self.size, nfiles=self.nfiles,
            isexec=True if executable else None, hash="md5", path=name,
        )  # fmt: skip


def build_changes(
    session: Session, drafts: Sequence[Draft], contents: Sequence[Content], new: Sequence[int]
) -> ChangeSet:
    """Make the files of new datasets and versions; pointers come last.

    Parameters
    ----------
    session : Session
        The registry, just refreshed.
    drafts, contents : sequences
        What is deposited.
    new : sequence of int
        Which of them are to be written.
    """
    changes = ChangeSet()
    ignored: dict[str, list[str]] = {}
    date, by = now(), who(session)
    for n in new:
        folder, _, name = drafts[n].place.rpartition("/")
        ignored.setdefault(folder, []).append(name)
        if (entries := contents[n].entries) is not None:
            changes.write(f"{drafts[n].place}{MANIFEST_SUFFIX}", dump_manifest(entries))
    for folder, names in ignored.items():
        before = session.reader.read_file(f"{folder}/.gitignore")
        changes.write(f"{folder}/.gitignore", with_ignored(before, *names))
    for n in new:
        each, content = drafts[n], contents[n]
        if each.item is None:
            data = _new_pointer(session, each, content, date, by)
        else:
            data = _new_version(session, each, content, date, by)
        changes.write(each.pointer, data)
    return changes


def add_collection(
    session: Session, changes: ChangeSet, folder: str, *, license_: str | None
) -> None:
    """Add the file of a new collection, if it has none."""
    path = collection_path(folder)
    if session.reader.read_file(path) is None:
        title = folder.split("/")[1]
        changes.write(
            path,
            dump_document(
                {"title": title, "license": license_ or UNKNOWN_LICENSE}, schema="collection"
            ),
        )


def collection_path(folder: str) -> str:
    """Return the file of the collection that a folder belongs to."""
    return f"{DATA}{folder.split('/')[1]}/{COLLECTION_FILE}"


def _new_pointer(session: Session, each: Draft, content: Content, date: str, by: str) -> bytes:
    said = each.source.said
    record = Record(
        id=each.id,
        dtype=said.dtype,
        title=said.title,
        description=said.description,
        license=said.license,
        created_by=said.created_by or by,
        created_on=said.created_on or date,
        metadata=said.metadata,
        derived_from=said.derived_from,
    ).with_version(content.version(1, date=date, by=by, note=said.note))
    executable = content.executable and _is_at_place(session, each)
    document = {
        "outs": [content.out(each.name, executable=executable)],
        "meta": {"neurogister": record.as_mapping()},
    }
    return _checked(dump_document(document), each.pointer)


def _is_at_place(session: Session, each: Draft) -> bool:
    """Tell whether the user's file is the one in the work tree, where DVC sees its permissions."""
    root = session.reader.worktree
    return root is not None and each.source.path == root.joinpath(*each.place.split("/"))


def _checked(data: bytes, path: str) -> bytes:
    """Return what is to be written, if we can read it ourselves."""
    Pointer.from_document(check_document(data, path), path)
    return data


def _new_version(session: Session, each: Draft, content: Content, date: str, by: str) -> bytes:
    found = session.reader.find_place(each.place)
    item = found[0] if found else each.item
    assert item is not None  # noqa: S101 - for mypy
    before = session.reader.read_file(each.pointer) or b""
    ledger = old_versions(session, item)
    version = content.version(_next(ledger), date=date, by=by, note=each.source.said.note)

    def edit(document: Any) -> None:
        out = document["outs"][0]
        wanted = content.out(out["path"])
        for name in ("md5", "size", "nfiles"):
            if name in wanted:
                out[name] = wanted[name]
            else:
                out.pop(name, None)
        record = record_in(document)
        if record.get("id") is None:
            put_field(record, "id", str(each.id))
        put_field(record, "version", version.version)
        if not record.get("versions"):
            put_field(record, "versions", [one.as_mapping() for one in ledger])
        record["versions"].append(version.as_mapping())
        set_fields(record, each.source.said)

    return _checked(edit_document(before, each.pointer, edit), each.pointer)


def record_in(document: Any) -> Any:
    """Return the record in a document: the block of a pointer (made if need be), or all of it."""
    if "outs" not in document:
        return document
    for key in ("meta", "neurogister"):
        if document.get(key) is None:  # a key without a value is none
            document[key] = {}
        document = document[key]
    return document


def set_fields(record: Any, said: Said) -> None:
    """Change the fields of a record that something is said of; metadata key by key."""
    for name in ("dtype", "title", "description", "license"):
        if (value := getattr(said, name)) is not None:
            put_field(record, name, value)
    if said.derived_from:
        put_field(record, "derived_from", list(said.derived_from))
    if said.metadata:
        if record.get("metadata") is None:
            put_field(record, "metadata", {})
        merge_into(record["metadata"], said.metadata)


def put_field(record: Any, name: str, value: object) -> None:
    """Set a field of a record in a file; a new one where records usually have it."""
    if name not in record and hasattr(record, "insert"):  # of ruamel.yaml, which keeps the order
        later = FIELDS[FIELDS.index(name) + 1 :]
        keys = list(record)
        position = next((n for n, key in enumerate(keys) if key in later), len(keys))
        record.insert(position, name, value)
    else:
        record[name] = value


def merge_into(target: Any, values: Mapping[str, Any]) -> None:
    """Set keys in a mapping that is kept; nested mappings are merged."""
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), Mapping):
            merge_into(target[key], value)
        else:
            target[key] = value


def old_versions(session: Session, item: Dataset) -> list[Version]:
    """Return all versions so far: from the ledger, or from git where there is none."""
    return list(item.versions) or session.reader.history_versions(item)


def _next(ledger: Sequence[Version]) -> int:
    numbers = [each.version for each in ledger if isinstance(each.version, int)]
    return max(numbers, default=0) + 1


def last_version(session: Session, item: Dataset) -> int:
    """Return the number of the newest version."""
    return _next(old_versions(session, item)) - 1
