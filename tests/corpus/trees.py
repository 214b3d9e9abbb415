"""Paths and modes: what git can hold and a registry must not."""

from tests.corpus.cases import each, harmless, hostile, unusual
from tests.corpus.draft import PROGRAM, Draft, Path_, pointer_text

A = "data/c/a.bin.dvc"


def _at(path: Path_, content: str = "x\n"):
    return lambda draft: draft.put(path, content)


@hostile("file-mode", A)
def pointer_is_a_symlink(draft: Draft) -> None:
    draft.link(A, "/etc/passwd")


@hostile("file-mode", "data/c/new.bin.dvc")
def new_pointer_is_a_symlink_to_another(draft: Draft) -> None:
    draft.link("data/c/new.bin.dvc", "a.bin.dvc")


@hostile("file-mode", "data/c/dwi")
def place_of_data_is_a_symlink(draft: Draft) -> None:
    draft.link("data/c/dwi", "../../.git")


@hostile("file-mode unexpected-file", "data/linked")
def collection_is_a_symlink(draft: Draft) -> None:
    draft.link("data/linked", "../.git/hooks")


@hostile("file-mode outside-submission", "data")
def data_itself_is_a_symlink(draft: Draft) -> None:
    draft.files = {p: e for p, e in draft.files.items() if not p.startswith(b"data/")}
    draft.link("data", "/tmp")


@hostile("file-mode", "data/c/collection.yaml")
def collection_file_is_a_symlink(draft: Draft) -> None:
    draft.link("data/c/collection.yaml", "../../.git/config")


@hostile("file-mode", "data/c/.gitignore")
def gitignore_is_a_symlink(draft: Draft) -> None:
    draft.link("data/c/.gitignore", "/etc/passwd")


@hostile("file-mode", "store/acme/vendor.yaml")
def vendor_file_is_a_symlink(draft: Draft) -> None:
    draft.link("store/acme/vendor.yaml", "../lab/beta/vendor.yaml")


@hostile("file-mode", "data/c/dwi.manifest.csv")
def manifest_is_a_symlink(draft: Draft) -> None:
    draft.link("data/c/dwi.manifest.csv", "/dev/zero")


@hostile("file-mode", "data/sub")
def submodule_in_data(draft: Draft) -> None:
    draft.submodule("data/sub")


@hostile("file-mode", A)
def submodule_in_place_of_a_pointer(draft: Draft) -> None:
    draft.submodule(A)


@hostile("file-mode", "data/c/new.bin.dvc")
def executable_pointer(draft: Draft) -> None:
    draft.put("data/c/new.bin.dvc", pointer_text("c/new.bin"), PROGRAM)


each(
    "file-mode outside-submission dvc-config dvc-private",
    ".dvc/cache",
    {
        "dvc_cache_is_a_symlink": lambda draft: (
            draft.dataset(),
            draft.link(".dvc/cache", "/home"),
        ),
    },
)
each("file-mode outside-submission dvc-config dvc-private", ".dvc/tmp", {
    "dvc_tmp_is_a_symlink": lambda draft: (draft.dataset(), draft.link(".dvc/tmp", "/home")),
})  # fmt: skip

_BAD_NAMES: dict[str, Path_] = {
    "git_in_data": "data/c/.git/config",
    "git_in_capitals": "data/c/.GIT/config",
    "git_of_windows": "data/c/git~1/config.dvc",
    "git_full_width": "data/c/．git/config.dvc",
    "git_with_an_invisible_joiner": "data/c/.g\u200cit/config.dvc",
    "dvc_in_data": "data/c/.dvc/config",
    "gitmodules_in_data": "data/c/.gitmodules",
    "gitattributes_in_data": "data/c/.gitattributes",
    "name_climbs": "data/../../x.dvc",
    "name_is_a_dot": "data/./x.dvc",
    "name_with_newline": "data/c/a\n::add-mask::b.dvc",
    "name_with_crlf": "data/c/a\r\n.dvc",
    "name_with_escape": "data/c/\x1b[2Ja.dvc",
    "name_with_bidi": "data/c/\u202ecod.dvc",
    "name_with_zero_width": "data/c/a\u200b.bin.dvc",
    "name_with_line_separator": "data/c/a\u2028b.dvc",
    "name_not_utf8": b"data/c/\xff\xfe.dvc",
    "name_with_surrogate_bytes": b"data/c/\xed\xa0\x80.dvc",
    "name_with_delete": "data/c/a\x7fb.dvc",
    "name_with_backslash": "data/c/..\\..\\x.dvc",
    "name_with_drive": "data/c/C:x.dvc",
    "name_of_a_url": "data/c/file:x.dvc",
    "name_with_dollar": "data/c/$(id).dvc",
    "name_with_backquote": "data/c/`id`.dvc",
    "name_with_semicolon": "data/c/a;b.dvc",
    "name_like_an_option": "data/c/--upload-pack=x.dvc",
    "name_with_space_in_front": "data/c/ a.dvc",
    "folder_with_space_behind": "data/c/a /x.dvc",
    "folder_with_dot_behind": "data/c/a./x.dvc",
    "name_of_a_device": "data/c/nul.dvc",
    "name_not_nfc": "data/c/u\u0308.bin.dvc",
    "name_too_long": f"data/c/{'n' * 251}.dvc",
    "name_with_quote_and_pipe": 'data/c/"|rm.dvc',
}
for _name, _path in _BAD_NAMES.items():
    _shown = _path.decode("utf-8", "backslashreplace") if isinstance(_path, bytes) else _path
    each("path-name", _shown, {_name: _at(_path)})

_DEEP = "data/" + "/".join("d" for _ in range(1500)) + "/x.dvc"
_DEEPER = "data/" + "/".join("d" for _ in range(3000)) + "/x.dvc"
each("path-name", _DEEP, {"path_of_1500_levels": _at(_DEEP)})
each("path-name not-judged", _DEEPER, {"path_of_3000_levels": _at(_DEEPER)})

each(
    "path-collision",
    "data/c/A.BIN.dvc",
    {
        "case_twin": lambda d: d.dataset("c/A.BIN"),
    },
)
each(
    "path-collision",
    "data/C/x.bin.dvc",
    {
        "case_twin_of_a_folder": lambda d: d.dataset("C/x.bin"),
    },
)
each("path-collision", "data/c/ＡＢ.bin.dvc", {
    "full_width_twin": lambda d: (d.dataset("c/ab.bin", id="n1"),
                                  d.dataset("c/ＡＢ.bin", b"z", id="n2")),
})  # fmt: skip
each(
    "path-collision outside-submission",
    "DATA/c/x.bin.dvc",
    {
        "case_twin_of_data": lambda d: d.put("DATA/c/x.bin.dvc", pointer_text("c/x.bin")),
    },
)
each(
    "lookalike-name",
    "data/c/а.bin.dvc",
    {
        "name_in_cyrillic_that_looks_like_a": lambda d: d.dataset("c/а.bin"),
    },
)
each(
    "lookalike-name",
    "store/асме/tests.yaml",
    {
        "vendor_in_cyrillic": lambda d: _copy_package(d, "асме", "tests"),
    },
)
each(
    "lookalike-name",
    "store/асме/other.yaml",
    {
        "vendor_in_cyrillic_with_another_package": lambda d: _copy_package(d, "асме", "other"),
    },
)
each(
    "lookalike-name",
    "data/с/x.bin.dvc",
    {
        "collection_in_cyrillic": lambda d: d.dataset("с/x.bin"),
    },
)


def _copy_package(draft: Draft, vendor: str, name: str) -> None:
    draft.put(f"store/{vendor}/vendor.yaml", draft.read("store/acme/vendor.yaml"))
    draft.put(f"store/{vendor}/{name}.yaml", draft.read("store/acme/tests.yaml"))


@hostile("nested-pointer", "data/c/dwi/x.bin.dvc")
def pointer_inside_of_a_folder_of_data(draft: Draft) -> None:
    draft.dataset("c/dwi/x.bin")


@hostile("nested-pointer", "data/c.dvc")
def pointer_claims_a_folder_with_pointers(draft: Draft) -> None:
    draft.dataset("c")


@hostile("nested-pointer", "data/c/collection.yaml.dvc")
def pointer_claims_a_file_of_git(draft: Draft) -> None:
    draft.dataset("c/collection.yaml")


for _name, _file in {
    "data_file_in_git": "data/c/image.nii.gz", "dvc_yaml_in_data": "data/c/dvc.yaml",
    "dvc_lock_in_data": "data/c/dvc.lock", "dvcignore_in_data": "data/c/.dvcignore",
    "params_in_data": "data/c/params.yaml", "conftest_in_data": "data/conftest.py",
    "yml_in_data": "data/c/record.yml", "hidden_pointer": "data/c/.hidden.dvc/x",
    "package_without_vendor": "store/alone.yaml", "web_page_in_store": "store/acme/index.html",
}.items():  # fmt: skip
    each("unexpected-file dvc-stage dvc-ignore", _file, {_name: _at(_file, "{}\n")})


@hostile("gitignore-line", "data/c/.gitignore")
def gitignore_hides_pointers(draft: Draft) -> None:
    draft.append("data/c/.gitignore", "*.dvc\n")


@hostile("gitignore-line", "data/.gitignore")
def gitignore_shows_what_was_hidden(draft: Draft) -> None:
    draft.put("data/.gitignore", "!*\n")


@hostile("gitignore-line", "data/c/.gitignore")
def gitignore_glob_that_names_a_pointer(draft: Draft) -> None:
    draft.append("data/c/.gitignore", "/[a-z]*\n")


each(
    "file-size",
    "data/c/new.bin.dvc",
    {
        "pointer_of_30_mb": lambda d: d.put("data/c/new.bin.dvc", "#" * 30_000_000),
    },
)
each(
    "file-size",
    "data/c/new.bin.yaml",
    {
        "record_of_2_mb": lambda d: d.put("data/c/new.bin.yaml", "# x\n" * 500_000),
    },
)
each(
    "file-size",
    "data/c/.gitignore",
    {
        "gitignore_of_1_mb": lambda d: d.put("data/c/.gitignore", "/a.bin\n" * 150_000),
    },
)


@harmless
def gitkeep_in_a_new_folder(draft: Draft) -> None:
    draft.put("data/later/.gitkeep", "")


@harmless
def gitignore_with_comment_and_crlf(draft: Draft) -> None:
    draft.dataset()
    draft.append("data/c/.gitignore", "# data\r\n\r\n/new.bin\r\n")


@harmless
def executable_bit_taken_away_from_nothing(draft: Draft) -> None:
    draft.files[A.encode()] = ("100644", draft.files[A.encode()][1])


_GOOD = {
    "name_with_umlauts": "c/größe.bin", "name_in_chinese": "c/脑图.nii.gz",
    "name_in_arabic": "c/دماغ.bin", "name_in_russian": "c/мозг.bin", "name_in_greek": "c/ψυχή.bin",
    "name_in_devanagari": "c/मस्तिष्क.bin", "name_with_emoji": "c/🧠.bin",
    "name_of_250_bytes": f"c/{'n' * 246}", "name_with_spaces_inside": "c/my data (2).bin",
    "name_with_plus_and_at": "c/DKT+aseg@2,5=x.bin", "name_with_tilde": "c/a~1.bin",
    "name_of_sixty_folders": "c/" + "/".join(["f"] * 58) + "/x.bin",
    "name_like_a_version": "c/1.0", "name_that_starts_with_a_dot_inside": "c/x..bin",
}  # fmt: skip
unusual({name: lambda d, place=place: d.dataset(place) for name, place in _GOOD.items()})
