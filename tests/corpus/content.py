"""Published content and its ledger: what was given out stays what it was."""

from tests.corpus.cases import each, harmless, hostile
from tests.corpus.draft import Draft
from tests.factories import digest_file

A, B, DWI = "data/c/a.bin.dvc", "data/c/b.bin.dvc", "data/c/dwi.dvc"
PLAIN = "data/plain/old.bin.dvc"
_OLD, _BAD = digest_file(b"a\n"), digest_file(b"other\n")


def _swap(text: str) -> str:
    return text.replace(_OLD.md5, _BAD.md5).replace(_OLD.sha256, _BAD.sha256).replace(
        f"size: {_OLD.size}", f"size: {_BAD.size}")  # fmt: skip


@hostile("ledger-current", A)
def content_changed_in_the_pointer(draft: Draft) -> None:
    draft.replace(A, _OLD.md5, _BAD.md5, 1)


@hostile("ledger-rewritten", A)
def content_changed_everywhere(draft: Draft) -> None:
    draft.put(A, _swap(draft.read(A)))


@hostile("ledger-rewritten", A)
def only_the_sha256_changed(draft: Draft) -> None:
    draft.replace(A, _OLD.sha256, _BAD.sha256)


@hostile("ledger-rewritten", A)
def sha256_taken_away(draft: Draft) -> None:
    draft.replace(A, f"      sha256: {_OLD.sha256}\n", "")


@hostile("ledger-rewritten", A)
def size_changed_everywhere(draft: Draft) -> None:
    draft.replace(A, f"size: {_OLD.size}", "size: 9")


@hostile("ledger-rewritten", "data/c/renamed.bin.dvc")
def content_changed_by_rename(draft: Draft) -> None:
    draft.put(
        "data/c/renamed.bin.dvc", _swap(draft.read(A)).replace("path: a.bin", "path: renamed.bin")
    )
    draft.remove(A)


@hostile("ledger-rewritten", A)
def two_datasets_swapped(draft: Draft) -> None:
    one, other = draft.read(A), draft.read("data/c/t1.nii.gz.dvc")
    draft.put(A, other.replace("path: t1.nii.gz", "path: a.bin").replace("id: mni-t1", "id: a-one"))
    draft.put("data/c/t1.nii.gz.dvc",
              one.replace("path: a.bin", "path: t1.nii.gz").replace("id: a-one", "id: mni-t1"))  # fmt: skip


@hostile("content-changed", PLAIN)
def plain_content_changed(draft: Draft) -> None:
    draft.replace(PLAIN, digest_file(b"old\n").md5, _BAD.md5)


@hostile("content-changed ledger-rewritten", PLAIN)
def plain_content_changed_as_it_gets_a_record(draft: Draft) -> None:
    draft.dataset("plain/old.bin", b"other\n", id="newly-named")


@hostile("content-changed ledger-rewritten dataset-removed", PLAIN)
def plain_dataset_replaced_by_a_resource(draft: Draft) -> None:
    draft.remove(PLAIN)
    draft.put("data/plain/old.bin.yaml", "id: newly-named\ndtype: any\nversion: 1\nversions:\n"
              f"- version: 1\n  md5: {_BAD.md5}\n  size: 6\n")  # fmt: skip


@hostile("ledger-rewritten", B)
def first_version_deleted(draft: Draft) -> None:
    text = draft.read(B)
    start = text.index("    - version: 1")
    draft.put(B, text[:start] + text[text.index("    - version: 2") :])


@hostile("ledger-rewritten", B)
def last_version_deleted(draft: Draft) -> None:
    text = draft.read(B)
    start, end = text.index("    - version: 2"), text.index("    dtype:")
    draft.put(B, (text[:start] + text[end:]).replace("    version: 2", "    version: 1", 1))


@hostile("ledger-rewritten", B)
def note_of_a_version_changed(draft: Draft) -> None:
    draft.replace(B, "note: better", "note: worse")


@hostile("ledger-rewritten", B)
def date_of_a_version_changed(draft: Draft) -> None:
    draft.replace(B, "date: '2024-01-01'", "date: '2020-01-01'", 1)


@hostile("ledger-rewritten ledger-order", B)
def versions_in_another_order(draft: Draft) -> None:
    text = draft.read(B)
    one, two, end = (
        text.index(f"    {each}") for each in ("- version: 1", "- version: 2", "dtype:")
    )
    draft.put(B, text[:one] + text[two:end] + text[one:two] + text[end:])


@hostile("ledger-order", B)
def version_twice(draft: Draft) -> None:
    text = draft.read(B)
    two, end = text.index("    - version: 2"), text.index("    dtype:")
    draft.put(B, text[:end] + text[two:end] + text[end:])


@hostile("ledger-order", A)
def version_left_out(draft: Draft) -> None:
    _add_version(draft, 3)


@hostile("ledger-order record", A)
def version_lower(draft: Draft) -> None:
    _add_version(draft, 0)


@hostile("ledger-order schema record", A)
def version_as_text(draft: Draft) -> None:
    _add_version(draft, "'2'")


@hostile("ledger-order schema record", A)
def version_a_fraction(draft: Draft) -> None:
    _add_version(draft, "1.10")


@hostile("ledger-current", A)
def version_added_and_the_pointer_left(draft: Draft) -> None:
    text = draft.read(A)
    _add_version(draft, 2)
    draft.put(A, text.partition("meta:")[0] + "meta:" + draft.read(A).partition("meta:")[2])


@hostile("ledger-rewritten record schema", A)
def ledger_emptied(draft: Draft) -> None:
    text = draft.read(A)
    draft.put(
        A,
        text[: text.index("    versions:")]
        + "    versions: []\n"
        + text[text.index("    dtype:") :],
    )


@hostile("ledger-rewritten record schema", A)
def ledger_taken_away(draft: Draft) -> None:
    text = draft.read(A)
    draft.put(A, text[: text.index("    versions:")] + text[text.index("    dtype:") :])


@hostile("ledger-rewritten", "data/c/gone.bin.yaml")
def ledger_of_a_tombstone_changed(draft: Draft) -> None:
    draft.replace("data/c/gone.bin.yaml", "size: 5", "size: 6")


@hostile("ledger-rewritten", "data/c/a.bin.yaml")
def tombstone_with_another_ledger(draft: Draft) -> None:
    draft.remove(A)
    draft.put("data/c/a.bin.yaml", "id: a-one\nversion: 1\nversions:\n- version: 1\n"
              f"  md5: {_BAD.md5}\n  size: 6\nstatus: withdrawn\nwithdrawn: {{reason: x}}\n")  # fmt: skip


each("record schema", A, {
    "status_unknown": lambda d: d.replace(A, "status: active", "status: deleted"),
    "version_of_the_record_is_text": lambda d: d.replace(A, "    version: 1", "    version: x", 1),
    "title_is_a_number": lambda d: d.append(A, "    title: 7\n"),
    "created_on_is_no_date": lambda d: d.replace(A, "created_on: '2024-01-01'", "created_on: soon"),
    "metadata_is_a_list": lambda d: d.append(A, "    metadata: [1]\n"),
})  # fmt: skip


def _add_version(draft: Draft, version: object) -> None:
    text = draft.read(A)
    end = text.index("    dtype:")
    entry = (
        f"    - version: {version}\n      md5: {_BAD.md5}\n      size: {_BAD.size}\n"
        f"      sha256: {_BAD.sha256}\n      date: '2025-01-01'\n      by: Me\n"
    )
    head, meta, rest = (text[:end] + entry + text[end:]).partition("meta:")
    head = head.replace(_OLD.md5, _BAD.md5).replace(f"size: {_OLD.size}", f"size: {_BAD.size}")
    rest = rest.replace("    version: 1\n", f"    version: {version}\n", 1)
    draft.put(A, head + meta + rest)


@harmless
def new_version_by_hand(draft: Draft) -> None:
    _add_version(draft, 2)


@harmless
def description_and_title_changed(draft: Draft) -> None:
    draft.append(A, "    title: A better title\n    description: More of it\n")


@harmless
def dataset_moved_by_hand(draft: Draft) -> None:
    draft.put("data/c/moved.bin.dvc", draft.read(A).replace("path: a.bin", "path: moved.bin"))
    draft.remove(A)


@harmless
def plain_dataset_gets_a_record(draft: Draft) -> None:
    draft.dataset("plain/old.bin", b"old\n", id="newly-named")


@harmless
def deprecated(draft: Draft) -> None:
    draft.replace(A, "status: active", "status: deprecated")
