"""How the S3 client is set up: what a step can wait for, and how a bucket is addressed."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from nashr.adapters.s3 import POOL, connect
from nashr.runtime.verifying import PARALLEL
from nashr.settings import load

ENDPOINT = "https://s3.eu-west-1.example"


def test_a_silent_store_is_given_up_before_readers_notice() -> None:
    """Two attempts of at most 2 s to connect and 10 s to answer; a connection for every thread."""
    with closing(connect(load(s3_endpoint=ENDPOINT))) as client:
        config: Any = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 10)
    assert config.retries == {"total_max_attempts": 2, "mode": "standard"}
    assert config.max_pool_connections == POOL >= PARALLEL


@pytest.mark.parametrize(
    ("style", "url"),
    [("path", f"{ENDPOINT}/nashr-site/a"), ("virtual", "https://nashr-site.s3.eu-west-1.example/a")],
)
def test_a_bucket_stands_where_the_provider_wants_it(style: str, url: str) -> None:
    """In the path, or in the host name; signed for the region of the settings."""
    settings = load(s3_endpoint=ENDPOINT, s3_addressing=style, s3_region="eu-west-1")
    with closing(connect(settings)) as client:
        made = client.generate_presigned_url("get_object", Params={"Bucket": "nashr-site", "Key": "a"})
        assert client.meta.region_name == "eu-west-1"
    assert made.partition("?")[0] == url


@pytest.mark.parametrize("checksums", ["when_required", "when_supported"])
def test_checksums_are_as_set(checksums: str) -> None:
    """Some stores refuse boto3's own default, so both directions follow the setting."""
    with closing(connect(load(s3_endpoint=ENDPOINT, s3_checksums=checksums))) as client:
        config: Any = client.meta.config
    assert config.request_checksum_calculation == checksums
    assert config.response_checksum_validation == checksums
