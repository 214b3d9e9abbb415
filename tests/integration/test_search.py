"""A search finds just what looking at every dataset would find, whatever git has done before."""

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from tests.factories import make_registry, to_yaml, wav_bytes
from tests.integration.test_index import NAMES, NUMBERS, Checkout, pointer

import neurogister
from neurogister.errors import UsageError
from neurogister.model.facts import Shared, facts_of
from neurogister.model.query import Query, parse_condition, parse_digest, parse_text
from neurogister.registry import searching, searchtables
from neurogister.registry.reader import open_reader

WORDS = ["x", "data", '"a x"', "café", "b-1", "L1", "CAFE", "2", "id", "purpose", "seven words"]
WORDS += ["c4ca4238a0", "c4ca", "2019", "2019-01-02", "01"]
CONDITIONS = [
    "age>=2", "age=2", "age!=2", "age", "license=L1", "license", "status=active", "status!=broken",
    "tags=a", "tags=[ab]", "scan.tr<2.5", "scan", "kind=package", "version=1.0.0", "name=*x",
    "collection=a", "dtype=d1", "when>=2020", "when<2020-02", "flag=true", "title=T*", "size>2",
    "meta.id", "nothing", "meta.name=5", "archive=attic", "md5", "id=record-1", "collection",
]  # fmt: skip


def queries():
    yield Query()
    for text in WORDS:
        yield Query(parse_text(text))
    for text in CONDITIONS:
        yield Query((), (parse_condition(text),))
        yield Query((), (parse_condition(text, is_negative=True),))
    yield Query((), (), parse_digest("c4ca"))
    yield Query(parse_text("x"), (parse_condition("age<3"), parse_condition("tags")))


QUERIES = list(queries())


def looked_at(reader, query):
    """Return the places of what matches, found by looking at everything."""
    shared = {each.name: Shared.of(each) for each in reader.collections()}
    items = sorted(reader.everything(), key=lambda item: (item.name, item.place))
    return [
        item.place
        for item in items
        if query.matches(facts_of(item), shared.get(item.collection, Shared()))
    ]


def searched(reader, query, limit=None):
    found = reader.search(query, limit=limit)
    assert found.total >= len(found.items)
    return [item.place for item in found.items]


def record(number):
    return {
        "id": f"record-{number}",
        "version": 1,
        "versions": [{"version": 1, "sha1": f"{number}" * 40}],
        "title": f"T{number} Café seven words",
        "dtype": f"d{number % 2}",
        "metadata": {
            "age": number,
            "tags": ["a", number, "b-1"][: number % 4],
            "scan": {"tr": number + 0.5, "echoes": [{"te": number}]},
            "when": f"20{18 + number}-01-0{number + 1}",
            "flag": number % 2 == 0,
            "name": 5,
        },
        "created_on": f"2019-01-0{number + 1}",
        "locations": [{"archive": "attic", "address": "x"}] if number % 2 else [],
    }


class Searched(Checkout):
    """Does things to a checkout, and searches after each."""

    @initialize(number=NUMBERS)
    def describe(self, number):
        self.write("registry.yaml", "name: test\n")
        self.write("data/a/x.yaml", to_yaml(record(number)))

    @rule(path=NAMES, number=NUMBERS)
    def write_described_pointer(self, path, number):
        meta = to_yaml({"meta": {"neurogister": record(number)}})
        self.write(f"{path}.dvc", pointer(path, 0).partition("meta:")[0] + meta)

    @rule(path=NAMES, number=NUMBERS)
    def write_described_resource(self, path, number):
        self.write(f"{path}.yaml", to_yaml(record(number)))

    @rule(number=NUMBERS, outs=st.booleans())
    def write_package(self, number, outs):
        said = {"purpose": f"purpose {number}", "members": [], "version": "1.0.0"}
        self.write("store/v/p.yaml", to_yaml(said | ({"outs": []} if outs else {})))

    @rule(name=st.sampled_from("ab"), number=NUMBERS)
    def write_described_collection(self, name, number):
        said = {"title": f"About {number}", "license": f"L{number}", "keywords": ["seven words"]}
        self.write(f"data/{name}/collection.yaml", to_yaml(said))

    @rule(yes=st.booleans())
    def change_registry_file(self, yes):
        if yes:
            self.write("registry.yaml", "name: test\n")
        else:
            (self.root / "registry.yaml").unlink(missing_ok=True)

    @rule(data=st.data())
    def look_back(self, data):
        if self.commits:
            rev = data.draw(st.sampled_from(self.commits))
            self.compare(rev, data.draw(st.sampled_from(QUERIES)))

    @invariant()
    def shows_what_is_there(self):
        self.compare(None)

    def compare(self, rev, *some):
        fresh, reader = self.open("fresh", rev), self.open("cache", rev)
        for query in some or QUERIES:
            expected = looked_at(fresh, query)
            assert searched(reader, query) == expected, query
            assert searched(reader, query, 2) == expected[:2], query
            assert reader.search(query, limit=1).total == len(expected), query
        reader.close()
        fresh.close()


def run_machine(examples, steps):
    run_state_machine_as_test(
        Searched,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_after_anything_that_git_can_do_a_search_equals_a_scan():
    run_machine(8, 15)


@pytest.mark.slow
def test_after_very_much_that_git_can_do_a_search_equals_a_scan():
    run_machine(200, 40)


@pytest.fixture
def registry(tmp_path, home):
    registry = make_registry(tmp_path / "registry")
    registry.add_collection("c0", keywords=["Zebra finch"], license="CC-BY-4.0")
    for number in range(12):
        registry.add_file(
            f"c{number % 3}/x{number}",
            b"%d" % number,
            id=f"id-{number}",
            title=f"Tone {number}",
            metadata={"age": number, "scan": {"tr": number / 2}},
        )
    registry.commit()
    return registry


def names(reader, text=None, *where):
    query = Query(parse_text(text or ""), tuple(parse_condition(each) for each in where))
    return [item.name for item in reader.search(query).items]


def test_search_tables_are_made_when_first_searched_and_then_kept(registry, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    open_reader(registry.root, cache=cache).everything()
    (path,) = (cache / "index").glob("*.db")
    assert not has_table(path, "item")
    assert names(open_reader(registry.root, cache=cache), "tone 7") == ["c1/x7"]
    assert has_table(path, "item")
    made = []
    original = searchtables.facts_of
    monkeypatch.setattr(
        searchtables, "facts_of", lambda item: made.append(item.name) or original(item)
    )
    assert names(open_reader(registry.root, cache=cache), "tone 7") == ["c1/x7"]
    assert made == []
    registry.change_record("c1/x7", title="Noise 7")
    registry.commit()
    assert names(open_reader(registry.root, cache=cache), "tone 7") == []
    assert names(open_reader(registry.root, cache=cache), "noise 7") == ["c1/x7"]
    assert made == ["c1/x7"]


def has_table(path, name):
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    connection.close()
    return found is not None


def test_only_what_is_shown_is_read_whole(registry, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    names(open_reader(registry.root, cache=cache), "tone")
    seen = []
    from neurogister.registry import contents

    original = contents._parse_row
    monkeypatch.setattr(contents, "_parse_row", lambda row: seen.append(row.path) or original(row))
    found = open_reader(registry.root, cache=cache).search(Query(parse_text("tone")), limit=2)
    assert [item.name for item in found.items] == ["c0/x0", "c0/x3"]
    assert found.total == 12
    assert {path for path in seen if path.endswith(".dvc")} == {"data/c0/x0.dvc", "data/c0/x3.dvc"}


def test_what_is_not_committed_is_found(registry, tmp_path):
    cache = tmp_path / "cache"
    assert names(open_reader(registry.root, cache=cache), "zebra") == [f"c0/x{n}" for n in "0369"]
    registry.add_file("c1/new", wav_bytes(), title="Zebra")
    registry.change_record("c1/x1", title="A zebra too")
    (registry.root / "data/c0/x3.dvc").unlink()
    reader = open_reader(registry.root, cache=cache)
    assert names(reader, "zebra") == ["c0/x0", "c0/x6", "c0/x9", "c1/new", "c1/x1"]
    assert names(open_reader(registry.root, cache=cache, rev="HEAD"), "zebra new") == []
    registry.add_collection("c0", keywords=["Canary"])
    assert names(open_reader(registry.root, cache=cache), "zebra") == ["c1/new", "c1/x1"]


def test_without_fts5_the_same_is_found(registry, tmp_path, monkeypatch):
    expected = [searched(open_reader(registry.root, cache=tmp_path / "a"), q, 3) for q in QUERIES]
    for module in (searching, searchtables):
        monkeypatch.setattr(module, "can_search", lambda _: False)
    reader = open_reader(registry.root, cache=tmp_path / "b")
    assert [searched(reader, query, 3) for query in QUERIES] == expected
    (path,) = (tmp_path / "b" / "index").glob("*.db")
    assert not has_table(path, "item")


def test_rows_of_the_past_do_not_pile_up(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(searchtables, "_LEAST_WASTE", 10)
    for number in range(15):
        registry.change_record("c1/x7", title=f"Noise {number}")
        registry.change_record("c1/x1", title=f"Noise {number}")
        registry.commit()
        reader = open_reader(registry.root, cache=tmp_path / "cache")
        assert names(reader, f'"noise {number}"') == ["c1/x1", "c1/x7"]
        assert names(reader, f'"noise {number - 1}"') == []
        reader.close()
    (path,) = (tmp_path / "cache" / "index").glob("*.db")
    connection = sqlite3.connect(path)
    (rows,) = connection.execute("SELECT count(DISTINCT item) FROM item_value").fetchone()
    connection.close()
    assert rows < 12 * 2 + 10


def test_damaged_search_tables_are_made_again(registry, tmp_path):
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    assert names(reader, "tone 7") == ["c1/x7"]
    reader._view._index._connection.execute("DROP TABLE item")
    assert names(reader, "tone 7") == ["c1/x7"]
    assert names(open_reader(registry.root, cache=tmp_path / "cache"), "tone 7") == ["c1/x7"]


def test_another_process_may_move_the_base(registry, tmp_path):
    first = open_reader(registry.root, cache=tmp_path / "cache")
    assert names(first, "tone 7") == ["c1/x7"]
    registry.change_record("c1/x7", title="Noise 7")
    registry.commit()
    second = open_reader(registry.root, cache=tmp_path / "cache")
    assert names(second, "noise 7") == ["c1/x7"]
    assert names(first, "tone 7") == ["c1/x7"]
    assert names(first, "noise 7") == []
    assert names(second, None, "title=Noise*") == ["c1/x7"]


HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\"*^():-+\0{}'%_;\\ \ue000")), max_size=30
)


def test_no_text_and_no_condition_is_an_error_of_sqlite(registry, tmp_path):
    reader = open_reader(registry.root, cache=tmp_path / "cache")

    @settings(max_examples=150, deadline=None)
    @given(HOSTILE, HOSTILE, st.sampled_from(["", "=", "!=", ">", "<="]), HOSTILE)
    def check(text, key, sign, value):
        try:
            query = Query(parse_text(text), (parse_condition(f"{key}{sign}{value}"),))
        except UsageError:
            return
        assert searched(reader, query) == looked_at(reader, query)

    check()
    for text in ("NEAR(a b)", "a OR b", "a* NOT b", "title:x", "^tone", "AND", "tone - 7", "{a b}"):
        query = Query(parse_text(text.replace("-", "")))
        assert searched(reader, query) == looked_at(reader, query)


def test_python(registry):
    with neurogister.open(registry.root) as opened:
        assert [item.name for item in opened.search("tone 7")] == ["c1/x7"]
        assert [item.name for item in opened.search(where=["age>=10"])] == ["c1/x10", "c2/x11"]
        found = opened.search(where_not="age>=2", created_by="Test*", kind="dataset", limit=1)
        assert [item.name for item in found] == ["c0/x0"]
        assert opened.search(collection="c1", license="CC-BY-4.0") == []
        digest = registry.find("c1/x7").digests.sha256
        assert [item.id for item in opened.search(digest=f"sha256:{digest[:12]}")] == ["id-7"]
        with pytest.raises(UsageError, match=r"the quote in .* is not closed"):
            opened.search('"open')


def test_packages_are_searched_as_they_are_now(registry, tmp_path):
    cache = tmp_path / "cache"
    registry.add_package("lab/tests", ["id-1"], title="Tests", purpose="Canary")
    registry.add_package("group/lab/tests", ["id-2"], title="More")
    registry.commit()
    assert names(open_reader(registry.root, cache=cache), "canary") == ["lab/tests"]
    assert names(open_reader(registry.root, cache=cache), None, "title=More") == ["lab/tests"]
    registry.add_package("lab/tests", ["id-1"], "1.1.0", purpose="Parrot")
    registry.commit()
    assert names(open_reader(registry.root, cache=cache), "canary") == []
    assert names(open_reader(registry.root, cache=cache), "parrot", "version=1.1.0") == [
        "lab/tests"
    ]
    # with the vendor's file goes what its department was
    (registry.root / "store/group/lab/vendor.yaml").rename(
        registry.root / "store/group/vendor.yaml"
    )
    expected = ["group/lab/tests"]
    assert names(open_reader(registry.root, cache=cache), None, "title=More") == expected
    registry.commit()
    reader = open_reader(registry.root, cache=cache)
    assert names(reader, None, "title=More") == expected
    assert names(reader, None, "name=group/*") == expected
