"""Edges in front of the site bucket, one module each; connect() picks the one that the settings name."""

from __future__ import annotations

from nashr.ports import Cdn
from nashr.settings import Settings


def connect(settings: Settings) -> Cdn:
    """The adapter that NASHR_CDN names. Each is imported where it is used: boto3 alone is 25 MB."""
    address, secret = settings.edge_url, settings.purge_secret.get_secret_value()
    if settings.cdn == "none" or (settings.cdn == "edge" and not address):
        from nashr.adapters.cdn.none import NullCdn  # noqa: PLC0415

        return NullCdn()
    if settings.cdn == "edge":
        from nashr.adapters.cdn.embedded import EmbeddedCdn  # noqa: PLC0415

        return EmbeddedCdn(address, secret)
    if settings.cdn == "purge":
        from nashr.adapters.cdn.url_purge import UrlPurgeCdn  # noqa: PLC0415

        return UrlPurgeCdn(address, secret)
    if settings.cdn == "varnish":
        from nashr.adapters.cdn.varnish import VarnishCdn  # noqa: PLC0415

        return VarnishCdn(address, secret, by_tag=bool(settings.cdn_tags))
    return _vendor(settings)


def _vendor(settings: Settings) -> Cdn:
    token, by_tag = settings.cdn_token.get_secret_value(), bool(settings.cdn_tags)
    if settings.cdn == "fastly":
        from nashr.adapters.cdn.fastly import FastlyCdn  # noqa: PLC0415

        return FastlyCdn(
            service=settings.cdn_id, token=token, by_tag=by_tag, rate=settings.cdn_rate, api=settings.cdn_api
        )
    if settings.cdn == "cloudflare":
        from nashr.adapters.cdn.cloudflare import CloudflareCdn  # noqa: PLC0415

        return CloudflareCdn(
            zone=settings.cdn_id, token=token, by_tag=by_tag, rate=settings.cdn_rate, api=settings.cdn_api
        )
    from nashr.adapters.cdn.cloudfront import CloudFrontCdn  # noqa: PLC0415

    return CloudFrontCdn(
        distribution=settings.cdn_id,
        access_key=settings.cdn_access_key.get_secret_value(),
        secret_key=settings.cdn_secret_key.get_secret_value(),
        by_tag=by_tag,
        rate=settings.cdn_rate,
        api=settings.cdn_api,
    )
