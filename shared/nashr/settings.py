"""Every setting: its type, default and a sentence. Read once at start-up; passed on as values.

``NASHR_`` before the upper-case name makes the environment variable.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The one frozen tree of settings."""

    model_config = SettingsConfigDict(env_prefix="NASHR_", frozen=True, extra="ignore")

    env: str = Field("development", description="production refuses failpoints")
    data: Path = Field(Path(".nashr"), description="Folder of the embedded stack: all its state is below it")
    failpoints: str = Field("", description="Faults to stage in tests; refused when env is production")

    database_url: str = Field(
        "", description="PostgreSQL >= 15, as postgresql://; empty: the embedded server"
    )
    redis_url: str = Field("", description="Redis >= 7 or Valkey, as redis://; empty: the embedded server")
    s3_endpoint: str = Field("", description="S3 endpoint URL; empty: the embedded store")
    s3_region: str = Field("us-east-1", description="S3 region")
    s3_bucket: str = Field("nashr-site", description="Bucket of the published site, read by the edge")
    s3_private_bucket: str = Field("nashr-originals", description="Bucket of originals, never behind an edge")
    s3_access_key: SecretStr = Field(SecretStr("nashr"), description="S3 access key id")
    s3_secret_key: SecretStr = Field(SecretStr("nashr-secret"), description="S3 secret access key")
    s3_checksums: str = Field(
        "when_required", description="request_checksum_calculation of boto3: when_required or when_supported"
    )
    edge_url: str = Field("", description="Where receipts fetch and purges go; empty: the embedded edge")
    purge_secret: SecretStr = Field(SecretStr(""), description="Shared secret of PURGE requests to the edge")
    edge_cache_bytes: int = Field(
        64 * 1024 * 1024, description="Memory the embedded edge may fill with objects"
    )

    bind: str = Field("127.0.0.1", description="Address that the API and the embedded edge listen on")
    api_port: int = Field(8080, description="Port of the API; 0 takes a free one")
    site_port: int = Field(8090, description="Port of the embedded edge; 0 takes a free one")

    lease_seconds: float = Field(
        10.0, description="How long a claimed step is its worker's without a heartbeat"
    )
    heartbeat_seconds: float = Field(3.0, description="How often a worker extends the leases it holds")
    redispatch_seconds: float = Field(
        3.0, description="A due step without a claim is hinted again after this"
    )
    watchdog_seconds: float = Field(8.0, description="A worker idle this long beside due work exits")
    images_threads: int = Field(
        3, description="Steps the images worker runs at once, one of them breaking only"
    )
    related_threads: int = Field(3, description="Steps the related worker runs at once, one breaking only")
    cards_threads: int = Field(3, description="Steps the cards worker runs at once, one breaking only")
    delivery_threads: int = Field(5, description="Steps the delivery worker runs at once, one breaking only")
    children: int = Field(2, description="Child processes that decode photos; one stays when idle")

    max_body_bytes: int = Field(1024 * 1024, description="Largest JSON body of a request")
    max_asset_bytes: int = Field(60 * 1024 * 1024, description="Largest photo that may be uploaded")
    max_asset_pixels: int = Field(60_000_000, description="Most pixels a photo may have, all frames counted")
    postgres_user: str = Field(
        "nobody", description="Who runs the embedded PostgreSQL when root runs nashr up"
    )

    @model_validator(mode="after")
    def _refuse_failpoints_in_production(self) -> Settings:
        if self.env == "production" and self.failpoints:
            raise ValueError("NASHR_FAILPOINTS is set: unset it, production does not stage faults")
        return self

    @property
    def endpoints_file(self) -> Path:
        return self.data / "endpoints.json"


def load(**overrides: Any) -> Settings:
    """Settings out of the environment; ``overrides`` (command line flags) win."""
    return Settings(**{name: value for name, value in overrides.items() if value is not None})


def load_for_stack(data: Path | None = None) -> Settings:
    """Settings for a command beside a running stack: what the stack wrote down fills the gaps.

    ``nashr up`` writes DIR/stack.json (owner only) with the addresses and secrets it chose.
    """
    base = load(data=data)
    path = base.data / "stack.json"
    if not path.exists():
        return base
    written = json.loads(path.read_text())
    chosen = {name: value for name, value in written.items() if name not in base.model_fields_set}
    return load(**{**chosen, "data": base.data})
