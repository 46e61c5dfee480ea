"""The embedded S3 server: ministack with a doorkeeper in front.

By itself ministack serves anyone who can reach its port, erases everything on an unsigned POST to
``/_ministack/reset`` and lets any web page write. Here a request needs the stack's own access key id, as
on AWS; without one only objects of the site's bucket can be read, as behind any public site.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

READY_PATH = "/-/ready"

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Persist: TypeAlias = Callable[[str, str, dict[str, Any]], None]
Where: TypeAlias = Callable[[str, str], str]


def behind_doorkeeper(app: App, *, key: str, public: str) -> App:
    """``app`` for requests that name access key ``key``, or read an object of bucket ``public``."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] != "http":
            return
        elif not _signed_with(scope, key) and not _reads(scope, public):
            await _answer(send, 403, b"<Error><Code>AccessDenied</Code></Error>")
        elif scope["path"] == READY_PATH:
            await _answer(send, 200, b"ready")
        elif scope["path"].startswith("/_"):
            await _answer(send, 404, b"<Error><Code>NoSuchBucket</Code></Error>")
        else:
            await app(scope, receive, send)

    return serve


def authorization(key: str) -> dict[str, str]:
    """The header that the doorkeeper looks at, for the readiness probe."""
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={key}/"}


def _signed_with(scope: Scope, key: str) -> bool:
    """In the header, or in a presigned URL of either signature version (boto3 still makes both)."""
    wanted = f"Credential={key}/".encode()
    if any(name.lower() == b"authorization" and wanted in value for name, value in scope["headers"]):
        return True
    query = parse_qs(str(scope["query_string"], "latin-1"))
    credentials = [*query.get("X-Amz-Credential", []), *query.get("AWSAccessKeyId", [])]
    return any(credential.partition("/")[0] == key for credential in credentials)


def _reads(scope: Scope, bucket: str) -> bool:
    """An object by its name alone: no listing, no sub-resource, no way up."""
    path = str(scope["path"])
    return (
        scope["method"] in ("GET", "HEAD")
        and path.startswith(f"/{bucket}/")
        and len(path) > len(bucket) + 2
        and ".." not in path.split("/")
        and not scope["query_string"]
    )


def or_end(persist: Persist, *, where: Where, end: Callable[[int], Any] = os._exit) -> Persist:
    """``persist``, which writes an object to the disk and takes its body out of the memory, or the end.

    An object is the file ``where(bucket, key)`` and a sidecar of metadata, written in this order. A new one
    whose sidecar had no room goes altogether: else the file would count as the object, its type unknown.
    """

    def persisted(bucket: str, key: str, found: dict[str, Any]) -> None:
        persist(bucket, key, found)
        if found.get("body") is None:
            return
        path = Path(where(bucket, key))
        with suppress(OSError):
            if not Path(f"{path}.meta.json").exists():
                path.unlink()
        with suppress(OSError):  # the log may be on the same disk
            sys.stderr.write(f"the store ends: it could not write {bucket}/{key} to its disk\n")
        end(os.EX_IOERR)

    return persisted


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """The process ``nashr up`` starts; ministack reads its own settings from the environment."""
    objects: Any = importlib.import_module("ministack.services.s3")
    objects._persist_object = or_end(objects._persist_object, where=objects._object_disk_path)  # noqa: SLF001
    ministack: Any = importlib.import_module("ministack.app")
    ministack.app = behind_doorkeeper(
        ministack.app, key=os.environ["NASHR_STORE_KEY"], public=os.environ["NASHR_STORE_PUBLIC"]
    )
    ministack.main()


if __name__ == "__main__":
    main()
