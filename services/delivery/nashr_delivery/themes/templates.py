"""The Jinja environment of a site: our templates, and over them those of its theme in a sandbox.

A theme's template sees values only: no attribute with an underscore, no file, no clock, no dice.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, FunctionLoader, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

Sources = tuple[tuple[str, str], ...]
"""A theme's templates: (name, source)."""

FOLDER: Final = "templates/"
OURS: Final = "nashr/"
"""``nashr/base.html`` is ours also where the theme has a base.html."""

_NOT_THEMED: Final = frozenset({"redirect.html", "feed_body.html"})
_UNSTEADY: Final = frozenset({"now", "today", "utcnow"})


@cache
def themable() -> frozenset[str]:
    """The templates that a theme may replace. Redirects are not: old ones would never be made again."""
    names = {found.name for found in files("nashr_delivery").joinpath("templates").iterdir()}
    return frozenset(name for name in names if name.endswith(".html")) - _NOT_THEMED


def _themed(sources: Mapping[str, str]) -> FunctionLoader:
    """Templates out of a theme; tracebacks name them as files of its folder."""
    return FunctionLoader(lambda name: (sources[name], FOLDER + name, None) if name in sources else None)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, and no way to the time of day: the same page always has the same bytes."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _UNSTEADY and super().is_safe_attribute(obj, attr, value)


def environment(sources: Sources = ()) -> Environment:
    """Without a theme our own templates; else the theme's in a sandbox, and ours behind them."""
    ours = PackageLoader("nashr_delivery")
    options: dict[str, Any] = {
        "autoescape": True,
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "auto_reload": False,
    }
    if not sources:
        return Environment(loader=ours, **options)  # noqa: S701 - options escape
    loader = ChoiceLoader([_themed(dict(sources)), ours, PrefixLoader({OURS.rstrip("/"): ours})])
    env = _Sandbox(loader=loader, **options)
    del env.globals["lipsum"], env.filters["random"], env.filters["safe"]
    return env
