"""Whether content is what a record says, and the words for when it is not."""

from __future__ import annotations

import hashlib

from ..backends.holdings import strongest
from ..backends.remotes import Remote
from ..errors import IntegrityError
from ..model.digest import Buffer, new_hasher
from ..model.objects import Wanted

NOTHING_KEPT = (
    "Nothing wrong was kept. Tell the maintainers of the registry, or try another remote"
    " with `--remote NAME`."
)


def check_content(data: Buffer, wanted: Wanted, remote: Remote) -> str | None:
    """Check a whole object against what it must be.

    Returns
    -------
    str or None
        The strongest digest beside its md5, if one was checked.

    Raises
    ------
    IntegrityError
        That names the object, the remote and the difference.
    """
    expected = wanted.expected
    if expected.algorithms == ("md5",):
        digests = {"md5": hashlib.md5(data, usedforsecurity=False).hexdigest()}
    else:
        digests = {}
        for name in expected.algorithms:
            hasher = new_hasher(name)
            hasher.update(data)
            digests[name] = hasher.hexdigest()
    if (difference := expected.difference(len(data), digests)) is not None:
        raise wrong_content(wanted, remote, difference, start=bytes(data[:64]))
    return strongest(expected, digests)


def wrong_content(
    wanted: Wanted, remote: Remote, difference: str, *, start: bytes = b""
) -> IntegrityError:
    """Return the error for an object that is not what its pointer says."""
    page = start.lstrip()[:9].lower() in (b"<!doctype", b"<html>") or start[:5] == b"<html"
    what = "; it looks like a web page" if page else ""
    return IntegrityError(
        f"{wanted.label}: the object {wanted.oid} at {remote.address} is not what the record"
        f" says: {difference}{what}",
        hint=NOTHING_KEPT,
    )
