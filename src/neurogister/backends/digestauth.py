"""HTTP digest access authentication, as RFC 7616 describes it (with ``qop=auth``, or none).

The user and password never cross the network; an answer is made for each request from a challenge
that the server sent with status 401.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from dataclasses import dataclass

# RFC 7616, section 3.3, and RFC 2617 for what has no algorithm.
_ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_STRENGTH = ("SHA-512-256", "SHA-256", "MD5")


@dataclass(frozen=True)
class _Challenge:
    realm: str
    nonce: str
    algorithm: str
    session: bool
    opaque: str | None
    qop: bool


class DigestAuth:
    """Answers the challenges of one server; from any thread.

    Parameters
    ----------
    user, password : str
        Who we are.
    """

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._challenge: _Challenge | None = None
        self._count = 0
        self._lock = threading.Lock()

    def challenge(self, headers: list[str]) -> bool:
        """Take up a challenge from ``WWW-Authenticate`` headers.

        Returns
        -------
        bool
            Whether there is one that we can answer.
        """
        found = [one for text in headers for one in _parse(text)]
        known = [one for one in found if one.algorithm in _available()]
        if not known:
            return False
        best = min(known, key=lambda one: _STRENGTH.index(one.algorithm))
        with self._lock:
            self._challenge, self._count = best, 0
        return True

    def header(self, method: str, uri: str) -> dict[str, str]:
        """Return the header for a request; none before the first challenge."""
        with self._lock:
            challenge = self._challenge
            self._count += 1
            count = f"{self._count:08x}"
        if challenge is None:
            return {}
        cnonce = secrets.token_hex(16)
        response = self._respond(challenge, method, uri, count, cnonce)
        parts = [
            f'username="{_quoted(self._user)}"',
            f'realm="{_quoted(challenge.realm)}"',
            f'nonce="{_quoted(challenge.nonce)}"',
            f'uri="{uri}"',
            f'response="{response}"',
            f"algorithm={challenge.algorithm}{'-sess' if challenge.session else ''}",
        ]
        if challenge.opaque is not None:
            parts.append(f'opaque="{_quoted(challenge.opaque)}"')
        if challenge.qop:
            parts.append(f'qop=auth, nc={count}, cnonce="{cnonce}"')
        return {"Authorization": f"Digest {', '.join(parts)}"}

    def _respond(
        self, challenge: _Challenge, method: str, uri: str, count: str, cnonce: str
    ) -> str:
        def digest(*parts: str) -> str:
            data = ":".join(parts).encode()
            name = _ALGORITHMS[challenge.algorithm]
            return hashlib.new(name, data, usedforsecurity=False).hexdigest()

        secret = digest(self._user, challenge.realm, self._password)
        if challenge.session:
            secret = digest(secret, challenge.nonce, cnonce)
        what = digest(method, uri)
        if not challenge.qop:
            return digest(secret, challenge.nonce, what)
        return digest(secret, challenge.nonce, count, cnonce, "auth", what)


def _parse(text: str) -> list[_Challenge]:
    """Find the digest challenges in a header, which may hold several of all kinds."""
    found = []
    for part in re.split(r"(?i)(?:^|,)\s*digest\s+", text)[1:]:
        values = {
            match[1].lower(): match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
            for match in _PARAMETER.finditer(part)
        }
        algorithm = values.get("algorithm", "MD5").upper()
        qops = [qop.strip() for qop in values.get("qop", "").lower().split(",") if qop.strip()]
        if "nonce" not in values or (qops and "auth" not in qops):
            continue
        found.append(
            _Challenge(
                realm=values.get("realm", ""),
                nonce=values["nonce"],
                algorithm=algorithm.removesuffix("-SESS"),
                session=algorithm.endswith("-SESS"),
                opaque=values.get("opaque"),
                qop=bool(qops),
            )
        )
    return found


def _available() -> list[str]:
    return [name for name, known in _ALGORITHMS.items() if known in hashlib.algorithms_available]


def _quoted(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)
