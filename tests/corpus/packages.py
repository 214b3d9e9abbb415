"""Packages, vendors and manifests: what they say of datasets must be true."""

from tests.corpus.cases import each, hostile
from tests.corpus.draft import Draft
from tests.factories import digest_file

YAML, POINTER, VENDOR = "store/acme/tests.yaml", "store/acme/tests.dvc", "store/acme/vendor.yaml"
MANIFEST = "data/c/folder.manifest.csv"


def _members(text: str):
    """Write a package that was not released yet, with some members."""
    whole = f"title: x\npurpose: tests\ndescription: x\nlicense: CC0-1.0\nversions: []\nmembers:\n{text}"
    return lambda draft: draft.put("store/acme/new.yaml", whole)


each("package-member package-path package-withdrawn record", "store/acme/new.yaml", {
    "member_missing": _members("- dataset: nobody\n  path: x\n"),
    "member_withdrawn": _members("- dataset: gone-for-good\n  path: x\n"),
    "member_path_climbs": _members("- dataset: a-one\n  path: ../x\n"),
    "member_path_absolute": _members("- dataset: a-one\n  path: /x\n"),
    "member_path_into_git": _members("- dataset: a-one\n  path: .git/hooks/pre-commit\n"),
    "member_path_into_git_in_capitals": _members("- dataset: a-one\n  path: x/.GIT/config\n"),
    "member_path_with_bidi": _members('- dataset: a-one\n  path: "a\\u202eb"\n'),
    "members_collide": _members("- dataset: a-one\n  path: x\n- dataset: b-two\n  path: x\n"),
    "members_collide_in_case": _members("- dataset: a-one\n  path: x\n- dataset: b-two\n  path: X\n"),
    "member_is_file_and_folder": _members("- dataset: a-one\n  path: x\n- dataset: b-two\n  path: x/y\n"),
    "member_part_missing": _members("- dataset: dwi-one\n  part: none.txt\n  path: x\n"),
    "member_part_climbs": _members("- dataset: dwi-one\n  part: ../../x\n  path: x\n"),
    "member_version_missing": _members("- dataset: a-one\n  version: 9\n  path: x\n"),
    "member_is_text": _members("- a-one\n"),
})  # fmt: skip
each("ledger-rewritten", YAML, {
    "released_version_changed": lambda d: d.replace(
        YAML, "version: '1.0.0'\n", "version: '1.0.0'\n  note: other\n"),
    "released_version_deleted": lambda d: d.put(YAML, _without_first(d.read(YAML))),
    "released_digest_changed": lambda d: d.put(YAML, _other_md5(d.read(YAML))),
})  # fmt: skip
each(
    "ledger-order",
    YAML,
    {
        "version_doubled": lambda d: d.append(YAML, _version("1.1.0")),
        "version_lower_than_the_last": lambda d: d.append(YAML, _version("1.0.5")),
        "version_a_candidate_of_the_last": lambda d: d.append(YAML, _version("1.1.0-rc.1")),
        "version_differs_in_build_only": lambda d: d.append(YAML, _version("1.1.0+2")),
    },
)
each(
    "schema record ledger-order",
    YAML,
    {
        "version_without_quotes": lambda d: d.append(YAML, _version("1.10")),
        "version_with_a_letter": lambda d: d.append(YAML, _version("v2.0.0")),
        "version_with_a_zero_in_front": lambda d: d.append(YAML, _version("1.02.0")),
        "version_of_a_package_a_number": lambda d: d.append(YAML, _version("2")),
    },
)


def _version(number: str) -> str:
    return f"- version: {number}\n  md5: {'a' * 32}.dir\n  size: 1\n  nfiles: 1\n  date: '2025-01-01'\n  by: M\n"


def _without_first(text: str) -> str:
    start = text.index("- version: '1.0.0'")
    return text[:start] + text[text.index("- version: '1.1.0'") :]


def _other_md5(text: str) -> str:
    start = text.index("md5: ") + 5
    return text[:start] + "0" * 32 + text[start + 32 :]


@hostile("ledger-current", YAML)
def package_pointer_removed(draft: Draft) -> None:
    draft.remove(POINTER)


@hostile("ledger-current", POINTER)
def package_pointer_of_other_content(draft: Draft) -> None:
    draft.put(POINTER, _other_md5(draft.read(POINTER)))


@hostile("dataset-removed", YAML)
def package_file_removed(draft: Draft) -> None:
    draft.remove(YAML)


@hostile("dataset-removed", YAML)
def package_removed(draft: Draft) -> None:
    draft.remove(YAML)
    draft.remove(POINTER)


@hostile("dataset-removed", YAML)
def package_moved(draft: Draft) -> None:
    for ending in ("yaml", "dvc"):
        draft.put(f"store/acme/renamed.{ending}",
                  draft.read(f"store/acme/tests.{ending}").replace("path: tests", "path: renamed"))  # fmt: skip
        draft.remove(f"store/acme/tests.{ending}")


@hostile("manifest-missing manifest-digest", POINTER)
def released_content_is_not_that_of_the_members(draft: Draft) -> None:
    draft.append(
        YAML, _version("2.0.0").replace("size: 1", "size: 4").replace("nfiles: 1", "nfiles: 2")
    )
    text = draft.read(POINTER)
    start = text.index("md5: ") + 5
    end = text.index("  nfiles")
    draft.put(POINTER, text[:start] + f"{'a' * 32}.dir\n  size: 4\n" + text[end:])


@hostile("pointer", POINTER)
def package_pointer_in_place_of_an_unreleased_one(draft: Draft) -> None:
    _members("- dataset: a-one\n  path: x\n")(draft)
    draft.put("store/acme/tests.dvc", draft.read(POINTER).replace("path: tests", "path: ../tests"))


# Vendors.


@hostile("vendor-other", YAML, actor="mallory")
def package_of_another_vendor_changed(draft: Draft) -> None:
    draft.append(YAML, _version("2.0.0"))
    draft.put(POINTER, _other_md5(draft.read(POINTER)))


@hostile("vendor-other", VENDOR, actor="mallory")
def owners_of_another_vendor_changed(draft: Draft) -> None:
    draft.replace(VENDOR, "github: ada", "github: mallory")


@hostile("vendor-other", "store/acme/mine.yaml", actor="mallory")
def package_added_to_another_vendor(draft: Draft) -> None:
    _members("- dataset: a-one\n  path: x\n")(draft)
    draft.move("store/acme/new.yaml", "store/acme/mine.yaml")


@hostile("vendor-name", "store/evil/vendor.yaml")
def vendor_with_the_title_of_another(draft: Draft) -> None:
    draft.put("store/evil/vendor.yaml", draft.read(VENDOR))


@hostile("path-collision", "store/Acme/vendor.yaml")
def vendor_in_other_case(draft: Draft) -> None:
    draft.put("store/Acme/vendor.yaml", draft.read(VENDOR))


@hostile("vendor-file", VENDOR)
def vendor_removed(draft: Draft) -> None:
    draft.remove(VENDOR)


@hostile("vendor-name", "store/acrne")
def vendor_that_looks_alike_in_ascii(draft: Draft) -> None:
    text = "title: acrne\ndescription: x\nmaintainers:\n- name: M\n  github: m\n"
    draft.put("store/acrne/vendor.yaml", text)


each("schema", VENDOR, {
    "vendor_without_maintainers": lambda d: d.put(VENDOR, "title: acme\n"),
    "vendor_with_an_option_as_account": lambda d: d.replace(VENDOR, "github: ada", "github: --ada"),
    "vendor_with_another_line_for_codeowners": lambda d: d.replace(
        VENDOR, "github: ada", 'github: "ada\\n* @mallory"'),
})  # fmt: skip


# Manifests that lie.


def _rows(*rows: str):
    """Write a folder whose manifest has other rows than its listing."""
    text = "size,md5,sha256,path\n" + "".join(f"{row}\n" for row in rows)
    return lambda draft: draft.folder_dataset(manifest=text)


def _row(data: bytes, path: str) -> str:
    digests = digest_file(data)
    return f"{digests.size},{digests.md5},{digests.sha256},{path}"


_A, _B = _row(b"1", "a"), _row(b"2", "b")
each("manifest-row manifest-digest manifest-alone", MANIFEST, {
    "manifest_row_changed": _rows(_A, _row(b"3", "b")),
    "manifest_row_missing": _rows(_A),
    "manifest_row_more": _rows(_A, _B, _row(b"3", "c")),
    "manifest_row_twice": _rows(_A, _B, _B),
    "manifest_path_climbs": _rows(_A, _row(b"2", "../../b")),
    "manifest_path_absolute": _rows(_A, _row(b"2", "/etc/b")),
    "manifest_path_into_git": _rows(_A, _row(b"2", ".git/config")),
    "manifest_path_into_git_in_capitals": _rows(_A, _row(b"2", "x/.GIT/hooks/x")),
    "manifest_case_twins": _rows(_A, _row(b"2", "A")),
    "manifest_file_and_folder": _rows(_A, _row(b"2", "a/b")),
    "manifest_nfc_twins": _rows(_row(b"1", "ü"), _row(b"2", "u\u0308")),
    "manifest_sha256_missing": _rows(_A, f"1,{digest_file(b'2').md5},,b"),
    "manifest_empty": lambda d: d.folder_dataset(manifest="\n"),
    "manifest_without_header": lambda d: d.folder_dataset(manifest=f"{_A}\n{_B}\n"),
    "manifest_with_nul": _rows(_A, _row(b"2", "b\0")),
    "manifest_formula": _rows(_A, _row(b"2", "=HYPERLINK(1)")),
    "manifest_of_40000_and_2_declared": _rows(*(_row(b"1", f"f{n}") for n in range(40_000))),
    "manifest_3000_levels": _rows(_A, _row(b"2", "/".join("d" * 3000))),
    "manifest_not_utf8": lambda d: d.folder_dataset(manifest=b"size,md5,sha256,path\n\xff,,,\n"),
    "manifest_without_a_pointer": lambda d: d.put(MANIFEST, f"size,md5,sha256,path\n{_A}\n"),
})  # fmt: skip


each(
    "manifest-size",
    "data/c/folder.dvc",
    {
        "manifest_size_wrong": _rows(_A, _B.replace("1,", "7,", 1)),
    },
)


@hostile("manifest-missing", "data/c/folder.dvc")
def folder_without_manifest(draft: Draft) -> None:
    draft.folder_dataset()
    draft.remove(MANIFEST)


@hostile("manifest-digest", "data/c/dwi.manifest.csv")
def published_manifest_changed(draft: Draft) -> None:
    text = draft.read("data/c/dwi.manifest.csv")
    lines = text.splitlines(keepends=True)
    draft.put("data/c/dwi.manifest.csv", "".join(lines[:-1]))


@hostile("manifest-missing", "data/c/dwi.dvc")
def published_manifest_removed(draft: Draft) -> None:
    draft.remove("data/c/dwi.manifest.csv")
