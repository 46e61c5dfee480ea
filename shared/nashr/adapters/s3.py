"""The object store over S3: one bucket, conditional writes, errors sorted into the two families.

boto3 speaks to the embedded store as it does to AWS; where many small objects are put, a quicker client
does that (s3put.py). Nothing here knows what the objects mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, cast

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError, ParamValidationError
from botocore.loaders import JSONFileLoader

from nashr.domain.errors import Permanent
from nashr.ports import Entry, StoreConflict, Stored, StoreUnavailable
from nashr.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import PublicAccessBlockConfigurationTypeDef

    from nashr.adapters.s3put import QuickPuts

POOL: Final = 32
CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 10
METADATA_BYTES: Final = 2048
_PASSING_CODES: Final = frozenset({"BadDigest", "NoSuchBucket", "RequestTimeout", "SlowDown", "Throttling"})
_PASSING_STATUSES: Final = frozenset({401, 403, 408, 429})
_OURS: Final = frozenset({"s3", "sts"})  # sts: where credentials come from a role
_OPEN: Final[PublicAccessBlockConfigurationTypeDef] = {
    "BlockPublicAcls": False,
    "IgnorePublicAcls": False,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}


class Damaged(StoreUnavailable):
    """What arrived is not what the store has a checksum of: on the way, or for good."""

    blameless = False


class StoreRefused(Permanent):
    """The store will never take this request: a key or a header that it does not accept."""


def connect(settings: Settings) -> S3Client:
    """A thread-safe S3 client for the store that the settings name.

    Two attempts in all: a step has its own back-off, and a long silence would outlive its lease.
    """
    checksums = cast('Literal["when_required", "when_supported"]', settings.s3_checksums)
    config = Config(
        max_pool_connections=POOL,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
        tcp_keepalive=True,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        s3={"addressing_style": cast('Literal["auto", "path", "virtual"]', settings.s3_addressing)},
    )
    core = botocore.session.Session()
    core.get_component("data_loader").file_loader = _LeanFiles()
    return boto3.session.Session(botocore_session=core).client(
        "s3",
        endpoint_url=settings.s3_endpoint or None,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key.get_secret_value() or None,
        aws_secret_access_key=settings.s3_secret_key.get_secret_value() or None,
        config=config,
    )


class _LeanFiles(JSONFileLoader):
    """botocore's data without what S3 never asks for: other services' endpoints, and prose.

    Botocore keeps it all for the life of a client: 8 MB and 0.2 s of each process (measured).
    """

    def load_file(self, file_path: str) -> Any:
        data = super().load_file(file_path)
        if data is not None and file_path.endswith("/endpoints"):
            for partition in data["partitions"]:
                services = partition["services"]
                partition["services"] = {name: services[name] for name in services.keys() & _OURS}
        elif data is not None and file_path.endswith("/service-2"):
            _drop_prose(data)
        return data


def _drop_prose(data: Any) -> None:
    if isinstance(data, dict):
        if isinstance(data.get("documentation"), str):
            data["documentation"] = ""
        data = data.values()
    elif not isinstance(data, list):
        return
    for part in data:
        _drop_prose(part)


class S3ObjectStore:
    """nashr.ports.ObjectStore over one S3 bucket; ``client`` comes from connect().

    ``quick``: puts what it can carry, for whoever puts much.
    """

    def __init__(self, client: S3Client, bucket: str, *, quick: QuickPuts | None = None) -> None:
        self.client = client
        self.bucket = bucket
        self._quick = quick

    def head(self, key: str) -> Stored | None:
        try:
            with translated(f"HEAD {self.bucket}/{key}"):
                found = self.client.head_object(Bucket=self.bucket, Key=key)
        except _Absent:
            return None
        return Stored(
            etag=found["ETag"],
            bytes=found["ContentLength"],
            content_type=found.get("ContentType", ""),
            metadata={name.lower(): value for name, value in found["Metadata"].items()},
            cache_control=found.get("CacheControl", ""),
        )

    def get(self, key: str) -> bytes | None:
        try:
            with translated(f"GET {self.bucket}/{key}"):
                return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except _Absent:
            return None

    def put(
        self,
        key: str,
        body: bytes | BinaryIO,
        *,
        content_type: str,
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> str:
        """Stores and returns the ETag as the store quotes it.

        Raises ValueError for metadata that no header can carry (percent-encode it), StoreConflict,
        StoreUnavailable or StoreRefused.
        """
        metadata = metadata or {}
        _check_metadata(metadata)
        headers = {"Content-Type": content_type}
        if cache_control is not None:
            headers["Cache-Control"] = cache_control
        try:
            with translated(f"PUT {self.bucket}/{key}"):
                if self._quick is not None and self._quick.carries(body, key, metadata):
                    with suppress(Elsewhere):
                        return self._quick.put(
                            key, body, {**metadata, **headers}, if_match=if_match, if_none_match=if_none_match
                        )
                return self._put(key, body, headers, metadata, if_match, "*" if if_none_match else None)
        except _Absent as error:
            raise StoreConflict(f"{error}: If-Match met no object") from error

    def _put(
        self,
        key: str,
        body: bytes | BinaryIO,
        headers: Mapping[str, str],
        metadata: Mapping[str, str],
        if_match: str | None,
        if_none_match: str | None,
    ) -> str:
        wanted: dict[str, Any] = {
            **{name.replace("-", ""): value for name, value in headers.items()},
            "Metadata": metadata or None,
            "IfMatch": if_match,
            "IfNoneMatch": if_none_match,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **given)["ETag"]

    def delete(self, key: str) -> None:
        try:
            with translated(f"DELETE {self.bucket}/{key}"):
                self.client.delete_object(Bucket=self.bucket, Key=key)
        except _Absent:
            return

    def keys(self, prefix: str = "") -> Iterator[str]:
        yield from (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        with translated(f"LIST {self.bucket}/{prefix}"):
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Entry(item["Key"], item["Size"], item["LastModified"])


class Elsewhere(Exception):
    """The quick client cannot get there (another region, another authority of certificates): boto3 can."""


class _Absent(Exception):
    """The store answered 404 for the key."""


@contextmanager
def translated(request: str) -> Iterator[None]:
    """Turns boto3's errors into ours; ``request`` names what was asked, for the message."""
    try:
        yield
    except ClientError as error:
        raise _sorted_error(error, request) from error
    except ParamValidationError as error:
        raise StoreRefused(f"{request}: {error}") from error
    except FlexibleChecksumError as error:
        raise Damaged(f"{request}: {error}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"{request}: {error}") from error


def _sorted_error(error: ClientError, request: str) -> Exception:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return sorted_answer(status, error.response.get("Error", {}).get("Code", ""), request)


def sorted_answer(status: int, code: str, request: str) -> Exception:
    """The error that an answer means; ``code`` is the one in its body.

    Wrong credentials and a missing bucket count as passing: an operator mends them, the work waits.
    """
    said = f"{request}: {status} {code}"
    if status in {409, 412}:
        return StoreConflict(said)
    if status == 501 or code == "NotImplemented":
        return StoreRefused(f"{said}: this store does not know what was asked of it")
    if status >= 500 or status in _PASSING_STATUSES or code in _PASSING_CODES:
        return StoreUnavailable(f"{said}: check the store, its bucket and NASHR_S3_ACCESS_KEY")
    if status == 404:
        return _Absent(said)
    return StoreRefused(said)


def address(client: S3Client, bucket: str) -> str:
    """The bucket's URL in the style that the client is set to, without a slash at the end."""
    signed = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"})
    return signed.partition("?")[0].removesuffix("/x")


def _check_metadata(metadata: Mapping[str, str]) -> None:
    for name, value in metadata.items():
        if not (name + value).isascii() or not (name + value).isprintable() or value != value.strip():
            raise ValueError(f"metadata {name}={value!r} is not plain ASCII: percent-encode it")
    size = sum(len(name) + len(value) for name, value in metadata.items())
    if size > METADATA_BYTES:
        raise ValueError(f"metadata of {size} bytes: S3 keeps at most {METADATA_BYTES}")


def ensure_buckets(client: S3Client, *, public: str, private: str) -> None:
    """Creates what is missing and lets anyone read ``public``, object by object, never as a list.

    On AWS the policy is left alone: there the CDN reads with its own identity. A store without
    bucket policies keeps its own rules.
    """
    for bucket in (public, private):
        _ensure_bucket(client, bucket)
    if not client.meta.endpoint_url.rstrip("/").endswith(".amazonaws.com"):
        _allow_anonymous_reads(client, public)


def _ensure_bucket(client: S3Client, bucket: str) -> None:
    region = client.meta.region_name
    location: dict[str, Any] = (
        {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    try:
        with translated(f"HEAD bucket {bucket}"):
            client.head_bucket(Bucket=bucket)
    except _Absent:
        with suppress(StoreConflict), translated(f"create bucket {bucket}"):
            client.create_bucket(Bucket=bucket, **location)


def _allow_anonymous_reads(client: S3Client, bucket: str) -> None:
    read = {
        "Sid": "SiteIsPublic",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [read]})
    with suppress(ClientError):
        try:
            client.put_bucket_policy(Bucket=bucket, Policy=policy)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            # PUT, not DELETE: rclone takes a DELETE of this subresource for one of the bucket.
            client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_OPEN)
            client.put_bucket_policy(Bucket=bucket, Policy=policy)
