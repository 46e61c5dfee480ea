"""RFC 6901 pointers into the input as it was sent, and pydantic's errors as faults of the wire.

Each fault has a code of the closed list and a detail that names the cure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from nashr.domain.errors import Fault

CUSTOM: Final = "wire:"
"""Before the type of an error that a schema raises itself: the rest is its code, its message the cure."""

MOST_FAULTS: Final = 50
"""More than this many faults in one answer help nobody and let a small request ask for a large answer."""

_CODES: Final[Mapping[str, str]] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_too_short": "empty",
    "too_short": "empty",
    "union_tag_not_found": "missing",
    "union_tag_invalid": "invalid",
    "string_unicode": "bad_character",
}
_WANTED: Final[Mapping[str, str]] = {
    "string_type": "a text in quotes",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_CURES: Final[Mapping[str, str]] = {
    "missing": "{name} is required: add it",
    "extra_forbidden": "{name} is not a field here: remove it, correct its name, or keep it in extensions",
    "string_too_long": "at most {max_length} characters, this has {size}: shorten it",
    "too_long": "at most {max_length} entries, this has {size}: remove some",
    "string_too_short": "{name} must not be empty: write something or leave it out",
    "too_short": "{name} must not be empty: give at least {min_length}",
    "literal_error": "must be one of {expected}",
    "string_pattern_mismatch": "must look like {pattern}",
    "union_tag_not_found": "say which type of block this is",
    "union_tag_invalid": "must be one of {expected_tags}",
    "string_unicode": "holds half a surrogate pair: send whole characters",
}
_SAID: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


def pointer(parts: Iterable[str | int]) -> str:
    """The RFC 6901 pointer of a path of names and indexes; empty for the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def faults_of(errors: Iterable[Mapping[str, Any]], *, body: Any) -> tuple[Fault, ...]:
    """Pydantic's errors about ``body`` as faults, at most ``MOST_FAULTS``, in the order found."""
    return tuple(fault_of(error, error["loc"], body=body) for error in islice(errors, MOST_FAULTS))


def fault_of(error: Mapping[str, Any], loc: Sequence[str | int], *, body: Any) -> Fault:
    """One pydantic error as a fault; ``loc`` is its path without FastAPI's leading ``body``."""
    kind = str(error["type"])
    parts = _as_sent(loc, body)
    if kind.startswith("union_tag"):
        parts = [*parts, "type"]
    if kind.startswith(CUSTOM):
        return Fault(pointer(parts), kind.removeprefix(CUSTOM), str(error["msg"]))
    code = "bad_type" if kind in _WANTED else _CODES.get(kind, "invalid")
    return Fault(pointer(parts), code, _cure(error, str(parts[-1]) if parts else "the body"))


def _as_sent(loc: Sequence[str | int], body: Any) -> list[str | int]:
    """``loc`` without the union tags that pydantic puts behind a list's index."""
    parts: list[str | int] = []
    value, from_list = body, False
    for part in loc:
        if from_list and isinstance(value, Mapping) and value.get("type") == part:
            from_list = False
            continue
        parts.append(part)
        from_list = isinstance(value, list)
        value = _child(value, part)
    return parts


def _child(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _cure(error: Mapping[str, Any], name: str) -> str:
    kind, value = str(error["type"]), error.get("input")
    if kind in _WANTED:
        return f"{name} must be {_WANTED[kind]}, not {_SAID.get(type(value), 'this')}"
    if kind not in _CURES:
        return str(error["msg"])
    size = len(value) if isinstance(value, str | list) else 0
    return _CURES[kind].format_map({**(error.get("ctx") or {}), "name": name, "size": size})
