"""Identifiers: taken, used before, or not what they look like."""

import json

from tests.corpus.cases import each, harmless, hostile, unusual
from tests.corpus.draft import Draft, pointer_text
from tests.factories import to_yaml

NEW = "data/c/new.bin.dvc"


def _id(id: object):
    return lambda draft: draft.dataset("c/new.bin", id=id)


def _raw(text: str):
    """Write an identifier as it is."""
    pointer = pointer_text("c/new.bin").replace("id: newcomer", f"id: {text}")
    return lambda draft: draft.put(NEW, pointer)


each("id-taken", NEW, {
    "id_taken": _id("a-one"), "id_taken_in_capitals": _id("A-One"),
    "id_taken_by_a_folder": _id("dwi-one"), "id_taken_between_quotes": _raw("'a-one'"),
})  # fmt: skip
each(
    "id-taken id-reused withdrawal-undone",
    NEW,
    {
        "id_of_a_withdrawn_dataset": _id("gone-for-good"),
        "id_of_a_withdrawn_dataset_in_capitals": _id("GONE-FOR-GOOD"),
    },
)
each(
    "id-reused",
    NEW,
    {
        "id_used_in_history": _id("once-here"),
        "id_used_in_history_in_capitals": _id("Once-Here"),
    },
)
each(
    "id-lookalike",
    NEW,
    {
        "id_with_digit_for_letter": _id("a-0ne"),
        "id_with_underscore_for_dash": _id("mni_t1"),
        "id_with_l_for_1": _id("mni-tl"),
        "id_with_rn_for_m": _id("rnni-t1"),
    },
)
each(
    "id-form",
    NEW,
    {
        "id_escaped": _raw('"\\x6eewcomer"'),
        "id_taken_and_escaped": _raw('"\\x61-one"'),
        "id_in_a_block": _raw(">-\n      newcomer"),
    },
)
each("yaml", NEW, {"id_with_escape": _raw(json.dumps("x\x1b[2J"))})
each("record schema id-form", NEW, {
    "id_cyrillic": _id("а-one"), "id_full_width": _id("ａ-one"), "id_zero_width": _id("a\u200b-one"),
    "id_with_space": _id("a one"), "id_with_newline": _id("a-one\n"),
    "id_climbs": _id("../../x"), "id_is_an_option": _id("--force"), "id_is_a_glob": _id("*"),
    "id_of_60000_characters": _id("a" * 60_000), "id_of_256_characters": _id("a" * 256),
    "id_empty": _raw("''"), "id_is_a_number": _raw("12345678"), "id_is_a_float": _raw("1e5"),
    "id_is_true": _raw("true"), "id_is_a_list": _raw("[a]"), "id_is_a_mapping": _raw("{a: b}"),
    "id_is_a_package": _id("acme/tests"), "id_has_a_version": _id("x@2"),
    "id_is_a_command": _id("::add-mask::x"),
    "id_kelvin": _id("\u212aelvin"), "id_long_s": _id("\u017fome"), "id_is_a_time": _raw("12:30"),
})  # fmt: skip


@hostile("id-taken", NEW)
def id_twice_in_one_submission(draft: Draft) -> None:
    draft.dataset("c/new.bin")
    draft.dataset("c/aaa.bin", b"other\n")


@hostile("id-taken", NEW)
def id_twice_in_other_case(draft: Draft) -> None:
    draft.dataset("c/new.bin")
    draft.dataset("c/aaa.bin", b"other\n", id="NEWCOMER")


@hostile("id-lookalike", NEW)
def id_twice_looking_alike(draft: Draft) -> None:
    draft.dataset("c/new.bin", id="sub-01")
    draft.dataset("c/aaa.bin", b"other\n", id="sub-o1")


@hostile("id-taken", "data/c/zzz.yaml")
def id_of_a_dataset_for_a_resource(draft: Draft) -> None:
    draft.put("data/c/zzz.yaml", "id: a-one\ndtype: any\n")


@hostile("id-changed id-removed", "data/c/a.bin.dvc")
def id_changed(draft: Draft) -> None:
    draft.replace("data/c/a.bin.dvc", "id: a-one", "id: fresh")


@hostile("id-removed", "data/c/a.bin.dvc")
def id_taken_away(draft: Draft) -> None:
    draft.replace("data/c/a.bin.dvc", "    id: a-one\n", "")


@hostile("id-removed", "data/c/a.bin.dvc")
def record_taken_away(draft: Draft) -> None:
    draft.put("data/c/a.bin.dvc", draft.read("data/c/a.bin.dvc").partition("meta:")[0])


@hostile("id-removed", "data/c/a.bin.dvc")
def dataset_deleted(draft: Draft) -> None:
    draft.remove("data/c/a.bin.dvc")


@hostile("dataset-removed", "data/plain/old.bin.dvc")
def plain_dataset_deleted(draft: Draft) -> None:
    draft.remove("data/plain/old.bin.dvc")


@hostile("dataset-removed", "data/plain/old.bin.dvc")
def plain_dataset_moved(draft: Draft) -> None:
    draft.move("data/plain/old.bin.dvc", "data/c/old.bin.dvc")


@hostile("id-removed", "data/c/gone.bin.yaml")
def tombstone_deleted(draft: Draft) -> None:
    draft.remove("data/c/gone.bin.yaml")


@hostile("withdrawal-undone", "data/c/gone.bin.yaml")
def withdrawal_undone(draft: Draft) -> None:
    draft.replace("data/c/gone.bin.yaml", "status: withdrawn", "status: active")


@hostile("withdrawal-undone", "data/c/gone.bin.dvc")
def withdrawal_undone_by_a_pointer(draft: Draft) -> None:
    draft.remove("data/c/gone.bin.yaml")
    draft.dataset("c/gone.bin", b"gone\n", id="gone-for-good")


@hostile("withdrawal-undone id-taken", "data/c/gone.bin.dvc")
def withdrawal_undone_by_a_pointer_beside_it(draft: Draft) -> None:
    draft.dataset("c/gone.bin", b"gone\n", id="gone-for-good")


@hostile("ledger-rewritten id-taken withdrawal-undone", "data/c/gone.bin.dvc")
def withdrawn_pointer_with_other_content_beside_it(draft: Draft) -> None:
    draft.dataset("c/gone.bin", b"other\n", id="gone-for-good", status="withdrawn")


@hostile("ledger-rewritten id-taken", "data/c/a.bin.yaml")
def second_record_beside_a_pointer(draft: Draft) -> None:
    draft.put("data/c/a.bin.yaml", to_yaml({
        "id": "a-one", "version": 1, "dtype": "any", "status": "active",
        "versions": [{"version": 1, "md5": "0" * 32, "size": 1, "date": "2025-01-01", "by": "M"}],
        "locations": [{"archive": "x"}], "created_by": "M", "created_on": "2025-01-01",
    }))  # fmt: skip


@hostile("id-taken", NEW)
def id_taken_on_the_base_meanwhile(draft: Draft) -> None:
    draft.start_at("start")
    draft.dataset("c/new.bin", id="taken-meanwhile")


unusual({
    "id_with_dashes": _id("a--b-"), "id_with_underscores": _id("x__y_"), "id_of_one_letter": _id("x"),
    "id_of_255_characters": _id("n" * 255), "id_of_a_uuid": _id("123e4567-e89b-12d3-a456-426614174000"),
    "id_of_digits_in_quotes": _raw("'12345678'"), "id_like_a_float_in_quotes": _raw("'1e5'"),
    "id_in_double_quotes": _raw('"newcomer"'), "id_in_capitals": _id("NEWCOMER"),
    "id_behind_a_line_break": _raw("\n      newcomer"), "id_like_a_word_of_yaml": _raw("'null'"),
})  # fmt: skip


@harmless
def id_in_a_description_only(draft: Draft) -> None:
    draft.dataset("c/new.bin", description="Made from id: a-one")
