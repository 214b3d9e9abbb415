"""Packages: members that exist, and releases that hold just what their members have."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import InvalidFileError
from ...model.clashes import find_clashes
from ...model.fields import Fields
from ...model.ledger import as_version
from ...model.listing import Entry, listing_md5
from ...model.manifest import read_rows
from ...model.package import Member, PackageFile
from ...model.paths import fold
from ...model.pointer import SUFFIX
from ...registry.layout import (
    MANIFEST,
    MANIFEST_SUFFIX,
    PACKAGE,
    POINTER,
    YAML_SUFFIX,
    is_package_place,
    place_of,
)
from ..entries import matches_part
from ..members import placed
from ..outdated import split_name
from .datasets import Content, Datasets
from .reading import finding
from .submission import MAINTAINER, WITH_RECORDS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ...model.finding import Finding
    from ...model.ledger import Version
    from ...model.pointer import Pointer
    from .reading import Document
    from .submission import Submission

_MOST = 20


@dataclass(frozen=True, slots=True)
class _Released:
    """The newest release of a package."""

    file: Document
    said: PackageFile
    version: Version
    pointer: Pointer
    is_new: bool


def check_packages(submission: Submission) -> Iterator[Finding]:
    """Check the packages that are added or changed, and those that a withdrawal is about."""
    datasets = Datasets(submission)
    for place in _places(submission):
        file = submission.document(f"{place}{YAML_SUFFIX}")
        pointer = submission.document(f"{place}{SUFFIX}")
        if file is None:
            if pointer is not None:
                yield from _bare(submission, pointer)
        elif file.error is None and (said := _read(file)) is not None:
            if file.path in submission.by_path:
                yield from _members(submission, file, said, datasets)
            yield from _release(submission, file, said, pointer, datasets)
    yield from _withdrawn(submission)


def _places(submission: Submission) -> list[str]:
    found = set()
    for each in submission.changes:
        if each.kind in (PACKAGE, POINTER):
            found.add(place_of(each.path))
        elif each.kind == MANIFEST:
            found.add(each.path.removesuffix(MANIFEST_SUFFIX))
    return sorted(place for place in found if is_package_place(place))


def _read(document: Document | None) -> PackageFile | None:
    if document is None or document.error is not None or not isinstance(document.value, dict):
        return None
    try:
        return PackageFile.from_fields(Fields(document.value, document.path))
    except InvalidFileError:
        return None  # `documents` tells of it


def _old(submission: Submission, path: str) -> Document | None:
    change = submission.by_path.get(path)
    if change is None:
        return submission.document(path)
    return submission.old_document(change)


def _bare(submission: Submission, document: Document) -> Iterator[Finding]:
    """A pointer alone is how old stores have packages: nobody can tell what is in it."""
    now = document.pointer()
    old = _old(submission, document.path)
    was = old.pointer() if old is not None and old.error is None else None
    if submission.base is None or now is None or (was and was.digest == now.digest):
        return
    severity = "warning" if submission.scope == MAINTAINER else "error"
    yield finding("package-bare", document, "has no file beside it that says what it is made of",
                  severity=severity)  # fmt: skip


def _members(
    submission: Submission, file: Document, said: PackageFile, datasets: Datasets
) -> Iterator[Finding]:
    for number, member in enumerate(said.members):
        for rule, reason in _problem(submission, member, datasets):
            yield finding(rule, file, f"the member {member}: {reason}", keys=("members", number),
                          offending=str(member))  # fmt: skip
    by_name = {str(each): each for each in said.members}
    for owner, other, why in find_clashes((each.path, name) for name, each in by_name.items()):
        # two folders may lie in each other
        if "both a file and a folder" not in why or _is_single(by_name[owner], datasets):
            yield finding("package-path", file, f"{owner} and {other}: {why}", keys=("members",))


def _is_single(member: Member, datasets: Datasets) -> bool:
    """Tell whether a member is one file."""
    document = datasets.find(member.dataset)
    content = None if document is None else datasets.content(document, member.version)
    if content is None:
        return False
    return not content.is_dir or any(each.path == member.part for each in content.entries or ())


def _problem(
    submission: Submission, member: Member, datasets: Datasets
) -> Iterator[tuple[str, str]]:
    document = datasets.find(member.dataset)
    if document is None:
        yield "package-member", "there is no such dataset"
        return
    if _was_withdrawn(submission, document):
        yield "package-withdrawn", "it was withdrawn"
        return
    record = document.record()
    ledger = record.versions if record is not None else ()
    if member.version is not None and ledger and not datasets.version(document, member.version):
        yield "package-member", f"its ledger has no version {member.version}"
        return
    content = datasets.content(document, member.version) if member.part is not None else None
    if content is None or member.part is None:
        return
    if not content.is_dir:
        yield "package-member", f"it is a single file, and has no part {member.part!r}"
    elif content.entries is not None and not any(
        matches_part(each.path, member.part) for each in content.entries
    ):
        yield "package-member", f"nothing in it is {member.part!r}"


def _is_withdrawn(document: Document | None) -> bool:
    record = document.record() if document is not None and document.error is None else None
    return record is not None and record.status == "withdrawn"


def _was_withdrawn(submission: Submission, document: Document) -> bool:
    """Tell whether a dataset was withdrawn already: not by this very submission."""
    if submission.base is None or not _is_withdrawn(document):
        return False
    place = place_of(document.path)
    return any(
        _is_withdrawn(submission.document(f"{place}{end}", submission.base_tree))
        for end in (SUFFIX, YAML_SUFFIX)
    )


def _release(
    submission: Submission,
    file: Document,
    said: PackageFile,
    document: Document | None,
    datasets: Datasets,
) -> Iterator[Finding]:
    pointer = document.pointer() if document is not None and document.error is None else None
    if document is None or pointer is None or not said.record.versions:
        return  # `ledgers` tells of it
    last = said.record.versions[-1]
    own = pointer.record.version if pointer.record is not None else None
    if own is not None and own != last.version:
        yield finding(
            "ledger-current", document, f"calls itself version {own}, and the last one is"
            f" {last.version}", keys=("meta", "neurogister", "version"),
        )  # fmt: skip
    old = _read(_old(submission, file.path))
    is_new = old is None or last not in old.record.versions
    released = _Released(file, said, last, pointer, is_new)
    if pointer.digest == last.md5:
        yield from _lock(submission, released, datasets)


def _lock(submission: Submission, released: _Released, datasets: Datasets) -> Iterator[Finding]:
    """Compare the files of a release with those that its members have."""
    place = place_of(released.file.path)
    path = f"{place}{MANIFEST_SUFFIX}"
    contents = yield from _contents(submission, released, datasets)
    expected = _expected(released, datasets)
    data = submission.manifest(path)
    if data is None:
        made = listing_md5(expected) if expected is not None else None
        if released.is_new and made != released.pointer.md5:
            severity = "warning" if submission.base is None else "error"
            yield finding("manifest-missing", f"{place}{SUFFIX}", f"{path} is missing",
                          severity=severity)  # fmt: skip
        return
    rows, faults = read_rows(data)
    entries = [entry for _, entry in rows]
    if faults or listing_md5(entries) != released.pointer.md5 or not contents:
        return  # `manifests` tells of it
    problems = list(_rows(path, rows, contents))
    yield from problems
    if not problems and released.is_new and expected is not None and not _same(expected, entries):
        yield finding(
            "package-stale", released.file, f"{released.version.version} has other files or paths"
            " than its members give now", keys=("members",),
        )  # fmt: skip


def _same(some: list[Entry], others: list[Entry]) -> bool:
    return {each.path: each.md5 for each in some} == {each.path: each.md5 for each in others}


def _contents(
    submission: Submission, released: _Released, datasets: Datasets
) -> Generator[Finding, None, dict[str, Content | None]]:
    """Give findings about the members of a release; return what each of them has."""
    found: dict[str, Content | None] = {}
    names = released.version.members or tuple(str(each) for each in _whole(released.said.members))
    for name in names:
        base, version = split_name(name)
        document = datasets.find(base)
        if document is None:
            found[name] = None
            if released.is_new and submission.base is not None:
                yield finding("package-member", released.file, f"{released.version.version} is made"
                              f" of {name}, and there is no such dataset")  # fmt: skip
            continue
        if released.is_new and _was_withdrawn(submission, document):
            yield finding("package-withdrawn", released.file, f"{released.version.version} is made"
                          f" of {name}, which was withdrawn")  # fmt: skip
        record = document.record()
        wanted = as_version(version)
        if wanted is not None and record is not None and not datasets.version(document, wanted):
            found[name] = None
            if released.is_new:
                yield finding("package-member", released.file, f"{released.version.version} is made"
                              f" of {name}, which its ledger does not have")  # fmt: skip
            continue
        if released.version.zip is not None and name == released.version.zip.dataset:
            continue  # what the release is delivered as; its files are those of the others
        # a release that does not tell the version may have any of them
        any_of_them = wanted is None and record is not None and len(record.versions) > 1
        found[name] = (
            datasets.content_of_all(document) if any_of_them else datasets.content(document, wanted)
        )
    return found


def _whole(members: tuple[Member, ...]) -> Iterator[Member]:
    for each in members:
        yield Member(each.dataset, each.path, None, each.version)


def _expected(released: _Released, datasets: Datasets) -> list[Entry] | None:
    """Return what the present members give, in the versions of the release; None if unknown."""
    versions = dict(split_name(name) for name in released.version.members)
    found: list[Entry] = []
    for member in released.said.members:
        document = datasets.find(member.dataset)
        version = member.version or as_version(versions.get(member.dataset))
        content = datasets.content(document, version) if document is not None else None
        if content is None or content.entries is None:
            return None
        if not content.is_dir:
            found.append(Entry(member.path, content.entries[0].md5, content.entries[0].size))
        else:
            found += placed(member.path, content.entries, member.part)
    return found


def _rows(
    path: str, rows: list[tuple[int, Entry]], contents: dict[str, Content | None]
) -> Iterator[Finding]:
    sizes: dict[str, int | None] = {}
    unknown = []
    for name, content in contents.items():
        if content is None or content.entries is None:
            unknown.append(name)
        else:
            sizes |= {each.md5: each.size for each in content.entries}
    strange = [(line, entry) for line, entry in rows if entry.md5 not in sizes]
    if strange and unknown:
        some = ", ".join(unknown[:3])
        yield finding(
            "package-lock", path, f"{len(strange):,} files cannot be compared: git does not know"
            f" what is in {some}", severity="warning",
        )  # fmt: skip
        strange = []
    for line, entry in strange[:_MOST]:
        yield finding("package-lock", path, f"line {line}: {entry.path!r} is no file of the members"
                      " of this release", line=line, offending=entry.md5)  # fmt: skip
    for line, entry in rows:
        size = sizes.get(entry.md5)
        if size is not None and entry.size is not None and size != entry.size:
            yield finding("package-lock", path, f"line {line}: {entry.path!r} has {size:,} bytes in"
                          " its dataset", line=line, offending=str(entry.size))  # fmt: skip
    used = {entry.md5 for _, entry in rows}
    for name, content in contents.items():
        entries = content.entries if content is not None else None
        if entries and not any(each.md5 in used for each in entries):
            yield finding(
                "package-lock", path, f"has nothing of {name}, which the ledger names as a member"
            )


def _withdrawn(submission: Submission) -> Iterator[Finding]:
    """Warn of each dataset that is withdrawn here and now, and in packages."""
    gone = [
        document
        for document in submission.documents(*WITH_RECORDS)
        if submission.base is not None
        and _is_withdrawn(document)
        and not _was_withdrawn(submission, document)
    ]
    if not gone:
        return
    users: dict[str, list[str]] = defaultdict(list)
    packages = [path for path in submission.tree if path.endswith(YAML_SUFFIX)
                and is_package_place(place_of(path))]  # fmt: skip
    submission.prefetch(packages)
    for path in packages:
        for name in _named(_read(submission.document(path))):
            users[fold(name)].append(place_of(path))
    for document in gone:
        keys = {fold(place_of(document.path).removeprefix("data/")), document.id}
        having = sorted({place for key in keys if key for place in users.get(key, ())})
        if having:
            yield finding("package-withdrawn", document, "is withdrawn, and a member of"
                          f" {', '.join(having[:10])}", severity="warning")  # fmt: skip


def _named(said: PackageFile | None) -> set[str]:
    if said is None:
        return set()
    released = {split_name(name)[0] for each in said.record.versions for name in each.members}
    return released | {each.dataset for each in said.members}
