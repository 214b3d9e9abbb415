"""``neurogister.lock``, read with no trust in it (`lockdump` writes it).

It is TOML. The files of a folder are rows of CSV in one text, as a manifest has them: git merges
them line by line, and a thousand of them are read in milliseconds.
"""

from __future__ import annotations

import ntpath
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidFileError, NeurogisterError
from .digest import is_digest
from .identifier import Identifier
from .ledger import is_semantic_version
from .listing import MAX_ENTRIES, Entry, listing_md5, listing_sha256
from .locked import Locked, LockedRegistry, LockedRemote, Lockfile, public_url
from .manifest import parse_manifest
from .paths import check_path
from .remote import OptionValue, RemoteConfig, public_address
from .zips import Zip, why_no_zip

NAME = "neurogister.lock"
FORMAT = 1
MAX_BYTES = 512 << 20
MAX_LOCKED = 10_000
_MAX_TEXT = 4096

OPTIONS: Mapping[str, type] = {
    "endpointurl": str,
    "region": str,
    "allow_anonymous_login": bool,
    "use_ssl": bool,
    "account_name": str,
    "projectname": str,
}
"""What a lockfile says of a remote beside its address: all that a reader needs, nothing secret."""

SCHEMES = frozenset({
    "http", "https", "s3", "gs", "gcs", "azure", "abfs", "abfss", "webdav", "webdavs", "ssh",
    "hdfs", "webhdfs", "gdrive", "oss",
})  # fmt: skip

_COMMIT = re.compile(r"\A[0-9a-f]{40}([0-9a-f]{24})?\Z")
_REMOTE = re.compile(r"\A[^\s\"'/\\\[\]]{1,100}\Z")


class _Wrong(Exception):  # noqa: N818 - it never leaves this file
    """What is wrong with one table, as the end of a sentence."""


def parse_lockfile(data: bytes, *, name: str = NAME) -> Lockfile:
    """Read a lockfile, trusting nothing in it.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        What it is called, for messages.

    Returns
    -------
    Lockfile

    Raises
    ------
    InvalidFileError
        That names the line, if it is no lockfile, contradicts itself, or could do harm.
    """
    import tomllib  # only where there is a lockfile

    if len(data) > MAX_BYTES:
        raise _invalid(name, f"has more than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8")
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise _invalid(name, "is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        hint = "If git left marks of a conflict, settle it; `neurogister lock check` tells more."
        raise _invalid(name, f"is not TOML: {error}", hint=hint) from None
    return _Parser(name, text).parse(content)


def _invalid(where: str, reason: str, *, hint: str | None = None) -> InvalidFileError:
    mend = "Take it from git again, or lock anew: `neurogister lock add NAME`."
    return InvalidFileError(f"{where} {reason}", hint=hint or mend)


@dataclass(frozen=True)
class _Parser:
    """Reads one file; knows which line a table starts at."""

    name: str
    text: str

    def parse(self, content: dict[str, Any]) -> Lockfile:
        try:
            version = _take(content, "format", int)
            if version != FORMAT:
                raise _Wrong(f"has format {version!r:.40}; this neurogister knows {FORMAT}")
            folder = _checked(content, "folder", check_path)
            registries = _tables(content, "registry")
            locked = _tables(content, "locked")
            _end(content)
        except _Wrong as error:
            raise _invalid(self.name, str(error)) from None
        if len(locked) > MAX_LOCKED:
            raise _invalid(self.name, f"locks more than {MAX_LOCKED:,} things")
        found = Lockfile(
            registries=tuple(self._each("registry", registries, _registry)),
            locked=tuple(self._each("locked", locked, _locked)),
            folder=folder,
        )
        self._check(found)
        try:
            return found.changed(found.locked)
        except NeurogisterError as error:
            raise _invalid(self.name, f"contradicts itself: {error.message}") from None

    def _each(
        self, header: str, tables: Sequence[dict[str, Any]], read: Callable[[dict[str, Any]], Any]
    ) -> Iterator[Any]:
        for number, table in enumerate(tables):
            called = table.get("name") or table.get("url")
            try:
                value = read(table)
                _end(table)
            except _Wrong as error:
                what = f"{called[:200]!a} " if isinstance(called, str) else ""
                raise _invalid(f"{self.name}, line {self._line(header, number)}:",
                               f"{what}{error}") from None  # fmt: skip
            yield value

    def _line(self, header: str, number: int) -> int:
        """Return the line of the n-th table of a kind; 1 if it is written in another way."""
        found = re.finditer(rf"^\s*\[\[\s*{header}\s*\]\]", self.text, re.MULTILINE)
        starts = [each.end() for each in found]
        return self.text.count("\n", 0, starts[number]) + 1 if number < len(starts) else 1

    def _check(self, found: Lockfile) -> None:
        """Check what concerns several tables."""
        urls = [each.url for each in found.registries]
        keys = [each.key for each in found.locked]
        if len(set(urls)) < len(urls):
            raise _invalid(self.name, "has a registry twice")
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise _invalid(self.name, f"has {':'.join(filter(None, twice))} twice",
                           hint="Keep one of them: git may have merged both.")  # fmt: skip
        if sum(len(each.files) for each in found.locked) > MAX_ENTRIES:
            raise _invalid(self.name, f"names more than {MAX_ENTRIES:,} files")
        for each in found.locked:
            if each.registry not in urls:
                raise _invalid(self.name, f"has no registry {each.registry[:200]!a},"
                               f" where {each.short} is from")  # fmt: skip


def _registry(table: dict[str, Any]) -> LockedRegistry:
    url = _text(table, "url")
    if url.startswith("-") or public_url(url) != url:
        raise _Wrong("is no URL that everybody may know: it has a password, or a query")
    remotes = []
    for each in _tables(table, "remote"):
        remotes.append(_remote(each))
        _end(each)
    if len({remote.name for remote in remotes}) < len(remotes):
        raise _Wrong("has two remotes of one name")
    return LockedRegistry(url=url, remotes=tuple(remotes))


def _remote(table: dict[str, Any]) -> LockedRemote:
    name = _text(table, "name")
    if not _REMOTE.match(name):
        raise _Wrong(f"has a remote with the name {name[:100]!a}")
    url = _text(table, "url") if "url" in table else None
    in_tree = _checked(table, "in_tree", check_path)
    if (url is None) == (in_tree is None):
        raise _Wrong(f"has a remote {name!a} that must have either url or in_tree")
    if url is not None:
        _check_address(name, url)
    options: dict[str, OptionValue] = {
        key: _take(table, key, kind) for key, kind in OPTIONS.items() if key in table
    }
    endpoint = options.get("endpointurl")
    if isinstance(endpoint, str) and public_address(endpoint) != endpoint:
        raise _Wrong(f"has a remote {name!a} with a password in its endpointurl")
    if any(isinstance(value, str) and not _is_plain(value) for value in options.values()):
        raise _Wrong(f"has a remote {name!a} with an option that is no plain text")
    return LockedRemote(name=name, url=url, in_tree=in_tree, options=options)


def _check_address(name: str, url: str) -> None:
    scheme = RemoteConfig(name, url).scheme
    if scheme == "":
        if not (posixpath.isabs(url) or ntpath.isabs(url)):
            raise _Wrong(f"has a remote {name!a} that is no URL and no absolute path")
    elif scheme not in SCHEMES:
        raise _Wrong(f"has a remote {name!a} of the unknown kind {scheme[:40]!a}")
    if public_address(url) != url:
        raise _Wrong(f"has a remote {name!a} whose address has a user, a password or a query")


def _locked(table: dict[str, Any]) -> Locked:
    digest = _text(table, "md5")
    is_folder = digest.endswith(".dir")
    if not is_digest("md5", digest.removesuffix(".dir")):
        raise _Wrong(f"has an md5 that is none: {digest[:80]!a}")
    locked = Locked(
        name=_checked(table, "name", check_path, needed=True) or "",
        kind=_kind(table),
        registry=_text(table, "registry"),
        commit=_matching(table, "commit", lambda text: _COMMIT.match(text) is not None),
        id=_checked(table, "id", Identifier.parse),
        version=_version(table),
        part=_matching(table, "part", lambda text: text.strip("/") == text) if is_folder else None,
        md5=digest,
        size=_size(table),
        sha256=_matching(table, "sha256", lambda text: is_digest("sha256", text)),
        files=_files(table) if is_folder else (),
        legacy=_flag(table, "legacy"),
        executable=_flag(table, "executable"),
        withdrawn=_flag(table, "withdrawn"),
        zip=_zip(table) if is_folder else None,
    )
    check_consistency(locked)
    return locked


def check_consistency(locked: Locked) -> None:
    """Check that what is said of a folder fits its files.

    Parameters
    ----------
    locked : Locked
        As it was read, or is to be written.

    Raises
    ------
    _Wrong
        With the reason, as the end of a sentence (`InvalidFileError` for who reads a file).
    """
    sizes = [entry.size for entry in locked.files]
    known = [size for size in sizes if size is not None]
    if locked.is_folder and len(known) == len(sizes) and locked.size not in (None, sum(known)):
        raise _Wrong(f"has the size {locked.size:,}, and its files {sum(known):,}")
    if not locked.is_folder or locked.part is not None:
        return
    if listing_md5(locked.files) != locked.md5.removesuffix(".dir"):
        raise _Wrong("has other files than its md5 says")
    if locked.sha256 is not None and listing_sha256(locked.files) not in (None, locked.sha256):
        raise _Wrong("has other files than its sha256 says")


def is_consistent(locked: Locked) -> bool:
    """Tell whether what is said of a folder fits its files, so that it can be written."""
    try:
        check_consistency(locked)
    except _Wrong:
        return False
    return True


def _files(table: dict[str, Any]) -> tuple[Entry, ...]:
    text = _take(table, "files", str)
    try:
        entries = parse_manifest(text.encode("utf-8", "surrogatepass"), name="files")
    except InvalidFileError as error:
        raise _Wrong(f"has wrong files: {error.message.removeprefix('files, ')}") from None
    if not all(entry.md5 for entry in entries):
        raise _Wrong("has a file without an md5")
    return tuple(entries)


def _zip(table: dict[str, Any]) -> Zip | None:
    if "zip" not in table:
        return None
    said = _take(table, "zip", dict)
    name, md5 = _text(said, "name"), _text(said, "md5")
    if (why := why_no_zip(name)) is not None:
        raise _Wrong(f"has a zip archive that {why}")
    if not is_digest("md5", md5):
        raise _Wrong(f"has a zip archive with an md5 that is none: {md5[:80]!a}")
    sha256 = _matching(said, "sha256", lambda text: is_digest("sha256", text))
    dataset = _text(said, "dataset") if "dataset" in said else None
    found = Zip(name=name, md5=md5, size=_size(said), sha256=sha256, dataset=dataset)
    _end(said)
    return found


def _kind(table: dict[str, Any]) -> str:
    kind = _text(table, "kind")
    if kind not in ("dataset", "package"):
        raise _Wrong(f"is of the unknown kind {kind[:40]!a}")
    return kind


def _version(table: dict[str, Any]) -> int | str | None:
    value = table.pop("version", None)
    if value is None or (type(value) is int and 1 <= value < 10**18):
        return value
    if isinstance(value, str) and is_semantic_version(value):
        return value
    raise _Wrong(f"has a version that is none: {value!r:.80}")


def _size(table: dict[str, Any]) -> int | None:
    value = table.pop("size", None)
    if value is None or (type(value) is int and 0 <= value < 10**16):
        return value
    raise _Wrong(f"has a size that is no number of bytes: {value!r:.80}")


def _flag(table: dict[str, Any], key: str) -> bool:
    return bool(_take(table, key, bool)) if key in table else False


def _matching(table: dict[str, Any], key: str, fits: Callable[[str], bool]) -> str | None:
    if key not in table:
        return None
    text = _text(table, key)
    if not fits(text):
        raise _Wrong(f"has a {key} that is none: {text[:80]!a}")
    return text


def _checked(
    table: dict[str, Any], key: str, check: Callable[[str], object], *, needed: bool = False
) -> str | None:
    if key not in table and not needed:
        return None
    text = _text(table, key)
    try:
        check(text)
    except (ValueError, NeurogisterError) as error:
        raise _Wrong(f"has the {key} {text[:80]!a}, which {error}") from None
    return text


def _text(table: dict[str, Any], key: str) -> str:
    text = str(_take(table, key, str))
    if not text or not _is_plain(text):
        raise _Wrong(f"has a {key} that is no plain text")
    return text


def _is_plain(text: str) -> bool:
    return len(text) <= _MAX_TEXT and text.isprintable()


def _take(table: dict[str, Any], key: str, kind: type) -> Any:
    value = table.pop(key, None)
    if type(value) is not kind:
        what = "is missing" if value is None else f"must not be {value!r:.80}"
        raise _Wrong(f"is not complete: {key} {what}")
    return value


def _tables(table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = table.pop(key, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _Wrong(f"must have {key} as tables: [[{key}]]")
    return value


def _end(table: dict[str, Any]) -> None:
    if table:
        unknown = ", ".join(f"{key[:40]!a}" for key in sorted(table)[:5])
        raise _Wrong(f"has what this neurogister does not know: {unknown}")
