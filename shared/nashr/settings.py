"""Every setting: its type, default and a sentence. Read once at start-up; passed on as values.

``NASHR_`` before the upper-case name makes the environment variable. Every process reads them, so this
module needs the standard library alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final

PREFIX: Final = "NASHR_"


class BadSetting(Exception):
    """Values that do not fit; the text names the variables and what they must be."""


class Secret:
    """A text that shows itself to nobody who does not ask for it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.get_secret_value() == other.get_secret_value()

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(...)"


_READ: Final = {"str": str, "int": int, "float": float, "Path": Path, "Secret": Secret}
_WANTED: Final = {"int": "a whole number", "float": "a number"}
_PORTS: Final = range(65_536)
_SWITCHES: Final = frozenset({"heic", "cdn_tags", "cdn_soft"})
_CHOICES: Final = {
    "s3_checksums": ("when_required", "when_supported"),
    "s3_addressing": ("path", "virtual", "auto"),
    "s3_writes": ("auto", "single-writer"),
    "webhooks_reach": ("public", "loopback", "private"),
}
_CDNS: Final[dict[str, tuple[str, ...]]] = {
    "edge": (),
    "none": (),
    "purge": (),
    "varnish": ("edge_url", "purge_secret"),
    "fastly": ("cdn_id", "cdn_token"),
    "cloudflare": ("cdn_id", "cdn_token"),
    "cloudfront": ("cdn_id",),
}
"""What NASHR_CDN may be, and which settings each cannot do without."""
_DATA: Final = Path(".nashr")
_KEY, _SECRET, _NONE = Secret("nashr"), Secret("nashr-secret"), Secret("")


def _setting(default: Any, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The one frozen tree of settings; ``given`` names those that environment or flags have set."""

    given: frozenset[str] = frozenset()

    env: str = _setting("development", "production refuses failpoints")
    data: Path = _setting(_DATA, "Folder of the embedded stack: all its state is below it")  # noqa: RUF009
    traces_url: str = _setting(
        "", "Where traces go, OTLP over HTTP, as http://collector:4318/v1/traces; empty: there are none"
    )
    traces_share: float = _setting(1.0, "How many of the traces that begin here are kept, from 0 to 1")
    failpoints: str = _setting("", "Faults to stage in tests; refused when env is production")

    database_url: str = _setting("", "PostgreSQL >= 15, as postgresql://; empty: the embedded server")
    redis_url: str = _setting("", "Redis >= 7 or Valkey, as redis://; empty: the embedded server")
    ingest_password: Secret = _setting(  # noqa: RUF009
        _NONE, "What nashr migrate makes the password of the database role nashr_ingest; empty: it stays"
    )
    worker_password: Secret = _setting(  # noqa: RUF009
        _NONE, "The same for nashr_worker, as which relay, images, related and cards connect"
    )
    delivery_password: Secret = _setting(_NONE, "The same for nashr_delivery")  # noqa: RUF009
    reader_password: Secret = _setting(  # noqa: RUF009
        _NONE, "The same for nashr_reader, which changes nothing: for people and reports"
    )
    s3_endpoint: str = _setting("", "S3 endpoint URL; empty: the embedded store")
    s3_region: str = _setting("us-east-1", "S3 region")
    s3_bucket: str = _setting("nashr-site", "Bucket of the published site, read by the edge")
    s3_private_bucket: str = _setting("nashr-originals", "Bucket of originals, never behind an edge")
    s3_access_key: Secret = _setting(_KEY, "S3 access key id")  # noqa: RUF009
    s3_secret_key: Secret = _setting(_SECRET, "S3 secret access key")  # noqa: RUF009
    s3_checksums: str = _setting(
        "when_required",
        "boto3's request_checksum_calculation: when_required or when_supported (quick PUTs: SHA-256)",
    )
    s3_addressing: str = _setting(
        "path", "The bucket in the path, as any store takes it; virtual or auto: in the host name"
    )
    s3_writes: str = _setting(
        "auto", "Who writes pages: auto, as the store is found; single-writer, one process on any store"
    )
    edge_url: str = _setting("", "Where receipts fetch and purges go; empty: the embedded edge")
    purge_secret: Secret = _setting(_NONE, "Shared secret of PURGE requests to the edge")  # noqa: RUF009
    edge_cache_bytes: int = _setting(64 * 1024 * 1024, "Memory the embedded edge may fill with objects")

    cdn: str = _setting(
        "edge",
        "What is purged: edge (the embedded one), none, purge, varnish, fastly, cloudflare, cloudfront",
    )
    cdn_id: str = _setting("", "The CloudFront distribution, Cloudflare zone or Fastly service")
    cdn_token: Secret = _setting(_NONE, "API token of Cloudflare or Fastly")  # noqa: RUF009
    cdn_access_key: Secret = _setting(  # noqa: RUF009
        _NONE, "AWS access key id for CloudFront; empty: the machine's role"
    )
    cdn_secret_key: Secret = _setting(_NONE, "AWS secret access key for CloudFront")  # noqa: RUF009
    cdn_api: str = _setting("", "Address of the vendor's API where it is not the public one")
    cdn_tags: int = _setting(0, "1 purges by tag, once the edge reads the objects' tags; 0 by URL")
    cdn_soft: int = _setting(1, "1 lets changes only mark copies as stale where the edge can; removals never")
    cdn_rate: float = _setting(0.0, "Purge requests a second; 0: what the vendor's smallest plan allows")
    cdn_budget: int = _setting(1000, "Paths and tags a month that CloudFront is asked to purge for free")

    bind: str = _setting("127.0.0.1", "Address that the API and the embedded edge listen on")
    trusted_proxies: str = _setting(
        "", "Networks of proxies whose X-Forwarded-For is believed, with commas between: 10.0.0.0/8,::1"
    )
    api_port: int = _setting(8080, "Port of the API; 0 takes a free one")
    site_port: int = _setting(8090, "Port of the embedded edge; 0 takes a free one")
    preview_port: int = _setting(0, "Port of previews, in delivery; 0: the embedded stack takes a free one")
    preview_url: str = _setting("", "Where the edge sends /preview/; empty: the embedded delivery")

    webhooks_reach: str = _setting(
        "public", "How far webhooks may reach: public, https to public addresses; loopback; private"
    )
    indexnow_url: str = _setting(
        "https://api.indexnow.org/indexnow", "Where addresses go for sites that say indexnow = true"
    )

    lease_seconds: float = _setting(10.0, "How long a claimed step is its worker's without a heartbeat")
    heartbeat_seconds: float = _setting(3.0, "How often a worker extends the leases it holds")
    redispatch_seconds: float = _setting(3.0, "A due step without a claim is hinted again after this")
    watchdog_seconds: float = _setting(8.0, "A worker idle this long beside due work exits")
    clock_skew_seconds: float = _setting(
        2.0, "Scheduled publications wait while a worker's clock is further than this off the database's"
    )
    images_threads: int = _setting(3, "Steps the images worker runs at once, bulk apart, one breaking only")
    related_threads: int = _setting(3, "Steps the related worker runs at once, bulk apart, one breaking only")
    cards_threads: int = _setting(3, "Steps the cards worker runs at once, bulk apart, one breaking only")
    delivery_threads: int = _setting(
        5, "Steps the delivery worker runs at once, bulk apart, one breaking only"
    )
    bulk_threads: int = _setting(
        2, "Bulk steps the delivery worker runs at once; images runs two, others one"
    )
    children: int = _setting(2, "Child processes that decode photos; one stays when idle")

    sweep_days: float = _setting(30.0, "Days that files of the site stay after the last page let go of them")

    sweep_percent: float = _setting(
        60.0, "Most per cent of a site's files that the sweep deletes by itself; if more are due, none goes"
    )

    token_rate: float = _setting(
        200.0, "Requests a second that one token may send in the long run, else 429; 0: no limit"
    )
    token_burst: int = _setting(1000, "Requests that one token may send at once after a rest")
    max_requests: int = _setting(64, "Requests the API works on at once; what is more gets 503")
    breaking_requests: int = _setting(8, "How many of these are kept for breaking publications")
    bulk_patience_seconds: float = _setting(
        10.0, "While bulk publications wait longer for their turn, the next get 503; 0: they wait for ever"
    )
    max_uploads: int = _setting(16, "Photos the API receives at once")
    max_streams: int = _setting(200, "Event streams the API holds open at once")
    max_body_bytes: int = _setting(1024 * 1024, "Largest JSON body of a request")
    max_asset_bytes: int = _setting(60 * 1024 * 1024, "Largest photo that may be uploaded")
    max_asset_pixels: int = _setting(60_000_000, "Most pixels a photo may have, all frames counted")
    heic: int = _setting(0, "1 accepts HEIC photos; the images service needs its heic extra for that")
    postgres_user: str = _setting("nobody", "Who runs the embedded PostgreSQL when root runs nashr up")

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of ``trusted_proxies``."""
        return networks(self.trusted_proxies)

    @property
    def endpoints_file(self) -> Path:
        return self.data / "endpoints.json"


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks or addresses out of a list with commas. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def declared() -> Mapping[str, Field[Any]]:
    """The settings by name: ``type`` as it is written above, ``default``, ``metadata["description"]``."""
    return {found.name: found for found in fields(Settings) if found.metadata}


def load(**overrides: Any) -> Settings:
    """Settings out of the environment; ``overrides`` (command line flags) win. Raises BadSetting."""
    settings = _load(overrides)
    _check_cdn(settings)
    return settings


def _load(overrides: Mapping[str, Any]) -> Settings:
    found = {name.upper(): value for name, value in os.environ.items()}
    given = {name: found[PREFIX + name.upper()] for name in declared() if PREFIX + name.upper() in found}
    given |= {name: value for name, value in overrides.items() if value is not None}
    settings = Settings(**_read(given), given=frozenset(given))
    if settings.env == "production" and settings.failpoints:
        raise BadSetting("NASHR_FAILPOINTS is set: unset it, production does not stage faults")
    return settings


def _check_cdn(settings: Settings) -> None:
    if settings.cdn not in _CDNS:
        raise BadSetting(f"NASHR_CDN: {settings.cdn!r} is none of {', '.join(_CDNS)}")
    needed = _CDNS[settings.cdn]
    missing = [f"{PREFIX}{name.upper()}" for name in needed if getattr(settings, name) in {"", _NONE}]
    if missing:
        raise BadSetting(f"NASHR_CDN is {settings.cdn}: set {' and '.join(missing)} too")


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    """Texts and values as the types that the settings declare."""
    values, faults = {}, []
    for name, value in given.items():
        kind = str(declared()[name].type)
        try:
            values[name] = value if isinstance(value, Secret) else _READ[kind](value)
        except ValueError:
            faults.append(f"{PREFIX}{name.upper()}: {value!r} is not {_WANTED[kind]}")
        if name.endswith("_port") and values.get(name, 0) not in _PORTS:
            faults.append(f"{PREFIX}{name.upper()}: {value} is no port, they go from 0 to 65535")
        if name in _SWITCHES and values.get(name, 0) not in {0, 1}:
            faults.append(f"{PREFIX}{name.upper()}: {value} is neither 0 (off) nor 1 (on)")
        if name == "trusted_proxies" and (wrong := _no_networks(str(value))):
            faults.append(f"{PREFIX}{name.upper()}: {wrong}")
        if name in _CHOICES and value not in _CHOICES[name]:
            faults.append(f"{PREFIX}{name.upper()}: {value!r} is none of {', '.join(_CHOICES[name])}")
    if faults:
        raise BadSetting("; ".join(faults))
    return values


def _no_networks(text: str) -> str:
    try:
        networks(text)
    except ValueError as error:
        return f"{error}: give networks such as 10.0.0.0/8, with commas between"
    return ""


def load_for_stack(data: Path | None = None) -> Settings:
    """Settings for a command beside a running stack: what the stack wrote down fills the gaps.

    ``nashr up`` writes DIR/stack.json (owner only) with the addresses and secrets it chose.
    """
    base = _load({"data": data})
    path = base.data / "stack.json"
    if not path.exists():
        return load(data=data)
    written = json.loads(path.read_text())
    chosen = {name: written[name] for name in declared() if name in written and name not in base.given}
    return load(**{**chosen, "data": base.data})
