"""Reads of the site bucket over anonymous path-style HTTP: an object, nothing, or no answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import httptools

from nashr_delivery.edge_client import Client, Wire

MAX_BUFFERED: Final = 16 * 1024 * 1024
MAX_KEY_BYTES: Final = 1024
_META: Final = "x-amz-meta-"
FAILURES: Final = (OSError, httptools.HttpParserError)


class OriginDown(Exception):
    """The store did not answer, or answered with an error of its own."""


class TooLarge(Exception):
    """The object is too big to be held in memory: it has to be streamed."""


@dataclass(frozen=True)
class Object:
    """An object of the bucket: lower-case headers, its metadata, its body (empty where it is streamed)."""

    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    body: bytes


class Origin:
    """The site bucket at ``endpoint``."""

    def __init__(self, endpoint: str, bucket: str) -> None:
        self._path = f"{urlsplit(endpoint).path.rstrip('/')}/{quote(bucket)}/"
        self._client = Client(endpoint)

    async def get(self, key: str) -> Object | None:
        """The object at ``key``, or None. Raises OriginDown or TooLarge."""
        wire = await self.open(key)
        if wire is None:
            return None
        try:
            if int(wire.headers.get("content-length", 0)) > MAX_BUFFERED:
                raise TooLarge(key)
            return read_head(wire.headers, await wire.read())
        except FAILURES as error:
            raise OriginDown(f"{key}: {error!r}") from error
        finally:
            wire.release()

    async def open(self, key: str) -> Wire | None:
        """The answer for ``key`` with its body unread and to be released, or None. Raises OriginDown."""
        if len(key.encode()) > MAX_KEY_BYTES:
            return None
        try:
            wire = await self._client.get(self._path + quote(key, safe="/~"))
        except FAILURES as error:
            raise OriginDown(f"{key}: {error!r}") from error
        if wire.status == 200:
            return wire
        try:
            await self._absent(wire, key)
        finally:
            wire.release()
        return None

    async def _absent(self, wire: Wire, key: str) -> None:
        """403 counts as absent: S3 hides from a reader who may not list whether a key exists."""
        if wire.status not in {403, 404}:
            raise OriginDown(f"{key}: the store answered {wire.status}")
        try:
            await wire.read()
        except FAILURES as error:
            raise OriginDown(f"{key}: {error!r}") from error

    def close(self) -> None:
        self._client.close()


def read_head(headers: Mapping[str, str], body: bytes = b"") -> Object:
    """The answer's headers with the metadata among them told apart."""
    metadata = {name[len(_META) :]: value for name, value in headers.items() if name.startswith(_META)}
    return Object(headers, metadata, body)
