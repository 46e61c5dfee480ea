"""What Fastly, Cloudflare, Varnish and plain caches are asked by their published APIs; how answers count.

None of this was run against a vendor: a server of the test's own stands in for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from nashr.adapters import cdn
from nashr.adapters.cdn.cloudflare import CloudflareCdn
from nashr.adapters.cdn.fastly import FastlyCdn
from nashr.adapters.cdn.url_purge import UrlPurgeCdn
from nashr.adapters.cdn.varnish import VarnishCdn
from nashr.ports import Cdn, CdnBusy, CdnRefused, CdnUnavailable
from nashr.settings import load

from tests.integration.cdn.conftest import Answer, Api
from tests.servers import free_port

PAGE = "https://news.example/politics/%D8%AE%D8%A8%D8%B1/"
DONE = Answer(
    body='{"success":true,"errors":[],"messages":[],"result":{"id":"023e105f4ecef8ad9ca31a8372d0c353"}}'
)


@pytest.fixture
def fastly(api: Api) -> Iterator[FastlyCdn]:
    with closing(FastlyCdn(service="SU1Z0isx", token="t0ken", by_tag=True, api=api.url)) as made:
        yield made


@pytest.fixture
def cloudflare(api: Api) -> Iterator[CloudflareCdn]:
    api.will_answer(DONE)
    with closing(CloudflareCdn(zone="023e105f", token="t0ken", by_tag=True, api=api.url)) as made:
        yield made


@pytest.fixture
def varnish(api: Api) -> Iterator[VarnishCdn]:
    with closing(VarnishCdn(api.url, "hush", by_tag=True)) as made:
        yield made


@pytest.mark.parametrize("soft", [False, True])
def test_fastly_purges_keys_in_one_request(api: Api, fastly: FastlyCdn, soft: bool) -> None:
    """POST /service/{id}/purge with the keys as JSON, the token in Fastly-Key; softly by its header."""
    fastly.purge(urls=(), tags=["p1", "p2"], soft=soft)
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", "/service/SU1Z0isx/purge")
    assert asked.headers["fastly-key"] == "t0ken"
    assert asked.headers.get("fastly-soft-purge") == ("1" if soft else None)
    assert asked.headers["content-type"] == "application/json"
    assert asked.json == {"surrogate_keys": ["p1", "p2"]}
    assert fastly.limits.tags == 256


def test_fastly_purges_a_url_by_its_host_and_path(api: Api, fastly: FastlyCdn) -> None:
    """POST /purge/{host}{path}, the path as readers send it, one request each."""
    fastly.purge(urls=[PAGE, "https://news.example/feed.xml"])
    assert [(item.method, item.path) for item in api.asked] == [
        ("POST", "/purge/news.example/politics/%D8%AE%D8%A8%D8%B1/"),
        ("POST", "/purge/news.example/feed.xml"),
    ]


@pytest.mark.parametrize(("urls", "tags"), [([PAGE], []), ([], ["p1", "p2"])])
def test_cloudflare_purges_files_or_tags(
    api: Api, cloudflare: CloudflareCdn, urls: list[str], tags: list[str]
) -> None:
    """POST /zones/{zone}/purge_cache with files or tags, the token as bearer."""
    cloudflare.purge(urls=urls, tags=tags)
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", "/zones/023e105f/purge_cache")
    assert asked.headers["authorization"] == "Bearer t0ken"
    assert asked.json == ({"files": urls} if urls else {"tags": tags})
    assert (cloudflare.limits.urls, cloudflare.limits.tags) == (100, 100)


def test_cloudflare_that_did_not_succeed_is_an_error(api: Api, cloudflare: CloudflareCdn) -> None:
    """200 with success false is no purge; its words are passed on."""
    api.will_answer(Answer(body='{"success":false,"errors":[{"code":1012,"message":"bad tag"}]}'))
    with pytest.raises(CdnRefused, match="bad tag"):
        cloudflare.purge(urls=(), tags=["p1"])


@pytest.mark.parametrize("soft", [False, True])
def test_varnish_gets_tags_in_its_header(api: Api, varnish: VarnishCdn, soft: bool) -> None:
    """PURGE with the keys between spaces in xkey-purge or xkey-softpurge, and the secret."""
    varnish.purge(urls=(), tags=["p1", "p2"], soft=soft)
    (asked,) = api.asked
    kept, other = ("xkey-softpurge", "xkey-purge") if soft else ("xkey-purge", "xkey-softpurge")
    assert (asked.method, asked.headers[kept], other in asked.headers) == ("PURGE", "p1 p2", False)
    assert asked.headers["nashr-purge-secret"] == "hush"


def test_varnish_gets_urls_under_their_host(api: Api, varnish: VarnishCdn) -> None:
    """PURGE of the path at Varnish's address, told apart by Host."""
    varnish.purge(urls=[PAGE])
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("PURGE", "/politics/%D8%AE%D8%A8%D8%B1/")
    assert (asked.headers["host"], asked.headers["nashr-purge-secret"]) == ("news.example", "hush")


def test_most_tags_of_one_varnish_request_fit_its_header(varnish: VarnishCdn) -> None:
    """As many page tags as it takes stay below Varnish's 8 kB for a header."""
    assert varnish.limits.tags * len("p0123456789abcdef ") < 8 * 1024


@pytest.mark.parametrize("status", [200, 204, 404, 412])
def test_plain_purge_is_content_with_no_copy(api: Api, status: int) -> None:
    """One PURGE a URL; Squid says 404 and nginx 412 where there was nothing, which is as good."""
    api.will_answer(Answer(status, body=""))
    with closing(UrlPurgeCdn(api.url, "hush")) as edge:
        edge.purge(urls=[PAGE, "https://news.example/x"])
    assert [(item.method, item.path, item.headers["host"]) for item in api.asked] == [
        ("PURGE", "/politics/%D8%AE%D8%A8%D8%B1/", "news.example"),
        ("PURGE", "/x", "news.example"),
    ]


def test_plain_purge_without_an_address_goes_to_the_url(api: Api) -> None:
    """Where no edge address is set, the site's own host is asked."""
    with closing(UrlPurgeCdn("", "")) as edge:
        edge.purge(urls=[f"{api.url}/own/"])
    assert [(item.method, item.path) for item in api.asked] == [("PURGE", "/own/")]
    assert "nashr-purge-secret" not in api.asked[0].headers


VENDORS = {
    "fastly": {"cdn_id": "s", "cdn_token": "t", "cdn_tags": "1"},
    "cloudflare": {"cdn_id": "z", "cdn_token": "t", "cdn_tags": "1"},
    "varnish": {"purge_secret": "hush", "cdn_tags": "1"},
}
every_vendor = pytest.mark.parametrize("name", VENDORS)


@contextmanager
def connected(name: str, url: str, **settings: str) -> Iterator[Cdn]:
    given = {"cdn": name, "cdn_api": url, "edge_url": url, **VENDORS[name], **settings}
    with closing(cdn.connect(load(**given))) as edge:
        yield edge


@every_vendor
def test_too_many_requests_is_busy_for_as_long_as_it_says(api: Api, name: str) -> None:
    """429 is retried after Retry-After, and in its own words."""
    api.will_answer(
        Answer(429, '{"success":false,"errors":[{"message":"rate limited"}]}', {"Retry-After": "17"})
    )
    with connected(name, api.url) as edge, pytest.raises(CdnBusy, match="rate limited") as busy:
        edge.purge(urls=(), tags=["p1"])
    assert busy.value.seconds == 17


@every_vendor
def test_too_many_requests_without_a_time_waits_a_little(api: Api, name: str) -> None:
    """429 with no number, or a date, is busy for some seconds."""
    api.will_answer(Answer(429, "slow down", {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}))
    with connected(name, api.url) as edge, pytest.raises(CdnBusy) as busy:
        edge.purge(urls=(), tags=["p1"])
    assert 0 < busy.value.seconds <= 60


@every_vendor
@pytest.mark.parametrize("status", [500, 503, 408])
def test_a_vendor_in_trouble_is_tried_again(api: Api, name: str, status: int) -> None:
    """5xx may pass: the message says who and what."""
    api.will_answer(Answer(status, '{"msg": "backend is ill"}'))
    with (
        connected(name, api.url) as edge,
        pytest.raises(CdnUnavailable, match=f"(?i){name} answered {status}: backend is ill"),
    ):
        edge.purge(urls=(), tags=["p1"])


@every_vendor
def test_a_vendor_that_is_not_there_is_tried_again(name: str) -> None:
    """No answer is CdnUnavailable."""
    with connected(name, f"http://127.0.0.1:{free_port()}") as edge, pytest.raises(CdnUnavailable):
        edge.purge(urls=(), tags=["p1"])


@pytest.mark.parametrize(
    ("name", "setting"),
    [("fastly", "NASHR_CDN_TOKEN"), ("cloudflare", "NASHR_CDN_ID"), ("varnish", "NASHR_PURGE_SECRET")],
)
@pytest.mark.parametrize("status", [401, 403, 404])
def test_wrong_credentials_name_their_setting(api: Api, name: str, setting: str, status: int) -> None:
    """What trying again cannot mend is permanent and says which setting to look at."""
    api.will_answer(Answer(status, '{"errors":[{"message":"Invalid token"}]}'))
    with connected(name, api.url) as edge, pytest.raises(CdnRefused, match=f"Invalid token.*{setting}"):
        edge.purge(urls=(), tags=["p1"])


def test_a_token_never_shows_in_an_error(api: Api) -> None:
    """Messages end up in logs and in the database: no secret is in them."""
    api.will_answer(Answer(401, "no"))
    fastly = connected("fastly", api.url, cdn_token="s3cr3t-t0ken")
    with fastly as edge, pytest.raises(CdnRefused) as refused:
        edge.purge(urls=[PAGE])
    assert "s3cr3t-t0ken" not in str(refused.value)


def test_a_vendors_receipt_is_read_from_the_site_itself(api: Api, fastly: FastlyCdn) -> None:
    """Where the edge is a network, a reader's address leads to it: no other is known."""
    api.will_answer(Answer(body="page", headers={"X-Cache": "HIT"}))
    got = fastly.fetch(f"{api.url}/p/")
    assert (got.body, got.headers["x-cache"], api.asked[-1].path) == (b"page", "HIT", "/p/")
