"""What a script may import says what it takes, in numpydoc's form; nothing says half of it."""

import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import neurogister

PACKAGES = ("neurogister.api", "neurogister.actions", "neurogister.compat", "neurogister.model")
_PARAMETERS = re.compile(r"^Parameters\n-+\n(?P<body>.*?)(?=^\w[^\n]*\n-{3,}$|\Z)", re.M | re.S)
# A line tells what a method with so many parameters does; from here on, each is named.
_FEW = 2


def modules() -> Iterator[Any]:
    """Give the modules whose names others may use."""
    for name in PACKAGES:
        module = importlib.import_module(name)
        yield module
        for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
            yield importlib.import_module(f"{name}.{found.name}")


def public() -> dict[str, Any]:
    """Return what a script may import from `neurogister` itself."""
    found = {name: getattr(neurogister, name) for name in neurogister.__all__}
    return {name: thing for name, thing in found.items() if is_code(thing)}


def written() -> dict[str, Any]:
    """Return the functions, classes and methods of the modules that have a name for others."""
    found: dict[str, Any] = {}
    for module in modules():
        for name, thing in vars(module).items():
            is_ours = getattr(thing, "__module__", None) == module.__name__
            if is_ours and not name.startswith("_") and is_code(thing):
                found[f"{module.__name__}.{name}"] = thing
    return found | {
        f"{name}.{method}": each
        for name, thing in found.items()
        for method, each in methods_of(thing).items()
    }


def is_code(thing: Any) -> bool:
    return inspect.isfunction(thing) or inspect.isclass(thing)


def methods_of(thing: Any) -> dict[str, Any]:
    """Return the public methods that are written in a class."""
    if not inspect.isclass(thing) or getattr(thing, "_is_protocol", False):
        return {}  # a protocol's methods are told where they are done
    return {
        name: getattr(thing, name)
        for name, each in vars(thing).items()
        if not name.startswith("_")
        and (inspect.isfunction(each) or isinstance(each, classmethod | staticmethod))
    }


def parameters_of(thing: Any) -> list[str]:
    """Return what somebody who calls it may pass."""
    if inspect.isclass(thing):
        if issubclass(thing, enum.Enum) or getattr(thing, "_is_protocol", False):
            return []
        if dataclasses.is_dataclass(thing):
            own = {name for each in thing.__mro__[1:] for name in _fields(each)}
            return [name for name in _fields(thing) if name not in own]
        if "__init__" not in vars(thing):
            return []
        thing = thing.__init__
    names = [name for name in inspect.signature(thing).parameters if name not in ("self", "cls")]
    return [name for name in names if not name.startswith("_")]


def _fields(thing: Any) -> list[str]:
    if not dataclasses.is_dataclass(thing):
        return []
    return [each.name for each in dataclasses.fields(thing) if each.init and each.name[0] != "_"]


def documented(thing: Any) -> set[str]:
    """Return the parameters that a docstring names."""
    found = _PARAMETERS.search(inspect.getdoc(thing) or "")
    if found is None:
        return set()
    lines = re.findall(r"^(\S[^\n]*)$", found["body"], re.M)
    names = (name for line in lines for name in re.split(r" ?: ", line)[0].split(", "))
    return {name.lstrip("*") for name in names}


def missing(thing: Any) -> list[str]:
    return [name for name in parameters_of(thing) if name not in documented(thing)]


@pytest.mark.parametrize("name", sorted(written()))
def test_it_says_what_it_is(name):
    assert (written()[name].__doc__ or "").strip()


@pytest.mark.parametrize("name", sorted(written()))
def test_it_tells_all_of_its_parameters_or_none(name):
    thing = written()[name]

    assert not documented(thing) or missing(thing) == []


@pytest.mark.parametrize("name", sorted(public()))
def test_the_parameters_of_a_public_name_are_told(name):
    thing = public()[name]
    untold = {
        method: missing(each)
        for method, each in methods_of(thing).items()
        if len(parameters_of(each)) > _FEW
    }

    assert missing(thing) == []
    assert {method: names for method, names in untold.items() if names} == {}


def test_a_parameter_that_is_not_told_is_caught():
    def example(one: int, two: int) -> int:
        """Add.

        Parameters
        ----------
        one : int
            The first.
        """
        return one + two

    assert missing(example) == ["two"]
