"""What is said of data: texts that a page, a spreadsheet, a terminal or CI would obey."""

import json

from tests.corpus.cases import each, harmless, unusual
from tests.corpus.draft import Draft

NEW = "data/c/new.bin.dvc"
COLLECTION = "data/c/collection.yaml"


def _title(text: str):
    return lambda draft: draft.dataset("c/new.bin", title=text)


def _collection(**fields: object):
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())

    def make(draft: Draft) -> None:
        said = ("title: c\n", "description: x\n", "license: CC0-1.0\n", "authors: [A]\n")
        kept = "".join(each for each in said if each.partition(":")[0] not in fields)
        draft.put(COLLECTION, kept + lines)

    return make


def _metadata(**fields: object):
    return lambda draft: draft.dataset("c/new.bin", metadata=fields)


each(
    "text-markup",
    NEW,
    {
        "title_with_a_script": _title("<script>alert(1)</script>"),
        "title_with_an_image": _title("x <img src=x onerror=alert(1)>"),
        "title_with_a_closing_tag": _title("</title><b>x</b>"),
        "title_with_a_comment": _title("x <!-- y -->"),
        "metadata_with_markup": _metadata(note="<a href=x>x</a>"),
        "metadata_key_with_markup": _metadata(**{"<script>": 1}),
        "metadata_deep_with_markup": _metadata(a={"b": ["<script>x</script>"]}),
    },
)
each(
    "text-link schema",
    COLLECTION,
    {
        "link_javascript": _collection(homepage="javascript:alert(1)"),
        "link_data": _collection(homepage="data:text/html,<script>"),
        "link_file": _collection(homepage="file:///etc/passwd"),
        "contact_javascript": _collection(contact="javascript:alert(1)"),
    },
)
each(
    "text-link text-markup",
    NEW,
    {
        "description_links_to_javascript": _title("see javascript:alert(1)"),
        "description_links_in_markdown": _title("[x](javascript:alert(1))"),
    },
)
each(
    "secret",
    NEW,
    {
        "password_in_a_link": _title("https://user:secret@example.org/x"),
        "access_key": _metadata(key="AKIAIOSFODNN7EXAMPLE"),
        "private_key": _title("-----BEGIN RSA PRIVATE KEY-----"),
    },
)
each("text-formula", NEW, {
    "title_is_a_formula": _title("=HYPERLINK(1)"), "title_with_at": _title("@SUM(1)"),
    "metadata_is_a_formula": _metadata(note="=cmd|'/c calc'!A0"),
})  # fmt: skip
each("text-command", NEW, {
    "title_is_a_command": _title("::add-mask::x"), "title_is_an_old_command": _title("##[add-mask]x"),
    "description_has_a_command_in_a_line": lambda d: d.dataset(
        "c/new.bin", description="x\n::add-mask::y"),
})  # fmt: skip
each("text-invisible yaml text-command schema", NEW, {
    "title_with_escape": _title("a\x1b[2Jb"), "title_with_bidi": _title("a\u202eb"),
    "title_with_isolate": _title("a\u2066b"), "title_with_zero_width": _title("a\u200bb"),
    "title_with_tags": _title("a\U000e0041b"), "title_with_soft_hyphen": _title("a\u00adb"),
    "title_with_a_line": _title("a\n::add-mask::b"), "title_with_a_return": _title("a\rb"),
    "metadata_key_with_bidi": _metadata(**{"a\u202eb": 1}),
})  # fmt: skip
each("text-length schema", NEW, {"title_of_30000_characters": _title("x " * 15_000)})
each(
    "license-expression schema",
    NEW,
    {
        "licence_of_nonsense": lambda d: d.dataset("c/new.bin", license="do what you want"),
        "licence_in_parentheses": lambda d: d.dataset("c/new.bin", license="(" * 5000),
        "licence_with_markup": lambda d: d.dataset("c/new.bin", license="<b>MIT</b>"),
    },
)
each("dtype-unknown", NEW, {"dtype_unknown": lambda d: d.dataset("c/new.bin", dtype="nonsense")})
each("identifying-metadata", NEW, {
    "name_of_a_patient": _metadata(PatientName="Doe^John"),
    "birth_date_of_a_patient": _metadata(PatientBirthDate="19700101"),
    "identifier_of_a_patient": _metadata(dicom={"PatientID": "1234567"}),
    "address_of_a_patient": _metadata(PatientAddress="1 Main Street"),
})  # fmt: skip

unusual({
    "text_p_below_0_05": _title("p < 0.05"), "text_with_arrow": _title("a <- b -> c"),
    "text_with_heart": _title("data <3"), "text_with_quotes": _title("'a' & \"b\""),
    "text_with_emoji_family": _title("👩\u200d🔬 brain 🧠"), "text_in_persian": _title("می\u200cخواهم"),
    "text_with_minus": _title("-5 degrees"), "text_with_colons": _title("a::b"),
    "text_with_https": _title("see https://example.org/x?y=1#z"),
    "text_with_percent": _title("100 %0A %25"), "text_with_mail": _title("mail ada@example.org"),
    "metadata_nested": _metadata(a=[1, 2.5, None, True, {"b": ["c", {"d": "e"}]}]),
    "metadata_numbers": _metadata(tr=2.5, te=0.00001, n=-1, big=2**52),
    "metadata_dates": _metadata(day="2025-01-01", time="12:30:00", at="2025-01-01T12:30:00Z"),
    "metadata_unicode_keys": _metadata(größe=1, 日本=2),
    "licence_of_two": lambda d: d.dataset("c/new.bin", license="CC0-1.0 OR CC-BY-4.0"),
    "licence_of_its_own": lambda d: d.dataset("c/new.bin", license="LicenseRef-lab"),
})  # fmt: skip


@harmless
def description_of_many_lines(draft: Draft) -> None:
    draft.dataset("c/new.bin", description="First.\n\n- one\n- two\n\n    code\n")
