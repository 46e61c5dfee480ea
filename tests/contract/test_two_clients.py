"""The two clients behind the store's port, where they could differ: each case holds for both of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from typing import Any, TypedDict

import pytest
from botocore.httpsession import where
from nashr.adapters.s3 import S3ObjectStore, StoreRefused, address, connect
from nashr.adapters.s3put import LARGEST, QuickPuts
from nashr.ports import StoreConflict, StoreUnavailable
from nashr.settings import Settings, load

from tests.contract.conftest import Bench
from tests.contract.standins import HANGS_UP, SILENT, Heard, Reaction, answering
from tests.servers import free_port


class Condition(TypedDict, total=False):
    """Of a PUT."""

    if_match: str
    if_none_match: bool


HTML = "text/html; charset=utf-8"
CACHE = "public, max-age=0, s-maxage=86400, stale-if-error=86400"
CLIENTS = ("obstore", "boto3")
CONDITION: Condition = {"if_match": '"x"'}
NEW: Condition = {"if_none_match": True}
ODD_KEYS = [
    "سياسة/خبر-عاجل", "a b+c%20d", "100%", "it's (1)", "é~", "q?x=1&y#z", "[x]{y}|`^", "*!$,;:@=", '"<>\\',
    "e\u0301", "日本/😀", "/".join("x" * 9 for _ in range(30)),
]  # fmt: skip


@contextmanager
def opened(client: str, settings: Settings, *, seconds: float = 10) -> Iterator[S3ObjectStore]:
    with closing(connect(settings)) as made:
        quick = QuickPuts(settings, made, settings.s3_bucket, seconds=seconds)
        yield S3ObjectStore(made, settings.s3_bucket, quick=quick if client == "obstore" else None)


@pytest.fixture(params=CLIENTS)
def store(request: pytest.FixtureRequest, bench: Bench) -> S3ObjectStore:
    """The store under test by one of the clients."""
    return (
        bench.store if request.param == "obstore" else S3ObjectStore(bench.store.client, bench.store.bucket)
    )


class Told:
    """A store by one client whose answers the test decides."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.react: Reaction = lambda _: (200, "")
        self.heard: list[Heard] = []
        self.store: S3ObjectStore

    def answer(self, nth: int) -> tuple[int, str]:
        return self.react(nth)


@pytest.fixture(scope="module", params=CLIENTS)
def _told(request: pytest.FixtureRequest) -> Iterator[Told]:
    made = Told(request.param)
    with (
        answering(made.answer) as (url, made.heard),
        opened(made.client, load(s3_endpoint=url)) as made.store,
    ):
        yield made


@pytest.fixture
def told(_told: Told) -> Told:
    _told.heard.clear()
    _told.react = lambda _: (200, "")
    return _told


def put(store: S3ObjectStore, key: str = "k", body: bytes = b"1", condition: Condition = {}) -> str:  # noqa: B006
    return store.put(key, body, content_type=HTML, **condition)


def heard(client: str, key: str = "k", *, path: str = "", **settings: Any) -> Heard:
    """The one request that a PUT sends to a store that takes everything."""
    with (
        answering(lambda _: (200, "")) as (url, requests),
        opened(client, load(s3_endpoint=url + path, **settings)) as store,
    ):
        put(store, key)
    (one,) = requests
    return one


def test_a_key_is_the_same_key(bench: Bench, store: S3ObjectStore) -> None:
    """Whoever puts it: it is read and listed by the name that was given."""
    names = [name for name in ODD_KEYS if bench.name != "rclone" or "\\" not in name]  # it keeps no backslash
    for name in names:
        key = f"same/{name}/index.html"
        etag = put(store, key, name.encode())
        found = store.head(key)
        assert found is not None, name
        assert (found.etag, store.get(key)) == (etag, name.encode())
    assert sorted(store.keys("same/")) == sorted(f"same/{name}/index.html" for name in names)


def test_a_body_of_any_size_comes_back(store: S3ObjectStore) -> None:
    """Also none at all, and one that is too large for the quick client."""
    for body in (b"", b"\0\xff", b"x" * LARGEST, b"x" * (LARGEST + 1)):
        put(store, "sizes", body)
        assert store.get("sizes") == body


def test_headers_and_metadata_come_back(store: S3ObjectStore) -> None:
    """Type, cache rule and each metadata name as they went."""
    metadata = {
        "status": "301",
        "location": "/%D8%B3/",
        "surrogate-key": "a1 s2",
        "version": "7",
        "seal": "x y",
    }
    store.put("dressed", b"1", content_type=HTML, cache_control=CACHE, metadata=metadata)
    found = store.head("dressed")
    assert found is not None
    assert (found.content_type, found.cache_control) == (HTML, CACHE)
    assert found.metadata.items() >= metadata.items()


def test_what_the_quick_client_would_change_is_left_to_boto3() -> None:
    """It takes keys for paths, and metadata named as a header for that header."""
    settings = load(s3_endpoint="http://127.0.0.1:9")
    with closing(connect(settings)) as client:
        quick = QuickPuts(settings, client, "b")
        for key in ("a//b", "a/./b", "a/../b", "../a", "a/", "/a", "a\tb", ""):
            assert not quick.carries(b"1", key, {}), key
        for key in ("a", "a/b", "a/.b", "a./b", "..a/b..", "a b"):
            assert quick.carries(b"1", key, {}), key
        assert not quick.carries(b"1", "a", {"Cache-Control": "x"})
        assert quick.carries(b"1", "a", {"cache": "x"})
        assert not quick.carries(BytesIO(b"1"), "a", {})


def test_conditions_go_out_as_they_are(told: Told) -> None:
    """If-Match with the ETag as the store quoted it, If-None-Match with a star, and neither unasked."""
    for condition in ({"if_match": '"abc-2"'}, NEW, {}):
        put(told.store, condition=condition)  # type: ignore[arg-type]
    found = [(one.headers.get("if-match"), one.headers.get("if-none-match")) for one in told.heard]
    assert found == [('"abc-2"', None), (None, "*"), (None, None)]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_settings_say_how_a_request_is_signed(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and region are nashr's own, whatever the environment has for other programs; no session token."""
    for name, value in (
        ("ACCESS_KEY_ID", "theirs"), ("SECRET_ACCESS_KEY", "theirs"), ("SESSION_TOKEN", "theirs"),
        ("REGION", "us-west-2"), ("DEFAULT_REGION", "us-west-2"), ("ENDPOINT_URL", "http://127.0.0.1:9"),
        ("ENDPOINT", "http://127.0.0.1:9"), ("SKIP_SIGNATURE", "true"),
    ):  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    one = heard(client, s3_access_key="ours", s3_region="eu-west-9")
    assert "Credential=ours/" in one.headers["authorization"]
    assert "/eu-west-9/s3/aws4_request" in one.headers["authorization"]
    assert "x-amz-security-token" not in one.headers


@pytest.mark.parametrize("client", CLIENTS)
def test_without_keys_the_machine_s_own_are_used(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty access key leaves it to what boto3 finds: environment, files, a role."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.setenv(f"AWS_{name}", f"role-{name.lower()}")
    one = heard(client, s3_access_key="", s3_secret_key="")
    assert "Credential=role-access_key_id/" in one.headers["authorization"]
    assert one.headers["x-amz-security-token"] == "role-session_token"


@pytest.mark.parametrize("client", CLIENTS)
def test_an_endpoint_may_have_a_path(client: str) -> None:
    """The bucket comes below it, the key below the bucket; and a checksum where the settings say so."""
    one = heard(client, "x/y", path="/s3", s3_checksums="when_supported")
    assert one.path.partition("?")[0] == "/s3/nashr-site/x/y"
    assert any(name.startswith("x-amz-checksum-") for name in one.headers)


def test_no_checksum_is_sent_unasked(told: Told) -> None:
    """Some stores refuse it."""
    put(told.store)
    assert not any(name.startswith("x-amz-checksum-") for name in told.heard[0].headers)


def test_a_bucket_stands_where_the_settings_say() -> None:
    """In the path, in the host name, or where AWS has it: the quick client goes by the same address."""
    for given, expected in (
        ({"s3_endpoint": "https://s3.x/p"}, "https://s3.x/p/nashr-site"),
        ({"s3_endpoint": "https://s3.x", "s3_addressing": "virtual"}, "https://nashr-site.s3.x"),
        (
            {"s3_region": "eu-west-1", "s3_addressing": "virtual"},
            "https://nashr-site.s3.eu-west-1.amazonaws.com",
        ),
    ):
        with closing(connect(load(**given))) as client:
            assert address(client, "nashr-site") == expected


ANSWERS = [
    (412, "PreconditionFailed", CONDITION, StoreConflict),
    (409, "ConditionalRequestConflict", CONDITION, StoreConflict),
    (404, "NoSuchKey", CONDITION, StoreConflict),
    (404, "NoSuchBucket", CONDITION, StoreUnavailable),
    (412, "PreconditionFailed", NEW, StoreConflict),
    (409, "ConditionalRequestConflict", NEW, StoreConflict),
    (404, "NoSuchBucket", NEW, StoreUnavailable),
    (404, "NoSuchBucket", {}, StoreUnavailable),
    (500, "InternalError", {}, StoreUnavailable),
    (501, "NotImplemented", CONDITION, StoreRefused),
    (503, "SlowDown", CONDITION, StoreUnavailable),
    (503, "", CONDITION, StoreUnavailable),
    (429, "TooManyRequests", {}, StoreUnavailable),
    (403, "AccessDenied", {}, StoreUnavailable),
    (403, "SignatureDoesNotMatch", CONDITION, StoreUnavailable),
    (401, "Unauthorized", {}, StoreUnavailable),
    (400, "BadDigest", {}, StoreUnavailable),
    (400, "RequestTimeout", {}, StoreUnavailable),
    (400, "KeyTooLongError", {}, StoreRefused),
    (405, "MethodNotAllowed", {}, StoreRefused),
    (411, "MissingContentLength", {}, StoreRefused),
]


@pytest.mark.parametrize(("status", "code", "condition", "family"), ANSWERS)
def test_an_answer_has_one_family(
    told: Told, status: int, code: str, condition: Condition, family: type[Exception]
) -> None:
    """Whoever sent the request: the same answer is the same error, which names status, code and key."""
    told.react = lambda _: (status, code)
    with pytest.raises(family) as error:
        put(told.store, "the/key", condition=condition)
    assert f"PUT nashr-site/the/key: {status} {code}" in str(error.value)
    assert len(told.heard) <= 2


def test_a_store_that_is_busy_once_is_asked_once_more(told: Told) -> None:
    """A 503 is an answer; the second attempt counts."""
    told.react = lambda nth: (503, "SlowDown") if nth == 1 else (200, "")
    assert put(told.store, condition=CONDITION) == '"made"'
    assert len(told.heard) == 2


@pytest.mark.parametrize(
    "answer", [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed"), (301, "")]
)
def test_a_bucket_of_another_region_is_left_to_boto3(answer: tuple[int, str]) -> None:
    """AWS says where it is, boto3 follows; the quick client does not."""
    with (
        answering(lambda nth: answer if nth == 1 else (200, "")) as (url, requests),
        opened("obstore", load(s3_endpoint=url)) as store,
    ):
        assert put(store, condition=CONDITION) == '"made"'
    assert ["Boto3" in one.headers["user-agent"] for one in requests] == [False, True]


@pytest.mark.parametrize(
    "environment",
    [{"AWS_CA_BUNDLE": where()}, {"SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "/dev/null"}],
    ids=["only boto3 is told", "none at all"],
)
def test_without_its_certificates_boto3_puts(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quick client knows the system's authorities, boto3 its own: what reaches the store goes on."""
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "Boto3" in heard("obstore").headers["user-agent"]


@pytest.mark.parametrize("reaction", [HANGS_UP, SILENT])
def test_an_unknown_outcome_is_told_and_not_tried_again(reaction: int) -> None:
    """After silence, or a connection that broke, the PUT may have been taken: whoever asked reads again."""
    with (
        answering(lambda _: (reaction, "")) as (url, requests),
        opened("obstore", load(s3_endpoint=url), seconds=0.4) as store,
    ):
        for number, condition in enumerate((CONDITION, NEW, Condition()), start=1):
            with pytest.raises(StoreUnavailable):
                put(store, condition=condition)
            assert len(requests) == number


@pytest.mark.parametrize("client", CLIENTS)
def test_a_store_that_does_not_listen_is_unavailable(client: str) -> None:
    """The message names the request."""
    settings = load(s3_endpoint=f"http://127.0.0.1:{free_port()}")
    with opened(client, settings) as store, pytest.raises(StoreUnavailable, match="PUT nashr-site/k"):
        put(store)
