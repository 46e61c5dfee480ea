"""Every need that nashr has of a store, tried on the two buckets of an installation, one finding each.

Nothing but keys of its own below ``_nashr/`` is written, and those are removed again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from nashr.adapters.s3 import S3ObjectStore, StoreRefused, address, translated
from nashr.adapters.s3probe import OURS, Capabilities, Kept, Mode, probe
from nashr.ports import StoreConflict, StoreUnavailable

LARGE: Final = 8 * 1024 * 1024
_PART: Final = 5 * 1024 * 1024
_ROUNDS: Final = 5
_NAMES: Final = ("سياسة/خبر-عاجل/index.html", "a b+c%20d/100%", "it's (1)/é~")
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Finding:
    """One need: whether the store meets it, what it did, what that means.

    ``needed``: nashr cannot do without.
    """

    name: str
    works: bool
    needed: bool
    found: str
    means: str = ""


@dataclass(frozen=True)
class Verdict:
    """All findings. ``able``: what decides how pages are written; None where nothing could be written."""

    findings: Sequence[Finding]
    able: Capabilities | None

    @property
    def mode(self) -> Mode | None:
        return self.able.mode if self.able else None

    @property
    def can_run(self) -> bool:
        """Whether nashr works with this store as its settings are."""
        return self.mode is not None and all(one.works for one in self.findings if one.needed)


@dataclass(frozen=True)
class Buckets:
    """The site's bucket and the private one. ``read_by_anyone``: the edge in front reads without a key."""

    site: S3ObjectStore
    private: S3ObjectStore | None
    read_by_anyone: bool


def check(buckets: Buckets, tell: Callable[[str], None] = lambda _: None) -> Verdict:
    """Tries everything, whatever fails; ``tell`` hears what is being tried."""
    folder = f"{OURS}check-{uuid4().hex}/"
    try:
        return _checked(buckets, folder, tell)
    finally:
        for store in filter(None, (buckets.site, buckets.private)):
            with suppress(StoreUnavailable, StoreRefused):
                for key in list(store.keys(folder)):
                    store.delete(key)


def _checked(buckets: Buckets, folder: str, tell: Callable[[str], None]) -> Verdict:
    tell("the buckets")
    findings = [_reached(store, folder) for store in filter(None, (buckets.site, buckets.private))]
    if not all(one.works for one in findings):
        return Verdict(findings, None)
    tell("conditional writes")
    able = probe(buckets.site)
    findings += _conditions(able)
    for need in _NEEDS:
        tell(need.name)
        findings.append(need.tried(buckets.site, folder))
    tell("readers without a key")
    findings += _strangers(buckets, folder)
    return Verdict(findings, able)


def _reached(store: S3ObjectStore, folder: str) -> Finding:
    """Whether the bucket is there and takes what these credentials write."""
    name = f"bucket {store.bucket}"
    try:
        store.put(f"{folder}reached", b"1", content_type=_TEXT)
    except (StoreUnavailable, StoreRefused) as error:
        return Finding(name, False, True, str(error), "nashr migrate makes missing buckets")
    return Finding(name, True, True, "takes writes")


def _conditions(able: Capabilities) -> Iterator[Finding]:
    one = "pages are written by one delivery process at a time, which compares by itself"
    for name, kept in (("If-None-Match: *", able.if_none_match), ("If-Match", able.if_match)):
        found = {
            Kept.KEPT: "a condition that is not met is a conflict",
            Kept.IGNORED: "ignored in silence: the PUT is taken",
            Kept.REFUSED: "refused as such",
        }[kept]
        yield Finding(name, kept is Kept.KEPT, False, found, "" if kept is Kept.KEPT else one)
    if able.if_none_match is Kept.KEPT and able.if_match is Kept.KEPT:
        found = "one of eight writers at once wins" if able.race else "several of eight writers at once win"
        yield Finding("conditions in a race", able.race, False, found, "" if able.race else one)
    lost = "no status of redirects and removals, no versions to compare"
    found = "comes back" if able.metadata else "is lost"
    yield Finding("metadata", able.metadata, True, found, "" if able.metadata else lost)
    found = "a wrong CRC32 is refused" if able.checksums else "not verified"
    means = "" if able.checksums else "damage on the way goes unnoticed; nashr verify --deep finds it"
    yield Finding("checksums", able.checksums, False, found, means)


class _Wrong(Exception):
    """What the store did instead; the second text is what that means."""

    def __init__(self, found: str, means: str) -> None:
        super().__init__(found)
        self.means = means


@dataclass(frozen=True)
class _Need:
    """Something to try in a bucket below a folder; the answer says what was found."""

    name: str
    needed: bool
    attempt: Callable[[S3ObjectStore, str], str]

    def tried(self, store: S3ObjectStore, folder: str) -> Finding:
        try:
            return Finding(self.name, True, self.needed, self.attempt(store, folder))
        except _Wrong as wrong:
            return Finding(self.name, False, self.needed, str(wrong), wrong.means)
        except (StoreUnavailable, StoreRefused, StoreConflict) as error:
            return Finding(self.name, False, self.needed, str(error), "the store failed at it")


def _headers(store: S3ObjectStore, folder: str) -> str:
    rule = "public, max-age=0, s-maxage=86400"
    store.put(f"{folder}headers", b"1", content_type="text/html; charset=utf-8", cache_control=rule)
    found = store.head(f"{folder}headers")
    if found is None or (found.content_type, found.cache_control) != ("text/html; charset=utf-8", rule):
        raise _Wrong(f"came back as {found}", "pages would be served with wrong headers")
    return "Content-Type and Cache-Control come back"


def _script(store: S3ObjectStore, folder: str) -> str:
    for name in _NAMES:
        store.put(folder + name, name.encode(), content_type=_TEXT)
    listed = set(store.keys(folder))
    for name in _NAMES:
        if store.get(folder + name) != name.encode() or folder + name not in listed:
            raise _Wrong(f"{name!r} does not come back", "pages with such addresses would be lost")
    return "Arabic, spaces, + and % come back and are listed"


def _nested(store: S3ObjectStore, folder: str) -> str:
    for key in (f"{folder}a/page", f"{folder}a/page/index.html"):
        store.put(key, key.encode(), content_type=_TEXT)
        if store.get(key) != key.encode():
            raise _Wrong(f"{key} does not come back", "no static file may be named as a folder is")
    return "a key may go on below another one"


def _at_once(store: S3ObjectStore, folder: str) -> str:
    key = f"{folder}at-once"
    for number in range(_ROUNDS):
        body = str(number).encode()
        store.put(key, body, content_type=_TEXT)
        if store.get(key) != body or key not in list(store.keys(key)):
            raise _Wrong("a read or a listing after a PUT was old", "receipts and verify may see old pages")
        store.delete(key)
        if store.head(key) is not None or list(store.keys(key)):
            raise _Wrong("what was deleted is still there", "removals are not final when they say so")
    return f"reads and listings are right after each of {_ROUNDS} writes and deletions"


def _large(store: S3ObjectStore, folder: str) -> str:
    body = os.urandom(LARGE)
    store.put(f"{folder}large", body, content_type="application/octet-stream")
    if store.get(f"{folder}large") != body:
        raise _Wrong("came back as something else", "photos would be damaged")
    return f"{LARGE // 1024 // 1024} MB in one PUT"


def _multipart(store: S3ObjectStore, folder: str) -> str:
    """Nashr sends each object in one PUT; this is for other programs that fill the buckets."""
    client, where = store.client, {"Bucket": store.bucket, "Key": f"{folder}parts"}
    with translated(f"multipart {store.bucket}/{where['Key']}"):
        upload = client.create_multipart_upload(**where)["UploadId"]  # type: ignore[arg-type]
        try:
            parts: list[Any] = []
            for number, body in enumerate((b"1" * _PART, b"2"), start=1):
                sent = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=body)  # type: ignore[arg-type]
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})  # type: ignore[arg-type]
        except (ClientError, BotoCoreError):
            with suppress(ClientError, BotoCoreError):
                client.abort_multipart_upload(**where, UploadId=upload)  # type: ignore[arg-type]
            raise
    found = store.head(where["Key"])
    if found is None or found.bytes != _PART + 1:
        raise _Wrong(f"came back as {found}", "copy into the buckets with single PUTs")
    return "two parts become one object"


_NEEDS: Final = (
    _Need("headers", True, _headers),
    _Need("keys of any script", True, _script),
    _Need("keys below keys", False, _nested),
    _Need("read and list at once", True, _at_once),
    _Need("large bodies", True, _large),
    _Need("multipart", False, _multipart),
)


def _strangers(buckets: Buckets, folder: str) -> Iterator[Finding]:
    """What somebody without a key may do."""
    key, site = f"{folder}stranger-خبر", buckets.site
    site.put(key, b"open", content_type=_TEXT)
    status = _ask(site, key)
    means = "" if status == 200 else "only an edge that reads with a key of its own can serve it"
    yield Finding("readers of the site", status == 200, buckets.read_by_anyone, _answer(status), means)
    status = _ask(site, "", query="?list-type=2")
    means = "" if status != 200 else "anybody sees what is there, photos of stories to come included"
    yield Finding("no listing for readers", status != 200, False, _answer(status), means)
    status = _ask(site, f"{folder}intruder", method="PUT")
    taken = site.head(f"{folder}intruder") is not None
    means = "anybody may change the site: close it before anything else" if taken else ""
    yield Finding("no writing for readers", not taken, True, _answer(status), means)
    if buckets.private is None:
        return
    buckets.private.put(key, b"closed", content_type=_TEXT)
    status = _ask(buckets.private, key)
    means = "originals, and photos of stories to come, are public: close that bucket" if status == 200 else ""
    yield Finding("private originals", status != 200, True, _answer(status), means)


def _answer(status: int) -> str:
    return (
        f"without a key the store answers {status}" if status else "without a key the store does not answer"
    )


def _ask(store: S3ObjectStore, key: str, *, method: str = "GET", query: str = "") -> int:
    """The status that a request without credentials gets; 0 for none."""
    url = f"{address(store.client, store.bucket)}/{quote(key)}{query}"
    if not url.startswith(("http://", "https://")):
        return 0
    asked = Request(url, method=method, data=b"1" if method == "PUT" else None)  # noqa: S310 - http(s) it is
    try:
        with build_opener(ProxyHandler({})).open(asked, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
