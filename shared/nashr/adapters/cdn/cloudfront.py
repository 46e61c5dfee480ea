"""CloudFront: CreateInvalidation, by paths or by tags; each of them counts as one path of the month's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from nashr.adapters.cdn import http
from nashr.domain.purging import Limits
from nashr.ports import CdnBusy, CdnRefused, CdnUnavailable, Fetched

MOST: Final = 1000  # of the 3,000 that may be in progress
_BUSY: Final = {"TooManyInvalidationsInProgress": 30.0, "Throttling": 5.0, "ThrottlingException": 5.0}
_KEYS: Final = frozenset(
    {
        "AccessDenied", "ExpiredToken", "InvalidClientTokenId", "MissingAuthenticationToken",
        "SignatureDoesNotMatch", "UnrecognizedClientException",
    }
)  # fmt: skip


class CloudFrontCdn:
    """nashr.ports.Cdn over one CloudFront distribution; empty keys: the machine's own role."""

    vantage = "cloudfront"

    def __init__(
        self, *, distribution: str, access_key: str, secret_key: str, by_tag: bool, rate: float = 0.0,
        api: str = "",
    ) -> None:  # fmt: skip
        self.limits = Limits(
            urls=MOST, tags=MOST if by_tag else 0, rate=rate, burst=20, charged=True, both_names=True,
            tag_metadata="cache-tag",
        )  # fmt: skip
        self._distribution = distribution
        self._client = http.client()
        self._cloudfront: Any = boto3.session.Session().client(
            "cloudfront",
            region_name="us-east-1",  # its one address everywhere
            endpoint_url=api or None,
            aws_access_key_id=access_key or None,
            aws_secret_access_key=secret_key or None,
            config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2}),
        )

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:  # noqa: ARG002
        """Invalidates the paths of ``urls`` and ``tags`` in one batch; never softly.

        A repeated request carries its first CallerReference, so CloudFront charges it once.
        """
        items = [httpx.URL(url).raw_path.decode() for url in urls] + [f"#{tag}" for tag in tags]
        if not items:
            return
        batch = {"Paths": {"Quantity": len(items), "Items": items}, "CallerReference": uuid4().hex}
        with _translated():
            self._cloudfront.create_invalidation(DistributionId=self._distribution, InvalidationBatch=batch)

    def fetch(self, url: str) -> Fetched:
        return http.fetch(self._client, url)

    def close(self) -> None:
        self._client.close()
        self._cloudfront.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _sorted_error(error.response) from error
    except NoCredentialsError as error:
        raise CdnRefused(f"CloudFront: {error}: set NASHR_CDN_ACCESS_KEY and NASHR_CDN_SECRET_KEY") from error
    except BotoCoreError as error:
        raise CdnUnavailable(f"CloudFront: {error}") from error


def _sorted_error(response: Mapping[str, Any]) -> Exception:
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = response["Error"].get("Code", ""), response["Error"].get("Message", "")
    text = f"CloudFront answered {status} {code}: {message}"
    if code in _BUSY or status == 429:
        return CdnBusy(text, seconds=_BUSY.get(code, 5.0))
    if status >= 500:
        return CdnUnavailable(text)
    named = "NASHR_CDN_ACCESS_KEY and NASHR_CDN_SECRET_KEY" if code in _KEYS else "NASHR_CDN_ID"
    return CdnRefused(f"{text}: check {named}")
