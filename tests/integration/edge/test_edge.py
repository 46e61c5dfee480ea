"""What readers and delivery may rely on at the embedded edge: a real process before a real store."""

from __future__ import annotations

import gzip
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nashr.adapters.cdn.embedded import EmbeddedCdn
from nashr.adapters.cdn.none import NullCdn
from nashr.ports import CdnUnavailable
from nashr_delivery.edge_routes import Route, pick

from tests.integration.edge.conftest import Shop, SlowOrigin, open_shop, purge
from tests.servers import Server, free_port, request, stop, wait_until

SHOWN = (
    "x-content-type-options", "referrer-policy", "permissions-policy", "cross-origin-opener-policy",
    "content-security-policy",
)  # fmt: skip
_EVERY = {"x-content-type-options": "nosniff", "referrer-policy": "strict-origin-when-cross-origin"}
_PAGE = {
    **_EVERY,
    "permissions-policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), "
    "payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "frame-ancestors 'none'",
}
_INERT = {
    **_EVERY,
    "content-security-policy": "script-src 'none'; object-src 'none'; frame-ancestors 'none'; sandbox",
}
RULES = {
    kind: {**dict.fromkeys(SHOWN), **rules}
    for kind, rules in {
        "text/html; charset=utf-8": _PAGE,
        "Text/HTML": _PAGE,
        "image/svg+xml": _INERT,
        "application/rss+xml; charset=utf-8": _INERT,
        "image/jpeg": _EVERY,
        "text/css; charset=utf-8": _EVERY,
        "font/woff2": _EVERY,
        "application/feed+json": _EVERY,
    }.items()
}

LONG = "خبر عاجل من بيروت. " * 200


def test_second_read_is_a_hit(shop: Shop) -> None:
    """The first read of a page goes to the store, the next is served from memory with its Age."""
    etag = shop.put("ar/hit/index.html", "page")
    first, second = shop.get("/hit/"), shop.get("/hit/")
    assert (first.status, first.body, first.headers["x-cache"]) == (200, b"page", "MISS")
    assert (second.status, second.body, second.headers["x-cache"]) == (200, b"page", "HIT")
    assert second.headers["age"].isdecimal()
    assert second.headers["etag"] == etag


def test_old_page_stays_until_the_purge(shop: Shop) -> None:
    """A replaced page is served in its old form without a purge and in its new one after it."""
    shop.put("ar/corrected/index.html", "wrong")
    assert shop.text("/corrected/") == "wrong"
    shop.put("ar/corrected/index.html", "right")
    assert shop.text("/corrected/") == "wrong"
    assert json.loads(shop.purge("/corrected/").body) == {"purged": 1}
    assert shop.text("/corrected/") == "right"


def test_purge_by_tag_takes_its_carriers_only(shop: Shop) -> None:
    """A purge by tag drops every page that carries the tag and leaves the others cached."""
    for name, keys in {"t1": "a1 s1", "t2": "s1", "t3": "s11"}.items():
        shop.put(f"ar/{name}/index.html", name, surrogate_key=keys)
        shop.get(f"/{name}/")
    assert json.loads(shop.purge(tags=("s1",)).body) == {"purged": 2}
    assert [shop.get(f"/t{n}/").headers["x-cache"] for n in (1, 2, 3)] == ["MISS", "MISS", "HIT"]


@pytest.mark.parametrize("secret", ["", "wrong", "PURGE-SECRET"])
def test_purge_without_the_secret_is_refused(shop: Shop, secret: str) -> None:
    """Nobody without the secret empties the cache."""
    shop.put("ar/guarded/index.html", "kept")
    shop.get("/guarded/")
    assert shop.purge("/guarded/", secret=secret).status == 403
    assert shop.get("/guarded/").headers["x-cache"] == "HIT"


def test_purge_without_a_body_takes_its_own_url(shop: Shop) -> None:
    """PURGE on a page's own URL drops that page."""
    shop.put("ar/own/index.html", "own")
    shop.get("/own/")
    answer = request(shop.edge.url, "/own/", method="PURGE", headers={"Nashr-Purge-Secret": "purge-secret"})
    assert json.loads(answer.body) == {"purged": 1}


@pytest.mark.parametrize("body", ["[]", "{", '{"urls": "/"}', '{"tags": [1]}', '{"urls": ["http://[/"]}'])
def test_purge_of_another_shape_is_400(shop: Shop, body: str) -> None:
    """A PURGE body that is not two lists of texts is refused, not half understood."""
    headers = {"Nashr-Purge-Secret": "purge-secret"}
    assert request(shop.edge.url, method="PURGE", headers=headers, body=body).status == 400


@pytest.mark.parametrize("by", ["url", "tag"])
def test_fetch_begun_before_a_purge_is_not_stored(slow: tuple[SlowOrigin, Server], by: str) -> None:
    """The old text under way when a purge comes is neither stored nor shared with later readers."""
    origin, front = slow
    with ThreadPoolExecutor(1) as readers:
        early = readers.submit(request, front.url, "/page/")
        assert origin.held.wait(60)
        origin.body = "new"
        purged = purge(front.url, "/page/") if by == "url" else purge(front.url, tags=("a1",))
        assert purged.status == 200
        assert request(front.url, "/page/").body == b"new"
        origin.gate.set()
        assert early.result().body == b"old"
    after = request(front.url, "/page/")
    assert (after.body, after.headers["x-cache"]) == (b"new", "HIT")


def test_readers_at_once_cost_one_fetch(slow: tuple[SlowOrigin, Server]) -> None:
    """Readers who ask for the same page while it is fetched share that one fetch."""
    origin, front = slow
    with ThreadPoolExecutor(8) as readers:
        answers = [readers.submit(request, front.url, "/page/") for _ in range(8)]
        assert origin.held.wait(60)
        origin.gate.set()
        assert {answer.result().body for answer in answers} == {b"old"}
    assert origin.asked["/nashr-site/ar/page/index.html"] == 1


@pytest.mark.parametrize("status", [301, 308, 410, 451])
def test_status_metadata_becomes_the_status(shop: Shop, status: int) -> None:
    """An object's status and location metadata are the reader's real status and Location."""
    location = {"location": "/%D9%86/"} if status < 400 else {}
    shop.put(f"ar/s{status}/index.html", "body", status=str(status), **location)
    got = shop.get(f"/s{status}/")
    assert (got.status, got.body, got.headers.get("location")) == (status, b"body", location.get("location"))
    assert shop.get(f"/s{status}/").headers["x-cache"] == "HIT"


@pytest.mark.parametrize("metadata", [{"status": "301"}, {"status": "200 OK"}, {"status": "999"}])
def test_senseless_status_metadata_is_200(shop: Shop, metadata: dict[str, str]) -> None:
    """A redirect to nowhere or an unknown status is served as the page it is."""
    shop.put("ar/senseless/index.html", "body", **metadata)
    shop.purge("/senseless/")
    assert (shop.get("/senseless/").status, shop.text("/senseless/")) == (200, "body")


def test_missing_page_is_the_sites_404_and_never_cached(shop: Shop) -> None:
    """A missing page shows the site's own 404 page, and its publication shows without any purge."""
    missing = shop.get("/soon/")
    assert (missing.status, missing.body) == (404, b"not found here")
    assert missing.headers["cache-control"] == "no-store"
    assert "etag" not in missing.headers
    shop.put("ar/soon/index.html", "published")
    assert shop.get("/soon/").status == 200


def test_folder_without_its_slash_redirects(shop: Shop) -> None:
    """A page's URL without the slash redirects to the one with it and keeps the query."""
    shop.put("ar/سياسة/index.html", "front")
    got = shop.get("/%d8%b3%D9%8A%D8%A7%D8%B3%D8%A9?utm=1")
    assert (got.status, got.headers["location"]) == (301, "/%D8%B3%D9%8A%D8%A7%D8%B3%D8%A9/?utm=1")


def test_object_without_extension_is_served(shop: Shop) -> None:
    """A permalink, an object that is no folder, answers under its own name."""
    shop.put("ar/a/x1", "moved", status="301", location="/politics/x/")
    assert (shop.get("/a/x1").status, shop.get("/a/x1").headers["location"]) == (301, "/politics/x/")


def test_longest_base_path_wins(shop: Shop) -> None:
    """Two sites on one host are told apart by base path, and a base path without its slash redirects."""
    shop.put("ar/where/index.html", "ar")
    shop.put("en/where/index.html", "en")
    assert (shop.text("/where/"), shop.text("/en/where/")) == ("ar", "en")
    assert shop.get("/en").headers["location"] == "/en/"


def test_stranger_host_gets_the_only_hosts_site(shop: Shop) -> None:
    """While all sites share one host, an unknown Host reads them too."""
    shop.put("en/stranger/index.html", "en")
    assert shop.get("/en/stranger/", Host="other.example").body == b"en"


A, B, C = Route("a.com", "/", "a/"), Route("a.com", "/en/", "a-en/"), Route("b.com:8090", "/", "b/")


@pytest.mark.parametrize(
    ("routes", "host", "path", "expected"),
    [
        ((A, B, C), "a.com", "/x/", A),
        ((A, B, C), "A.com:8080", "/en/x/", B),
        ((A, B, C), "b.com", "/en/x/", C),
        ((A, B, C), "c.com", "/x/", None),
        ((A, B), "c.com", "/en", B),
        ((C,), "", "/x/", C),
        ((B,), "a.com", "/x/", None),
        ((C, Route("b.com:9090", "/", "c/")), "b.com", "/", None),
        ((), "a.com", "/", None),
    ],
)
def test_host_picks_the_site(routes: tuple[Route, ...], host: str, path: str, expected: Route | None) -> None:
    """Exact host, then the name alone; a stranger gets a site only where there is one host."""
    assert pick(routes, host, path) == expected


def test_spellings_of_a_path_are_one_page(shop: Shop) -> None:
    """Case of percent-escapes, needless escapes and the query make no second copy, and purge as one."""
    shop.put("ar/خبر/index.html", "page")
    assert shop.get("/%D8%AE%D8%A8%D8%B1/").headers["x-cache"] == "MISS"
    for spelling in (
        "/%d8%ae%d8%a8%d8%b1/",
        "/%D8%AE%d8%A8%D8%B1/?utm_source=x",
        "/%D8%AE%D8%A8%D8%B1/index.htm%6c",
    ):
        assert shop.get(spelling).headers["x-cache"] == "HIT"
    assert json.loads(shop.purge("/%d8%ae%d8%a8%d8%b1/?q").body) == {"purged": 1}
    shop.get("/%D8%AE%D8%A8%D8%B1/")
    assert json.loads(shop.purge("/خبر/").body) == {"purged": 1}


@pytest.mark.parametrize(
    "path", ["/../x", "/a/%2e%2E/x", "/a/./x", "/a%00", "/a%5Cb", "/%ff", "//a", "/a//b/", "/..", "/%0d%0ax"]
)
def test_path_that_no_site_has_is_400(shop: Shop, path: str) -> None:
    """Dot segments, empty ones, control characters, backslashes and broken UTF-8 reach no store."""
    assert shop.get(path).status == 400


@pytest.mark.parametrize(
    "path", ["/bare/_nashr/sites.json", "/_nashr/sites.json", "/bare/_nashr%2Fsites.json"]
)
def test_routes_are_never_served(shop: Shop, path: str) -> None:
    """What nashr keeps for itself in the bucket is no page, not even of a site without a prefix."""
    assert shop.get(path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_405(shop: Shop, method: str) -> None:
    """The edge is read-only and says what it takes."""
    got = request(shop.edge.url, method=method)
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD")


def test_gzip_for_those_who_take_it(shop: Shop) -> None:
    """Text is packed for readers who accept gzip and plain for others, each with its own ETag."""
    shop.put("ar/packed/index.html", LONG)
    packed, bare = shop.get("/packed/", Accept_Encoding="br, gzip"), shop.get("/packed/")
    refused = shop.get("/packed/", Accept_Encoding="gzip;q=0")
    assert gzip.decompress(packed.body) == bare.body == refused.body == LONG.encode()
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == bare.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] == "W/" + bare.headers["etag"]


def test_pictures_are_not_packed(shop: Shop) -> None:
    """What is compressed already is passed on as it lies."""
    shop.put("ar/p.webp", LONG, kind="image/webp", cache="public, max-age=31536000, immutable")
    got = shop.get("/p.webp", Accept_Encoding="gzip")
    assert "content-encoding" not in got.headers
    assert got.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_known_etag_is_304(shop: Shop) -> None:
    """A reader who has the page, packed or not, gets 304 without a body; another ETag gets the page."""
    shop.put("ar/known/index.html", LONG)
    for accepted in ("gzip", "identity"):
        etag = shop.get("/known/", Accept_Encoding=accepted).headers["etag"]
        got = shop.get("/known/", Accept_Encoding=accepted, If_None_Match=f'"x", {etag}')
        assert (got.status, got.body, got.headers["etag"]) == (304, b"", etag)
    assert shop.get("/known/", If_None_Match='"other"').status == 200


def test_head_is_get_without_the_body(shop: Shop) -> None:
    """HEAD tells the length and type that GET would send."""
    shop.put("ar/head/index.html", "page")
    got = request(shop.edge.url, "/head/", method="HEAD")
    assert (got.status, got.body, got.headers["content-length"]) == (200, b"", "4")


@pytest.mark.parametrize("kind", RULES)
def test_headers_protect_by_kind(shop: Shop, kind: str) -> None:
    """Each kind of file has the headers that docs/pages.md promises, from the store and from memory alike."""
    shop.put("ar/kind/file", "text", kind=kind)
    shop.purge("/kind/file")
    for verdict in ("MISS", "HIT"):
        headers = shop.get("/kind/file").headers
        assert headers["x-cache"] == verdict
        assert {name: headers.get(name) for name in SHOWN} == RULES[kind]


def test_a_page_brings_its_own_policy(shop: Shop) -> None:
    """What the object's metadata says goes before the edge's rule, also on 304."""
    shop.put("ar/own/index.html", "page", csp="default-src 'self'")
    got = shop.get("/own/")
    again = shop.get("/own/", If_None_Match=got.headers["etag"])
    assert (got.status, again.status) == (200, 304)
    for headers in (got.headers, again.headers):
        assert headers["content-security-policy"] == "default-src 'self'"


def test_missing_and_refused_are_protected_too(shop: Shop) -> None:
    """The site's 404 page has a page's headers, the edge's own words have those of any file."""
    missing = shop.get("/nowhere/").headers
    assert missing["content-security-policy"] == "frame-ancestors 'none'"
    assert missing["cross-origin-opener-policy"] == "same-origin"
    refused = request(shop.edge.url, method="POST").headers
    assert refused["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("proto", "told"), [("https", "max-age=31536000"), ("HTTPS, http", "max-age=31536000"), ("http", None)]
)
def test_https_is_remembered_only_over_https(shop: Shop, proto: str, told: str | None) -> None:
    """HSTS goes to whoever came over https, as the proxy in front says; over http it is never sent."""
    shop.put("ar/https/index.html", "page")
    assert shop.get("/https/", X_Forwarded_Proto=proto).headers.get("strict-transport-security") == told
    assert "strict-transport-security" not in shop.get("/https/").headers


def test_the_store_is_hidden(shop: Shop) -> None:
    """Of the store's own headers none is passed on."""
    shop.put("ar/headers/index.html", "page", csp="default-src 'self'", surrogate_key="a1")
    headers = shop.get("/headers/").headers
    assert not [name for name in headers if name.startswith(("x-amz", "access-control", "server"))]


def test_copy_is_replaced_once_its_time_is_over(shop: Shop) -> None:
    """Without any purge the new page shows as soon as s-maxage has passed."""
    shop.put("ar/brief/index.html", "old", cache="max-age=600, s-maxage=1")
    assert shop.text("/brief/") == "old"
    shop.put("ar/brief/index.html", "new", cache="max-age=600, s-maxage=1")
    wait_until(lambda: shop.text("/brief/") == "new", what="the new page")


@pytest.mark.parametrize("cache", [None, "no-store", "private, max-age=60", "max-age=0"])
def test_what_may_not_be_cached_is_not(shop: Shop, cache: str | None) -> None:
    """An object without a lifetime is read from the store each time."""
    shop.put("ar/fleeting/index.html", "page", cache=cache)
    assert [shop.get("/fleeting/").headers["x-cache"] for _ in "12"] == ["BYPASS", "BYPASS"]


def test_huge_object_is_streamed_past_the_cache(shop: Shop) -> None:
    """An object beyond what is buffered arrives whole and is not kept."""
    body = bytes(range(256)) * 4 * 17 * 1024
    shop.store.put("ar/huge.bin", body, content_type="video/mp4", cache_control="max-age=600")
    got = shop.get("/huge.bin")
    assert (got.status, got.headers["x-cache"]) == (200, "BYPASS")
    assert got.body == body


def test_livez_needs_no_store(tmp_path: Path, slow: tuple[SlowOrigin, Server]) -> None:
    """The edge answers for itself whatever the store does."""
    assert request(slow[1].url, "/.nashr/livez").status == 200


def test_dead_store_leaves_readers_the_last_copy(tmp_path: Path) -> None:
    """With the store gone a lapsed copy is served as STALE; what is purged or was never read is 503."""
    with open_shop(tmp_path) as shop:
        for name in ("lapsed", "purged"):
            shop.put(f"ar/{name}/index.html", name, cache="max-age=0, s-maxage=0, stale-if-error=600")
            assert shop.get(f"/{name}/").headers["x-cache"] == "MISS"
        stop(shop.origin.process)
        stale = shop.get("/lapsed/")
        assert (stale.status, stale.body, stale.headers["x-cache"]) == (200, b"lapsed", "STALE")
        assert shop.purge("/purged/").status == 200
        for path in ("/purged/", "/unread/"):
            got = shop.get(path)
            assert (got.status, got.headers["cache-control"]) == (503, "no-store")
            assert int(got.headers["retry-after"]) > 0


def test_sigterm_ends_it_within_two_seconds(slow: tuple[SlowOrigin, Server]) -> None:
    """The edge ends in time although a reader still waits for a slow store."""
    origin, front = slow
    with ThreadPoolExecutor(1) as readers:
        reader = readers.submit(request, front.url, "/page/")
        assert origin.held.wait(60)
        begun = time.monotonic()
        front.process.send_signal(signal.SIGTERM)
        front.process.wait(60)
        assert time.monotonic() - begun < 2
        reader.exception()


def test_cdn_port_purges_and_reads_through_the_edge(shop: Shop) -> None:
    """Delivery's port to the edge purges a site's URL and fetches it under the site's own Host."""
    cdn = EmbeddedCdn(shop.edge.url, "purge-secret")
    shop.put("en/خبر/index.html", "old", surrogate_key="a9")
    url = "http://news.example/en/%D8%AE%D8%A8%D8%B1/"
    assert cdn.fetch(url).body == b"old"
    for body, urls, tags in (("new", [url], []), ("newer", [], ["a9"])):
        shop.put("en/خبر/index.html", body, surrogate_key="a9")
        cdn.purge(urls=urls, tags=tags)
        got = cdn.fetch(url)
        assert (got.status, got.body, got.headers["x-cache"]) == (200, body.encode(), "MISS")
    cdn.purge(urls=[])
    cdn.close()


def test_cdn_port_follows_no_redirect(shop: Shop) -> None:
    """A receipt sees the redirect itself, not where it leads."""
    cdn = EmbeddedCdn(shop.edge.url, "purge-secret")
    shop.put("ar/a/y2", "", status="301", location="/x/")
    got = cdn.fetch(f"{shop.edge.url}/a/y2")
    assert (got.status, got.headers["location"]) == (301, "/x/")
    cdn.close()


def test_cdn_port_names_a_wrong_secret_and_a_dead_edge(shop: Shop) -> None:
    """A refused purge and an edge that does not answer are CdnUnavailable, with what to check."""
    wrong, dead = EmbeddedCdn(shop.edge.url, "wrong"), EmbeddedCdn(f"http://127.0.0.1:{free_port()}", "")
    with pytest.raises(CdnUnavailable, match="NASHR_PURGE_SECRET"):
        wrong.purge(urls=[f"{shop.edge.url}/"])
    with pytest.raises(CdnUnavailable):
        dead.purge(urls=["http://a.com/"])
    with pytest.raises(CdnUnavailable):
        dead.fetch("http://a.com/")
    wrong.close()
    dead.close()


def test_null_cdn_reads_the_site_itself(shop: Shop) -> None:
    """Where no cache stands in front, a purge is nothing and a receipt asks the site's own address."""
    cdn = NullCdn()
    shop.put("ar/direct/index.html", "direct")
    cdn.purge(urls=[f"{shop.edge.url}/direct/"])
    assert cdn.fetch(f"{shop.edge.url}/direct/").body == b"direct"
    cdn.close()
