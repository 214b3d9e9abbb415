"""YAML that programs read differently, or that is made to exhaust them."""

import json

import yaml
from tests.corpus.cases import each, harmless, hostile
from tests.corpus.draft import Draft, pointer_text

NEW = "data/c/new.bin.dvc"
_OK = pointer_text("c/new.bin")


def _text(text: str | bytes):
    return lambda draft: draft.put(NEW, text)


_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
each(
    "yaml",
    NEW,
    {
        "alias_bomb": _text(_BOMB),
        "alias_of_an_output": _text("outs: &x\n- md5: a\nmeta: *x\n"),
        "levels_20000": _text("[" * 20_000 + "]" * 20_000),
        "levels_20000_of_mappings": _text("{a: " * 12_000 + "}" * 12_000),
        "levels_by_dashes": _text("- " * 20_000 + "x\n"),
        "python_tag": _text(_OK + "x: !!python/object/apply:os.system ['id']\n"),
        "own_tag": _text(_OK.replace("id: ", "id: !x ")),
        "string_tag": _text(_OK.replace("id: ", "id: !!str ")),
        "duplicate_outs": _text(_OK + "outs: []\n"),
        "duplicate_md5": _text(_OK.replace("- md5", "- size: 4\n  md5", 1)),
        "two_documents": _text(_OK + "---\n" + _OK),
        "directive_1_1": _text("%YAML 1.1\n---\n" + _OK),
        "directive_of_tags": _text("%TAG ! tag:evil.example,2025:\n---\n" + _OK),
        "merge_key": _text(_OK + "x:\n  <<: {a: 1}\n"),
        "byte_order_mark": _text("\ufeff" + _OK),
        "utf_16": _text(_OK.encode("utf-16")),
        "utf_32": _text(_OK.encode("utf-32-le")),
        "latin_1": _text((_OK + "desc: größe\n").encode("latin-1")),
        "nul_byte": _text(_OK + "desc: a\0b\n"),
        "escape_character": _text(_OK + "desc: a\x1b[2Jb\n"),
        "escaped_control_character": _text(_OK + 'desc: "\\e[2J"\n'),
        "line_separator": _text(_OK + "desc: a\u2028b\n"),
        "next_line": _text(_OK + "desc: a\x85b\n"),
        "number_as_a_key": _text(_OK + "1: x\n"),
        "list_as_a_key": _text(_OK + "[1, 2]: x\n"),
        "mapping_as_a_key_of_an_output": _text("outs:\n- md5 :.9c\n?  size:\nr- m:\n  size: 3\n"),
        "mapping_as_a_key": _text(_OK + "? {a: {b: [1, 2]}}\n: x\n"),
        "key_of_nothing": _text(_OK + "? \n: x\n"),
        "not_yaml": _text("outs: [\n"),
        "tab_indentation": _text("outs:\n\t- md5: a\n"),
        "recursive_alias": _text("&a [*a]\n"),
    },
)
each(
    "yaml pointer",
    NEW,
    {
        "number_larger_than_a_float": _text(_OK.replace("size: 4", "size: 1" + "0" * 4000, 1)),
        "size_with_underscores": _text(_OK.replace("size: 4", "size: 1_000", 1)),
        "size_not_a_number": _text(_OK.replace("size: 4", "size: .nan", 1)),
    },
)
each("pointer yaml", NEW, {"empty_pointer": _text(""), "pointer_of_a_comment": _text("# x\n")})
each(
    "yaml file-size",
    "data/c/new.bin.yaml",
    {
        "keys_200000": lambda d: d.put(
            "data/c/new.bin.yaml", "".join(f"k{n}:\n" for n in range(120_000)) + "k1: 2\n"
        ),
    },
)
each("schema record", "data/c/new.bin.yaml", {
    "keys_100000_each_unknown": lambda d: d.put(
        "data/c/new.bin.yaml", "id: newcomer\n" + "".join(f"k{n}: 1\n" for n in range(90_000))),
})  # fmt: skip


@hostile("schema record", "store/acme/many.yaml")
def members_90000_each_wrong(draft: Draft) -> None:
    draft.put("store/acme/many.yaml", "title: x\nmembers:\n" + "- {a: 1}\n" * 90_000)


@hostile("schema record", "store/acme/many.yaml")
def members_30000_each_different(draft: Draft) -> None:
    members = "".join(f"- {{dataset: d{n}, path: ../{n}}}\n" for n in range(25_000))
    draft.put("store/acme/many.yaml", f"title: x\npurpose: x\nmembers:\n{members}")


@hostile("ledger-order", "data/c/new.bin.yaml")
def versions_60000_each_out_of_order(draft: Draft) -> None:
    versions = "".join("- version: 7\n" for _ in range(60_000))
    draft.put("data/c/new.bin.yaml", f"id: newcomer\nversions:\n{versions}")


@hostile("schema record", "data/c/collection.yaml")
def authors_50000_each_wrong(draft: Draft) -> None:
    draft.put("data/c/collection.yaml", "title: x\nauthors:\n" + "- 1\n" * 50_000)


@hostile("schema record yaml", "data/c/new.bin.dvc")
def metadata_too_wide_and_wrong(draft: Draft) -> None:
    many = "".join(f"      k{n}: [1, 2]\n" for n in range(3_000))
    draft.put(NEW, _OK.replace("  neurogister:\n", f"  neurogister:\n    metadata:\n{many}", 1)
              .replace("status: active", "status: 7"))  # fmt: skip


# Harmless.


@harmless
def everything_in_quotes(draft: Draft) -> None:
    text = _OK.replace("path: new.bin", "'path': \"new.bin\"").replace(
        "dtype: any", "'dtype': 'any'"
    )
    draft.put(NEW, text)


@harmless
def comments_everywhere(draft: Draft) -> None:
    draft.put(NEW, "# a pointer\n" + _OK.replace("\n", " # why\n"))


@harmless
def flow_style(draft: Draft) -> None:
    draft.put(NEW, json.dumps(yaml.safe_load(_OK)))


@harmless
def block_scalars(draft: Draft) -> None:
    draft.put(NEW, _OK + "    title: >-\n      A title in\n      two lines\n    description: |\n"
              "      First.\n\n      Second.\n")  # fmt: skip


@harmless
def crlf_line_ends(draft: Draft) -> None:
    draft.put(NEW, _OK.replace("\n", "\r\n").encode())


@harmless
def keys_in_another_order(draft: Draft) -> None:
    first, meta, rest = _OK.partition("meta:")
    draft.put(NEW, meta + rest + first)


@harmless
def document_marks(draft: Draft) -> None:
    draft.put(NEW, f"---\n{_OK}...\n")


@harmless
def no_line_end_at_the_end(draft: Draft) -> None:
    draft.put(NEW, _OK.rstrip("\n"))


@harmless
def pointer_just_below_the_limit(draft: Draft) -> None:
    draft.put(NEW, _OK + "#" * (64 * 1024 - len(_OK) - 1) + "\n")
