"""PUTs of small bodies by obstore, which works outside the interpreter's lock for a fraction of boto3's CPU.

It answers as s3.py does by boto3, error by error; what it cannot carry the same way it leaves to boto3.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Final, TypeGuard

import botocore.session
from botocore.exceptions import NoCredentialsError
from obstore.exceptions import BaseError
from obstore.store import S3Store

from nashr.adapters.s3 import CONNECT_SECONDS, READ_SECONDS, Elsewhere, address, sorted_answer
from nashr.ports import StoreUnavailable
from nashr.settings import Settings

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import S3Config, S3Credential
    from types_boto3_s3 import S3Client

LARGEST: Final = 1024 * 1024
"""Bytes of a body. The time limit is for the whole request here, for each silence with boto3."""

AGAIN_SECONDS: Final = 0.2
"""Until the second and last attempt, which only an answer leads to. After silence, or a connection that
broke, the PUT may have been taken: who asked reads again and decides."""

_STATUS: Final = re.compile(r"\bStatus \{\s+status: (\d{3})")
"""In what obstore shows of an error for debugging, where a key cannot say the same: line breaks are in it."""

_WHY: Final = re.compile(
    r"(?:message|error): \"[^\"]+\"|\b(?:TimedOut|IncompleteMessage|InvalidCertificate)\b"
)
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_ELSEWHERE: Final = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"})
_HEADERS: Final = frozenset(
    {"content-type", "cache-control", "content-encoding", "content-language", "content-disposition"}
)
_ODD: Final = re.compile(r"(^|/)(\.{0,2})(/|$)|[\x00-\x1f\x7f]")
"""Keys that obstore would read as paths: an empty step, ``.``, ``..``; and control characters."""


class QuickPuts:
    """The PUTs of one bucket. ``client`` says where the bucket stands; its thread safety is obstore's."""

    def __init__(
        self, settings: Settings, client: S3Client, bucket: str, *, seconds: float = READ_SECONDS
    ) -> None:
        self.bucket = bucket
        self._settings = settings
        self._client = client
        self._seconds = seconds

    @cached_property
    def _store(self) -> S3Store:
        """Made by the first PUT: boto3 says where the bucket stands, once it has credentials."""
        if os.environ.get("AWS_CA_BUNDLE") and not os.environ.get("SSL_CERT_FILE"):
            raise Elsewhere("only boto3 is told of an authority of certificates")
        where = address(self._client, self.bucket)
        sums: S3Config = {}
        if self._settings.s3_checksums == "when_supported":
            sums = {"checksum_algorithm": "SHA256"}
        return S3Store(
            self.bucket,
            config=sums,
            endpoint=where,
            virtual_hosted_style_request=True,  # the bucket is in the address already
            region=self._settings.s3_region,
            credential_provider=_credentials(self._settings),
            skip_signature=False,  # nothing of these out of the environment
            unsigned_payload=False,
            client_options={
                "allow_http": where.startswith("http://"),
                "connect_timeout": f"{CONNECT_SECONDS}s",
                "timeout": f"{self._seconds}s",
            },
            retry_config={"max_retries": 0},  # it would try again where the outcome is unknown
        )

    def carries(self, body: bytes | BinaryIO, key: str, metadata: Mapping[str, str]) -> TypeGuard[bytes]:
        """Whether this PUT would do what boto3's does."""
        small = isinstance(body, bytes) and len(body) <= LARGEST
        return small and not _ODD.search(key) and _HEADERS.isdisjoint(map(str.lower, metadata))

    def put(
        self, key: str, body: bytes, headers: Mapping[str, str], *, if_match: str | None, if_none_match: bool
    ) -> str:
        """Stores and returns the ETag. ``headers``: by their names, metadata by its own.

        Raises Elsewhere, what s3.sorted_answer gives, or StoreUnavailable.
        """
        request = f"PUT {self.bucket}/{key}"
        mode: PutMode = "create" if if_none_match else {"e_tag": if_match} if if_match else "overwrite"
        for last in (False, True):
            try:
                done = self._store.put(key, body, attributes=dict(headers), mode=mode, use_multipart=False)
            except (BaseError, OSError) as error:
                if "_store" not in vars(self):
                    raise Elsewhere("this machine has no certificates of authorities") from error
                status, code = _answer(str(error))
                if last or status not in _BUSY:
                    raise _family(str(error), status, code, request) from error
                time.sleep(AGAIN_SECONDS)
            else:
                break
        if done["e_tag"] is None:
            raise StoreUnavailable(f"{request}: the store named no ETag")
        return done["e_tag"]


def _answer(said: str) -> tuple[int, str]:
    """Status and code of the answer that an error of obstore shows; 0 where there was none."""
    status = _STATUS.search(said)
    code = _CODE.search(said, status.end()) if status else None
    return int(status[1]) if status else 0, code[1] if code else ""


def _family(said: str, status: int, code: str, request: str) -> Exception:
    if code in _ELSEWHERE or "inner: BareRedirect" in said:
        return Elsewhere(request)
    if not status:
        why = _WHY.search(said)
        return StoreUnavailable(f"{request}: {why[0] if why else said.splitlines()[0]}")
    return sorted_answer(status, code, request)


def _credentials(settings: Settings) -> Callable[[], S3Credential]:
    """The settings' own, else those that boto3 would find: a role, say, whose keys change with time."""
    key, secret = settings.s3_access_key.get_secret_value(), settings.s3_secret_key.get_secret_value()
    if key:
        return lambda: {"access_key_id": key, "secret_access_key": secret, "token": None, "expires_at": None}
    found = botocore.session.Session().get_credentials()

    def current() -> S3Credential:
        if found is None:
            raise NoCredentialsError
        frozen = found.get_frozen_credentials()
        # Due at once: botocore is asked each time, and knows when it has to fetch new ones.
        return {
            "access_key_id": frozen.access_key or "", "secret_access_key": frozen.secret_key or "",
            "token": frozen.token, "expires_at": datetime.now(UTC),
        }  # fmt: skip

    return current
