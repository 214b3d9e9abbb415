"""The index: contents by blob, one base, an overlay, lookups; and what happens when it breaks."""

import sqlite3
import threading

import pytest

from neurogister.registry.index import Content, Entry, Index, Problem

POINTER = {
    "outs": [{"md5": "a" * 32, "path": "x"}],
    "meta": {
        "neurogister": {"id": "My-ID", "versions": [{"sha256": "b" * 64}, {"sha1": "c" * 40}]}
    },
}


@pytest.fixture(params=["file", "memory"])
def index(request, tmp_path):
    index = Index(tmp_path / "index" / "x.db" if request.param == "file" else None)
    yield index
    index.close()


def entry(path, oid, mode="100644"):
    return Entry(path, "pointer", mode, oid)


def filled(index):
    index.store([Content("1", POINTER), Content("2", None, Problem("is bad", 3, 4, None))])
    index.replace(
        "base", [entry("a.dvc", "1"), entry("b.dvc", "2"), entry("link.dvc", None, "120000")]
    )
    return index


def test_files_come_with_what_they_say(index):
    rows = {row.path: row for row in filled(index).rows()}
    assert sorted(rows) == ["a.dvc", "b.dvc", "link.dvc"]
    assert (rows["a.dvc"].document, rows["a.dvc"].problem, rows["a.dvc"].oid) == (
        POINTER,
        None,
        "1",
    )
    assert rows["b.dvc"].problem == Problem("is bad", 3, 4, None)
    assert (rows["link.dvc"].mode, rows["link.dvc"].oid) == ("120000", None)
    assert [row.path for row in index.rows(["b.dvc", "nothing"])] == ["b.dvc"]
    assert index.base == "base"


def test_what_is_unknown_is_told_once(index):
    filled(index)
    assert index.unknown(["3", "1", "4", "3"]) == ["3", "4"]


def test_a_content_is_kept_once(index):
    filled(index)
    index.store([Content("1", {"other": 1}), Content("3", {}), Content("3", {})])
    assert index.rows(["a.dvc"])[0].document == POINTER
    assert index.unknown(["3"]) == []


def test_lookups(index):
    filled(index)
    assert index.paths_of_id("my-id") == ["a.dvc"]
    assert index.paths_of_id("My-ID") == []
    for digest in ("a" * 32, "b" * 64, "c" * 40):
        assert index.paths_of_digest(digest) == ["a.dvc"]
    assert index.paths_of_digest("a" * 31 + "b") == []
    assert index.paths_of_digest("nonsense") == []


def test_the_files_below_a_folder(index):
    index.replace(
        "base", [entry(path, None) for path in ("store/a", "store/b/c", "store0", "stor")]
    )
    assert sorted(index.paths("store/")) == [("store/a", "pointer"), ("store/b/c", "pointer")]
    index.overlay([entry("store/a", None, None), entry("store/d", None), entry("x", None)])
    assert sorted(index.paths("store/")) == [("store/b/c", "pointer"), ("store/d", "pointer")]


def test_an_overlay_hides_and_adds(index):
    filled(index)
    index.store([Content("9", {"id": "new"})])
    index.overlay([entry("a.dvc", None, None), entry("c.dvc", "9"), entry("b.dvc", "1")])
    assert sorted(row.path for row in index.rows()) == ["b.dvc", "c.dvc", "link.dvc"]
    assert index.paths_of_id("my-id") == ["b.dvc"]
    assert index.paths_of_id("new") == ["c.dvc"]
    index.overlay([])
    assert index.paths_of_id("my-id") == ["a.dvc"]


def test_the_base_moves(index):
    filled(index)
    index.advance("base", "next", [entry("a.dvc", None, None), entry("c.dvc", "1")])
    assert sorted(row.path for row in index.rows()) == ["b.dvc", "c.dvc", "link.dvc"]
    index.advance("base", "elsewhere", [entry("b.dvc", None, None)])
    assert index.base == "next"
    assert len(index.rows()) == 3


def test_hostile_documents_are_kept_without_harm(index):
    documents = [
        None, [], "x", 5, {"outs": 5}, {"outs": [5]}, {"outs": [{"md5": 5}]},
        {"outs": [], "meta": []},
        {"outs": [], "meta": {"neurogister": 5}}, {"id": 5}, {"id": "x" * 999}, {"versions": 5},
        {"versions": [{"md5": {}}]}, {"versions": [{"md5": "٣" * 32}]},
        {"versions": [{"sha1": ""}]},
    ]  # fmt: skip
    index.store([Content(str(number), document) for number, document in enumerate(documents)])
    index.replace("base", [entry(f"{number}.dvc", str(number)) for number in range(len(documents))])
    assert {row.path: row.document for row in index.rows()} == {
        f"{number}.dvc": document for number, document in enumerate(documents)
    }


def test_what_is_long_out_of_use_is_forgotten(index):
    index.store([Content(str(number), {"id": f"id{number}"}) for number in range(20_100)])
    index.replace("one", [entry("a.dvc", "5")])
    assert index.unknown(["5", "6"]) == ["6"]
    assert index.paths_of_id("id5") == ["a.dvc"]


def test_another_connection_sees_it_all(tmp_path):
    path = tmp_path / "x.db"
    filled(Index(path)).close()
    index = Index(path)
    assert index.is_kept
    assert index.base == "base"
    assert index.paths_of_id("my-id") == ["a.dvc"]
    index.close()


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough" * 100, b"SQLite format 3\0"]
)
def test_a_damaged_database_is_made_again(tmp_path, content):
    path = tmp_path / "x.db"
    path.write_bytes(content)
    index = filled(Index(path))
    assert len(index.rows()) == 3
    index.close()


def test_a_database_of_another_version_is_made_again(tmp_path):
    path = tmp_path / "x.db"
    filled(Index(path)).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    index = Index(path)
    assert index.base is None
    assert index.is_kept
    index.close()


def test_where_nothing_can_be_written_it_is_in_memory(tmp_path):
    (tmp_path / "file").write_text("")
    index = filled(Index(tmp_path / "file" / "x.db"))
    assert not index.is_kept
    assert len(index.rows()) == 3
    index.close()


def test_threads_share_an_index(index):
    filled(index)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(len(index.rows(["a.dvc", "b.dvc"]))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2] * 8
