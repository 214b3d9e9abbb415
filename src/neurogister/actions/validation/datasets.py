"""The datasets that packages name, and the files that each of their versions has, as git knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ...backends.gitvalues import FILE_MODES
from ...model.listing import Entry, listing_md5
from ...model.manifest import read_rows
from ...model.pointer import SUFFIX
from ...registry.layout import DATA, MANIFEST_SUFFIX, YAML_SUFFIX, is_package_place, place_of
from .submission import MANIFEST_LIMIT, WITH_RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.ledger import Version
    from .reading import Document
    from .submission import Submission


@dataclass(frozen=True, slots=True)
class Content:
    """One version of a dataset, as far as git knows it.

    Parameters
    ----------
    md5 : str
        With ``.dir`` for a folder.
    entries : tuple of Entry, optional
        Its files, of a single file one with an empty path; None if git does not know them.
    """

    md5: str
    entries: tuple[Entry, ...] | None

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.md5.endswith(".dir")


class Datasets:
    """Finds datasets by identifier or name, as they will be after the merge.

    Parameters
    ----------
    submission : Submission
        Where.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._contents: dict[tuple[str, str], tuple[Entry, ...] | None] = {}

    def find(self, name: str) -> Document | None:
        """Return the file of a dataset; None if there is none that can be read."""
        plain = name.removeprefix(DATA)
        for path in (f"{DATA}{plain}{SUFFIX}", f"{DATA}{plain}{YAML_SUFFIX}"):
            document = self._submission.document(path)
            if document is not None and document.error is None:
                return document
        for path in sorted(self._paths.get(name.casefold(), ())):
            document = self._submission.document(path)
            if document is not None and document.id == name.casefold():
                return document
        return None

    def version(self, document: Document, version: int | str | None) -> Version | None:
        """Return the entry of a ledger; the last one without a version, None if there is none."""
        record = document.record()
        versions = record.versions if record is not None else ()
        if version is None:
            return versions[-1] if versions else None
        return next((each for each in versions if str(each.version) == str(version)), None)

    def content(self, document: Document, version: int | str | None) -> Content | None:
        """Return what a version of a dataset has; None if it is not known, or outside DVC."""
        entry = self.version(document, version)
        pointer = document.pointer()
        if entry is None or entry.md5 is None:
            if pointer is None or version is not None:
                return None
            md5, size = pointer.digest, pointer.size
        else:
            md5, size = entry.md5, entry.size
        if not md5.endswith(".dir"):
            sha256 = entry.sha256 if entry is not None else None
            return Content(md5, (Entry("", md5, size, sha256),))
        key = (document.path, md5)
        if key not in self._contents:
            self._contents[key] = self._listed(document, md5.removesuffix(".dir"))
        return Content(md5, self._contents[key])

    def content_of_all(self, document: Document) -> Content | None:
        """Return what all versions of a dataset have together; None if that is not known."""
        record = document.record()
        versions = record.versions if record is not None else ()
        found = [self.content(document, each.version) for each in versions]
        entries: list[Entry] = []
        for each in found:
            if each is None or each.entries is None:
                return None
            entries += each.entries
        return Content(found[-1].md5, tuple(entries)) if found and found[-1] else None

    @cached_property
    def _paths(self) -> dict[str, set[str]]:
        """Where each identifier may be: in what is changed, and in the base."""
        submission = self._submission
        found: dict[str, set[str]] = {}
        for document in submission.documents(*WITH_RECORDS):
            if document.id is not None and not is_package_place(place_of(document.path)):
                found.setdefault(document.id, set()).add(document.path)
        for key, oid, path in submission.given:
            entry = submission.tree.get(path)
            if entry is not None and entry.oid == oid:
                found.setdefault(key, set()).add(path)
        return found

    def _listed(self, document: Document, md5: str) -> tuple[Entry, ...] | None:
        """Return the files of a folder by a manifest that makes its very listing."""
        for data in self._manifests(document):
            rows, faults = read_rows(data)
            entries = tuple(entry for _, entry in rows)
            if not faults and listing_md5(entries) == md5:
                return entries
        return None

    def _manifests(self, document: Document) -> Iterator[bytes]:
        """Give the manifests that a dataset has and had: now, in the base, in history."""
        submission = self._submission
        path = f"{place_of(document.path)}{MANIFEST_SUFFIX}"
        for tree in (submission.tree, submission.base_tree):
            if (data := submission.manifest(path, tree)) is not None:
                yield data
        places = {place_of(path) for key, _, path in submission.given if key == document.id}
        places.add(place_of(document.path))
        seen: set[str] = set()
        for commit in dict.fromkeys((submission.head, submission.base)):
            for place in sorted(places) if commit is not None else ():
                log = submission.repository.log(str(commit), f"{place}{MANIFEST_SUFFIX}")
                for each in reversed(log):
                    if each.blob and each.mode in FILE_MODES and each.blob not in seen:
                        seen.add(each.blob)
                        data = submission.content(each.blob, limit=MANIFEST_LIMIT)
                        if data is not None:
                            yield data
