"""A site as its TOML describes it: sections, addresses, theme. Parsing names each fault by pointer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nashr.domain.errors import Fault, Refused
from nashr.domain.recipe import RECIPE, Recipe, read_recipe
from nashr.domain.siterules import rule_faults
from nashr.domain.slugs import RESERVED, is_slug
from nashr.domain.theme import TEXTS, sound, theme_faults

SHARES: Final = ("facebook", "x", "linkedin", "whatsapp", "email")
_RTL: Final = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})
_RTL_SCRIPTS: Final = frozenset({"arab", "hebr", "syrc", "thaa", "nkoo", "adlm"})
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_SITE_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_PLAIN_PATH: Final = re.compile(r"[\w/.-]*", re.ASCII).fullmatch  # what quoting would leave as it is
DIGITS: Final = ("latn", "arab", "arabext")
_TOKENS: Final = re.compile(r"\{([a-z]+)\}")


HALF_LIFE_DAYS: Final = 30.0
"""Where a section says nothing else. In three weeks of Arabic news 7 days and more cost nothing measurable in
nDCG@5, 3 days 0.010 (benchmarks/related/QUALITY.md)."""


TOPIC_THRESHOLD: Final = 3
"""Live articles from which on a topic has a page, where a site says nothing else."""


@dataclass(frozen=True)
class Section:
    """One entry of the navigation; ``all`` makes it list every article.

    ``half_life_days``: how fast its articles fade as related links, None for the usual 30 days.
    """

    slug: str
    label: str
    all: bool = False
    half_life_days: float | None = None


@dataclass(frozen=True)
class Site:
    """One edition: a chrome locale, a base URL, a bucket prefix.

    ``texts``: words of its own, by id, which stand in the TOML as ``[theme.texts]``. ``digits`` are those of
    dates: ``latn`` 0-9, ``arab`` ٠-٩, ``arabext`` ۰-۹; None for the locale's own. ``websub_hub``: the hub
    that is told when feeds change. ``indexnow``: search engines are told which addresses change.
    """

    id: str
    name: str
    locale: str
    base_url: str
    time_zone: str = "UTC"
    logo: str | None = None
    share: tuple[str, ...] = SHARES
    article_path: str = "/{section}/{slug}/"
    bucket: str | None = None
    prefix: str = ""
    feeds: str = "full"
    topic_threshold: int = TOPIC_THRESHOLD
    static: str | None = None
    digits: str | None = None
    websub_hub: str | None = None
    indexnow: bool = False
    theme: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    images: Recipe = RECIPE
    sections: tuple[Section, ...] = ()

    @property
    def language(self) -> str:
        """The primary language subtag, such as ``ar``."""
        return self.locale.split("-")[0].lower()

    @property
    def direction(self) -> str:
        return direction(self.locale)

    @property
    def date_locale(self) -> str:
        """The locale that dates are written in: the site's, with its digits."""
        return f"{self.locale.partition('-u-')[0]}-u-nu-{self.digits}" if self.digits else self.locale

    @cached_property
    def base_path(self) -> str:
        """The path part of ``base_url``, always with a slash at both ends."""
        path = urlsplit(self.base_url).path
        return "/" + path.strip("/") + "/" if path.strip("/") else "/"

    @cached_property
    def origin(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def href(self, path: str) -> str:
        """The root-relative, percent-encoded link to a site path such as ``/politics/خبر/``."""
        return self.base_path[:-1] + (path if _PLAIN_PATH(path) else _encoded(path))

    def hrefs(self, below: str, names: Sequence[str]) -> list[str]:
        """The links to site paths that begin with ``below``: as ``href``, of many."""
        start = self.href(below) if below else self.base_path[:-1]
        return [start + (name if _PLAIN_PATH(name) else _encoded(name)) for name in names]

    def url(self, path: str) -> str:
        """The absolute URL of a site path."""
        return self.origin + self.href(path)

    def key(self, path: str) -> str:
        """The object key that serves a site path: a folder is its index.html."""
        name = path.lstrip("/")
        return self.prefix + (name + "index.html" if path.endswith("/") else name)

    def path(self, key: str) -> str:
        """The site path that an object key below the prefix serves."""
        folder, slash, name = f"/{key.removeprefix(self.prefix)}".rpartition("/")
        return f"{folder}{slash}{'' if name == 'index.html' else name}"

    def section(self, slug: str) -> Section | None:
        return next((section for section in self.sections if section.slug == slug), None)

    def half_life(self, section: str) -> float:
        """Days after which the fading part of a related link to an article of ``section`` has halved."""
        known = self.section(section)
        return HALF_LIFE_DAYS if known is None or known.half_life_days is None else known.half_life_days

    def to_json(self) -> dict[str, Any]:
        """The TOML as JSON, as ``GET /v1/sites/{id}`` returns it."""
        data = asdict(self)
        data["share"] = list(self.share)
        data["sections"] = [asdict(section) for section in self.sections]
        data["theme"] = {**self.theme, **({TEXTS: dict(self.texts)} if self.texts else {})}
        del data[TEXTS]
        data["images"] = {**asdict(self.images), "widths": list(self.images.widths)}
        data["images"]["crops"] = list(self.images.crops)
        return data


@lru_cache(maxsize=4096)
def _encoded(path: str) -> str:
    """A page names itself a dozen times, and neighbours name each other."""
    return quote(path, safe="/:@!$&'()*+,;=~-._")


@lru_cache(maxsize=256)
def direction(language: str) -> str:
    """``rtl`` or ``ltr`` for a BCP 47 tag; an explicit script subtag wins over the language."""
    primary, *rest = language.lower().split("-")
    scripts = [part for part in rest if len(part) == 4 and part.isalpha()]
    if scripts:
        return "rtl" if scripts[0] in _RTL_SCRIPTS else "ltr"
    return "rtl" if primary in _RTL else "ltr"


def is_language(tag: str) -> bool:
    """Whether ``tag`` is shaped like a BCP 47 language tag."""
    return _LANGUAGE.fullmatch(tag) is not None


_TEXTS: Final = (
    "time_zone", "logo", "article_path", "bucket", "prefix", "feeds", "static", "digits", "websub_hub",
)  # fmt: skip


def parse_site(data: Mapping[str, Any]) -> Site:
    """Builds a site from its TOML or JSON form.

    Raises Refused("invalid") with one fault per wrong field.
    """
    return _read(data, rules=(_value_faults, rule_faults))


def _read(data: Mapping[str, Any], *, rules: Sequence[Callable[[Mapping[str, Any]], list[Fault]]]) -> Site:
    """``rules`` are asked once every field has its type."""
    known = {name: each for name, each in Site.__dataclass_fields__.items() if name != TEXTS}
    faults = list(_unknown(data, "", known))
    faults += [
        Fault(f"/{name}", "missing", f"give {name} as text")
        for name in ("id", "name", "locale", "base_url")
        if not isinstance(data.get(name), str) or not str(data[name]).strip()
    ]
    faults += [
        Fault(f"/{name}", "bad_type", f"give {name} as text, or leave it out")
        for name in _TEXTS
        if not isinstance(data.get(name), str | None)
    ]
    sections = tuple(_sections(data.get("sections", []), faults))
    images = read_recipe(data.get("images"), "/images", faults)
    for rule in rules:
        faults += [] if faults else rule(data)
    if faults:
        raise Refused("invalid", "the site is not valid: see errors", faults=tuple(faults))
    return Site(**{**_plain(data), "sections": sections, "images": images})


def stored_site(data: Mapping[str, Any]) -> Site:
    """A site as the database has it, without what of its theme would be refused today.

    A newer nashr may have written it: fields that this one does not know are passed over. Raises
    Refused("invalid") as ``parse_site`` does, but for rules that came later than the site.
    """
    sections = data.get("sections")
    if isinstance(sections, list):
        sections = [_only(Section, one) if isinstance(one, Mapping) else one for one in sections]
    known = {**_only(Site, data), "sections": sections, "theme": sound(data.get("theme"))}
    if isinstance(data.get("images"), Mapping):
        known["images"] = _only(Recipe, data["images"])
    return _read(known, rules=(_value_faults,))


def _only(kind: type[Site | Section | Recipe], data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name in kind.__dataclass_fields__}


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in data.items() if name != "sections"}
    theme = dict(values.get("theme", {}))
    values[TEXTS] = dict(theme.pop(TEXTS, {}))
    values["theme"] = theme
    values["share"] = tuple(values.get("share", SHARES))
    values["prefix"] = values.get("prefix") if values.get("prefix") is not None else f"{data['id']}/"
    values["base_url"] = str(values["base_url"]).rstrip("/") + "/"
    return values


def _unknown(data: Mapping[str, Any], at: str, known: Mapping[str, Any]) -> list[Fault]:
    return [
        Fault(
            f"{at}/{name}",
            "unknown_field",
            f"{name} is not a field here; known: {', '.join(known)}",
        )
        for name in data
        if name not in known
    ]


def _sections(data: Any, faults: list[Fault]) -> list[Section]:
    if not isinstance(data, list | tuple) or not data:
        faults.append(Fault("/sections", "missing", "give at least one [[sections]] with slug and label"))
        return []
    found: list[Section] = []
    for index, item in enumerate(data):
        at = f"/sections/{index}"
        if not isinstance(item, Mapping):
            faults.append(Fault(at, "bad_type", "a section is a table with slug and label"))
            continue
        faults += _unknown(item, at, Section.__dataclass_fields__)
        slug, label = item.get("slug"), item.get("label")
        if not isinstance(slug, str) or not is_slug(slug) or slug in RESERVED:
            faults.append(
                Fault(f"{at}/slug", "bad_slug", "lower-case letters, digits and hyphens; not reserved")
            )
        elif any(section.slug == slug for section in found):
            faults.append(Fault(f"{at}/slug", "slug_taken", f"section {slug} stands twice"))
        elif not isinstance(label, str) or not label.strip():
            faults.append(Fault(f"{at}/label", "missing", "give the label that readers see"))
        elif not isinstance(item.get("all", False), bool):
            faults.append(Fault(f"{at}/all", "bad_type", "all must be true or false"))
        elif not _is_half_life(item.get("half_life_days")):
            faults.append(Fault(f"{at}/half_life_days", "invalid", "days from 1 to 3650, such as 7 or 30"))
        else:
            found.append(Section(slug, label, item.get("all", False), item.get("half_life_days")))
    return found


def _is_half_life(value: Any) -> bool:
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= 3650
    )


def _is_threshold(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1000


def _value_faults(data: Mapping[str, Any]) -> list[Fault]:
    faults: list[Fault] = []
    if not _SITE_ID.fullmatch(data["id"]):
        faults.append(Fault("/id", "bad_slug", "1 to 40 lower-case letters, digits and hyphens"))
    if not is_language(data["locale"]):
        faults.append(Fault("/locale", "bad_language", "a BCP 47 tag such as ar-LB"))
    if not _is_base_url(data["base_url"]):
        faults.append(Fault("/base_url", "bad_url", "an absolute http(s) URL without query or fragment"))
    faults += _time_zone_faults(data.get("time_zone", "UTC"))
    share = data.get("share", SHARES)
    if not isinstance(share, list | tuple) or any(name not in SHARES for name in share):
        faults.append(Fault("/share", "invalid", f"a list out of {', '.join(SHARES)}"))
    if data.get("feeds", "full") not in {"full", "summary"}:
        faults.append(Fault("/feeds", "invalid", "full or summary"))
    if not _is_threshold(data.get("topic_threshold", TOPIC_THRESHOLD)):
        faults.append(Fault("/topic_threshold", "invalid", "how many articles, from 1 to 1000"))
    if data.get("digits") not in {None, *DIGITS}:
        faults.append(Fault("/digits", "invalid", f"one of {', '.join(DIGITS)}"))
    if data.get("websub_hub") is not None and not _is_base_url(data["websub_hub"]):
        faults.append(Fault("/websub_hub", "bad_url", "an absolute https:// URL without query or fragment"))
    if not isinstance(data.get("indexnow", False), bool):
        faults.append(Fault("/indexnow", "bad_type", "true or false"))
    faults += _path_faults(data.get("article_path", "/{section}/{slug}/"))
    faults += theme_faults(data.get("theme", {}))
    prefix = data.get("prefix")
    if prefix is not None and (
        not isinstance(prefix, str)
        or prefix.startswith("/")
        or ".." in prefix
        or (prefix and not prefix.endswith("/"))
    ):
        faults.append(
            Fault("/prefix", "invalid", "empty, or a path that ends in a slash and starts without one")
        )
    return faults


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    plain = not parts.query and not parts.fragment
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and plain


def _time_zone_faults(name: Any) -> list[Fault]:
    try:
        ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [Fault("/time_zone", "invalid", "an IANA name such as Asia/Beirut")]
    return []


def _path_faults(path: Any) -> list[Fault]:
    at = "/article_path"
    if not isinstance(path, str) or not path.startswith("/") or not path.endswith("/"):
        return [Fault(at, "invalid", "a path that starts and ends with a slash")]
    unknown = set(_TOKENS.findall(path)) - {"section", "slug", "yyyy", "mm", "id"}
    stray = {"{", "}"} & set(_TOKENS.sub("", path))
    if unknown or stray or not {"slug", "id"} & set(_TOKENS.findall(path)):
        return [
            Fault(
                at,
                "invalid",
                "tokens {section} {slug} {yyyy} {mm} {id}, with {slug} or {id} among them",
            )
        ]
    return []
