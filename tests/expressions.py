"""Expressions of GitHub's workflows, ``${{ inputs.name == 'a' }}``: as much as ours need.

What is not known here is an error, and never nothing: a test must not pass by a misreading.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_MARKED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<sign>==|!=|&&|\|\||[!().,\[\]]))"
)
_CONSTANTS = {"true": True, "false": False, "null": None}


class Expressions:
    """Evaluates expressions.

    Parameters
    ----------
    contexts : mapping
        What they may name: ``{"inputs": {"names": "a"}}``.
    functions : mapping
        What they may call, by the name in small letters.
    """

    def __init__(
        self, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None
    ) -> None:
        self._contexts = contexts
        self._functions = dict(functions or {}) | {
            "contains": _contains,
            "startswith": lambda whole, part: (
                _text(whole).casefold().startswith(_text(part).casefold())
            ),
            "endswith": lambda whole, part: (
                _text(whole).casefold().endswith(_text(part).casefold())
            ),
            "format": lambda text, *values: _formatted(text, values),
            "fromjson": json.loads,
            "tojson": lambda value: json.dumps(value, indent=2),
        }

    def fill(self, text: Any) -> str:
        """Return a text with its expressions replaced by what they stand for."""
        return _MARKED.sub(lambda found: _text(self.value(found[1])), _text(text))

    def holds(self, condition: str) -> bool:
        """Tell whether a condition holds, with or without the marks of an expression."""
        marked = _MARKED.fullmatch(condition.strip())
        return bool(self.value(marked[1] if marked else condition))

    def value(self, text: str) -> Any:
        """Return what an expression stands for."""
        parser = _Parser(_tokens(text), self._contexts, self._functions)
        value = parser.either()
        if parser.tokens:
            raise ValueError(f"{text!r}: what is {parser.tokens[0]!r}?")
        return value


def _tokens(text: str) -> list[str]:
    found, start = [], 0
    while text[start:].strip():
        token = _TOKEN.match(text, start)
        if token is None:
            raise ValueError(f"{text!r}: what is {text[start:]!r}?")
        found.append(token[0].strip())
        start = token.end()
    return found


class _Parser:
    """Reads tokens from the left; each method is one level of the grammar."""

    def __init__(
        self,
        tokens: list[str],
        contexts: Mapping[str, Any],
        functions: Mapping[str, Callable[..., Any]],
    ) -> None:
        self.tokens = tokens
        self._contexts = contexts
        self._functions = functions

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:
        value = self._negated()
        while self.tokens and self.tokens[0] in ("==", "!="):
            wanted = self.tokens.pop(0) == "=="
            value = _same(value, self._negated()) is wanted
        return value

    def _negated(self) -> Any:
        if self._take("!"):
            return not self._negated()
        if self._take("("):
            value = self.either()
            self._need(")")
            return value
        return self._named()

    def _named(self) -> Any:
        token = self.tokens.pop(0) if self.tokens else ""
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if re.fullmatch(r"-?\d+(\.\d+)?", token):
            return float(token) if "." in token else int(token)
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        if self._take("("):
            value = self._called(token)
        elif token in self._contexts:
            value = self._contexts[token]
        else:
            raise ValueError(f"there is no context {token!r}")
        while self.tokens and self.tokens[0] in (".", "["):
            value = _of(value, self._key())
        return value

    def _called(self, name: str) -> Any:
        arguments = []
        while not self._take(")"):
            arguments.append(self.either())
            if not self.tokens or self.tokens[0] != ")":
                self._need(",")
        return self._functions[name.casefold()](*arguments)

    def _key(self) -> Any:
        if self._take("."):
            return self.tokens.pop(0)
        self._need("[")
        key = self.either()
        self._need("]")
        return key

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise ValueError(f"{token!r} is missing before {self.tokens[:1]}")


def _of(value: Any, key: Any) -> Any:
    """A name that is not there is null, as at GitHub."""
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if key < len(value) else None
    return None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if type(one) is type(other):
        return bool(one == other)
    return _number(one) == _number(other)


def _number(value: Any) -> float:
    if value in (None, ""):
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, list):
        return any(_same(each, part) for each in whole)
    return _text(part).casefold() in _text(whole).casefold()


def _formatted(text: str, values: tuple[Any, ...]) -> str:
    return re.sub(r"\{(\d+)\}", lambda found: _text(values[int(found[1])]), text)
