"""What a JSON body must be before any model looks at it: UTF-8, real JSON, shallow, storable characters.

Python's parser is more generous than JSON (NaN, 1e400, half surrogates); a database is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from nashr.domain.errors import Fault, Refused

from nashr_ingest.characters import character_faults

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 100_000
MAX_NAMES: Final = 40_000
"""Colons of a body, each of which may follow a name: a draft as large as can be has half as many."""

_SUSPECT: Final = re.compile(
    rb"\\u(?:00[01]|007[fF]|00[89]|[dD][89a-fA-F]|[fF]{3}[eEfF])|\x7f|\xc2[\x80-\x9f]|\xef\xbf[\xbe\xbf]"
)


def read_json(raw: bytes) -> Any:
    """The value of a JSON body.

    Raises Refused("bad_json") where it is not JSON in UTF-8, Refused("too_large") where it holds too many
    values, Refused("invalid") where it is nested too deep or a text holds what cannot be stored.
    """
    if raw.count(b":") > MAX_NAMES or raw.count(b",") > MAX_VALUES:  # before it costs anything
        raise _too_many()
    value = _parsed(_decoded(raw))
    _check_depth(value)
    if _SUSPECT.search(raw) and (faults := character_faults(value)):
        raise Refused("invalid", "some texts hold characters that cannot be kept", faults=tuple(faults))
    return value


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            "bad_json", f"byte {error.start + 1} of the body is not UTF-8: send the body as UTF-8"
        ) from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        detail = f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        detail = f"the body is not JSON: {str(error).split(':')[0]}"
    raise Refused("bad_json", detail)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _check_depth(value: Any) -> None:
    """Level by level, so that neither depth nor breadth can cost more than one pass."""
    level, values = [value], 0
    for _ in range(MAX_DEPTH + 1):
        level = [item for node in level if isinstance(node, dict | list) for item in _children(node)]
        if not level:
            return
        values += len(level)
        if values > MAX_VALUES:
            raise _too_many()
    raise _too_deep()


def _children(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _too_many() -> Refused:
    return Refused(
        "too_large",
        f"at most {MAX_VALUES} values and {MAX_NAMES} names in one body: send less at a time",
    )


def _too_deep() -> Refused:
    detail = f"objects and lists may be nested {MAX_DEPTH} deep at most: flatten the body"
    return Refused("invalid", detail, faults=(Fault("", "invalid", detail),))
