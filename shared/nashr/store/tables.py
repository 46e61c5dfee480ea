"""The tables, as SQLAlchemy Core sees them. Migrations make them; tests compare the two."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL

HEAVY_POSTING: Final = 6554
"""Weights are 32767 times a term's share of its signature: from 0.2 on an article is about the term."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NOW = text("clock_timestamp()")


def _time(name: str, *, now: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not now, server_default=_NOW if now else None)


site = Table(
    "site",
    metadata,
    Column("id", Text, primary_key=True),
    Column("config", JSONB, nullable=False),
    Column("secret", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("chrome", BigInteger, nullable=False, server_default="0"),
    _time("created_at", now=True),
    _time("updated_at", now=True),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, ForeignKey("site.id")),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    _time("created_at", now=True),
    _time("expires_at"),
    _time("revoked_at"),
)

asset = Table(
    "asset",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("original_key", Text, nullable=False),
    Column("focal_x", Double),
    Column("focal_y", Double),
    Column("caption", Text),
    Column("credit", Text),
    Column("found_x", Double),
    Column("found_y", Double),
    Column("rights", JSONB, nullable=False, server_default="{}"),
    Column("digital_source_type", Text),
    Column("state", Text, nullable=False, server_default="processing"),
    Column("error", Text),
    Column("renditions", JSONB, nullable=False, server_default="[]"),
    Column("placeholder", Text),
    Column("colour", Text),
    Column("made", Text),
    Column("words_read", Boolean, nullable=False, server_default="false"),
    Column("shown", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("created_by", Text, nullable=False),
    _time("created_at", now=True),
    _time("updated_at", now=True),
    _time("withdrawn_at"),
    Column("withdrawal", JSONB),
    UniqueConstraint("site", "sha256"),
)

article = Table(
    "article",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, Identity(), nullable=False, unique=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False),
    Column("external_id", Text),
    Column("short_id", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("slug_frozen", Boolean, nullable=False, server_default="false"),
    Column("section", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("headline", Text, nullable=False),
    Column("translation_of", Text),
    Column("latest_revision", Integer, nullable=False),
    Column("live_revision", Integer),
    Column("status", Text, nullable=False, server_default="draft"),
    Column("removal", JSONB),
    Column("page", BigInteger, ForeignKey("page.id")),
    Column("path", Text),
    Column("front", Boolean, nullable=False, server_default="true"),
    Column("feeds", Boolean, nullable=False, server_default="true"),
    Column("sitemap", Boolean, nullable=False, server_default="true"),
    Column("linkable", Boolean, nullable=False, server_default="true"),
    Column("created_by", Text, nullable=False),
    _time("published_at"),
    _time("modified_at"),
    _time("created_at", now=True),
    _time("updated_at", now=True),
    _time("unlinked_since"),
    _time("dated_at"),
    UniqueConstraint("site", "external_id"),
    UniqueConstraint("site", "short_id"),
    UniqueConstraint("site", "section", "slug"),
    Index(
        "ix_article_live", "site", text("published_at DESC"), "number",
        postgresql_where=text("live_revision IS NOT NULL"),
    ),
    Index(
        "ix_article_live_section", "site", "section", text("published_at DESC"), "number",
        postgresql_where=text("live_revision IS NOT NULL"),
    ),
    Index("ix_article_unlinked", "site", postgresql_where=text("unlinked_since IS NOT NULL")),
    Index("ix_article_updated", "site", text("updated_at DESC"), "id"),
    Index(
        "ix_article_aside", "site",
        postgresql_where=text("kind = 'page' AND live_revision IS NOT NULL"),
    ),
    Index("ix_article_translation_of", "translation_of", postgresql_where=text("translation_of IS NOT NULL")),
)  # fmt: skip

revision = Table(
    "revision",
    metadata,
    Column("article", Text, ForeignKey("article.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("site", Text, nullable=False),
    Column("doc", JSONB, nullable=False),
    Column("note", Text),
    Column("actor", Text, nullable=False),
    _time("created_at", now=True),
)

article_asset = Table(
    "article_asset",
    metadata,
    Column("article", Text, ForeignKey("article.id"), primary_key=True),
    Column("asset", Text, ForeignKey("asset.id"), primary_key=True),
    Column("site", Text, nullable=False),
    Column("teaser", Boolean, nullable=False),
    Column("card", Boolean, nullable=False),
    Index("ix_article_asset_asset", "asset"),
)

front = Table(
    "front",
    metadata,
    Column("site", Text, ForeignKey("site.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("banner", JSONB),
    Column("version", BigInteger, nullable=False, server_default="1"),
    _time("updated_at", now=True),
)

pin = Table(
    "pin",
    metadata,
    Column("site", Text, ForeignKey("site.id"), primary_key=True),
    Column("front", Text, primary_key=True),
    Column("slot", SmallInteger, primary_key=True),
    Column("article", Text, ForeignKey("article.id"), nullable=False),
    _time("until"),
    Index("ix_pin_article", "article"),
)

author = Table(
    "author",
    metadata,
    Column("site", Text, ForeignKey("site.id"), primary_key=True),
    Column("slug", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("bio", Text),
    Column("photo", Text, ForeignKey("asset.id")),
    Column("links", JSONB, nullable=False, server_default="[]"),
    Column("version", BigInteger, nullable=False, server_default="1"),
    _time("updated_at", now=True),
    Index("ix_author_photo", "photo", postgresql_where=text("photo IS NOT NULL")),
)

shelf = Table(
    "shelf",
    metadata,
    Column("site", Text, ForeignKey("site.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("slug", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("placed", BigInteger, nullable=False, server_default="0"),
    Column("articles", BigInteger, nullable=False, server_default="0"),
    Column("shown", Boolean, nullable=False, server_default="false"),
    Column("changes", BigInteger, nullable=False, server_default="0"),
)

shelved = Table(
    "shelved",
    metadata,
    Column("article", Text, ForeignKey("article.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("slug", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Index("ix_shelved_place", "site", "kind", "slug", "place", unique=True),
    Index("ix_shelved_newest", "site", "kind", "slug", text("published_at DESC"), text("place DESC")),
)

correction = Table(
    "correction",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("site", Text, nullable=False),
    Column("article", Text, ForeignKey("article.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("actor", Text, nullable=False),
    _time("at", now=True),
)

preview = Table(
    "preview",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("article", Text, ForeignKey("article.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_by", Text, nullable=False),
    _time("created_at", now=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    _time("revoked_at"),
    Index("ix_preview_article_id", "article", "id"),
)

publication = Table(
    "publication",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, Identity(), nullable=False),
    Column("site", Text, nullable=False),
    Column("article", Text, ForeignKey("article.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("change", Text, nullable=False),
    Column("notify", Boolean, nullable=False),
    Column("detail", JSONB, nullable=False, server_default="{}"),
    Column("error", Text),
    Column("actor", Text, nullable=False),
    Column("page", BigInteger, ForeignKey("page.id")),
    Column("page_version", BigInteger),
    Column("receipt", JSONB),
    _time("requested_at", now=True),
    _time("due_at", now=True),
    _time("released_at"),
    _time("live_at"),
    Index("ix_publication_article", "article", text("number DESC")),
    Index("ix_publication_page", "page", text("number DESC")),
    Index(
        "ix_publication_unproven", "page",
        postgresql_where=text("receipt IS NULL AND state IN ('live', 'running')"),
    ),
)  # fmt: skip

publication_step = Table(
    "publication_step",
    metadata,
    Column("publication", Text, ForeignKey("publication.id"), primary_key=True),
    Column("step", BigInteger, ForeignKey("step.id"), primary_key=True),
    Column("site", Text, nullable=False),
)

page = Table(
    "page",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("wanted", BigInteger, nullable=False, server_default="0"),
    Column("attempted", BigInteger, nullable=False, server_default="0"),
    Column("live", BigInteger, nullable=False, server_default="0"),
    Column("purged", BigInteger, nullable=False, server_default="0"),
    Column("stored", BigInteger, nullable=False, server_default="0"),
    Column("etag", Text),
    Column("body_hash", Text),
    Column("sha256", Text),
    Column("reasons", JSONB, nullable=False, server_default="[]"),
    _time("live_at"),
    UniqueConstraint("site", "path"),
    Index("ix_page_subject", "site", "kind", "subject"),
    Index(
        "ix_page_months",
        "site",
        text("split_part(subject, '/', 1)"),
        text("subject DESC"),
        postgresql_where=text("kind = 'archive' AND subject LIKE '%/1'"),
    ),  # the months of a section's archive, newest first
)

_TRACE = text("NULLIF(current_setting('nashr.traceparent'::text, true), ''::text)")

step = Table(
    "step",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("site", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("input", JSONB, nullable=False, server_default="{}"),
    Column("state", Text, nullable=False, server_default="ready"),
    Column("priority", SmallInteger, nullable=False, server_default="1"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("lease_owner", Text),
    Column("error", Text),
    Column("result", JSONB),
    Column("traceparent", Text, server_default=_TRACE),
    _time("available_at", now=True),
    _time("dispatched_at"),
    _time("lease_until"),
    _time("started_at"),
    _time("finished_at"),
    _time("created_at", now=True),
    UniqueConstraint("kind", "key"),
    Index(
        "ix_step_due", "kind", "priority", "available_at",
        postgresql_where=text("state IN ('ready', 'leased')"),
    ),
    Index("ix_step_asset", text("(input->>'asset')"), postgresql_where=text("kind IN ('images', 'cards')")),
    Index("ix_step_dead", "site", "id", postgresql_where=text("state = 'dead'")),
    Index("ix_step_notice", text("(input->>'to')"), "id", postgresql_where=text("kind = 'notify'")),
    Index(
        "ix_step_untold", text("(input->>'to')"), text("(input->>'article')"),
        postgresql_where=text("kind = 'notify' AND state IN ('ready', 'leased')"),
    ),
    postgresql_with={
        "fillfactor": "70",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_analyze_scale_factor": "0.02",
    },
)  # fmt: skip

need = Table(
    "need",
    metadata,
    Column("step", BigInteger, ForeignKey("step.id"), primary_key=True),
    Column("page", BigInteger, ForeignKey("page.id"), primary_key=True),
    Column("site", Text, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Index("ix_need_page", "page"),
)

site_object = Table(
    "object",
    metadata,
    Column("key", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", Text),
    _time("stored_at"),
    _time("unused_since"),
    Index("ix_object_source", "source", postgresql_where=text("source IS NOT NULL")),
    Index("ix_object_unused", "unused_since", postgresql_where=text("unused_since IS NOT NULL")),
)

asset_use = Table(
    "asset_use",
    metadata,
    Column("page", BigInteger, ForeignKey("page.id"), primary_key=True),
    Column("key", Text, ForeignKey("object.key"), primary_key=True),
    Column("site", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("ix_asset_use_key", "key"),
)

corpus = Table(
    "corpus",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("site", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("articles", Integer, nullable=False, server_default="0"),
    UniqueConstraint("site", "language", "generation"),
)

signature = Table(
    "signature",
    metadata,
    Column("article", Integer, ForeignKey("article.number"), primary_key=True),
    Column("corpus", Integer, nullable=False),
    Column("counted", Integer),
    Column("places", SmallInteger, nullable=False, server_default="0"),
    Column("text_hash", LargeBinary, nullable=False),
    Column("terms", LargeBinary, nullable=False),
    Column("weights", LargeBinary, nullable=False),
    Column("title_terms", LargeBinary, nullable=False),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.05"},  # each row is counted once it is live
)

wording = Table(
    "wording",
    metadata,
    Column("article", Integer, ForeignKey("article.number"), primary_key=True),
    Column("shingles", LargeBinary, nullable=False),
)

posting = Table(
    "posting",
    metadata,
    Column("corpus", Integer, nullable=False),
    Column("term", Integer, nullable=False),
    Column("article", Integer, nullable=False),
    Column("weight", SmallInteger, nullable=False),
    Index("ix_posting_newest", "corpus", "term", "article", unique=True, postgresql_include=["weight"]),
    Index(
        "ix_posting_heaviest", "corpus", "term", "weight", "article",
        postgresql_where=text(f"weight >= {HEAVY_POSTING}"),
    ),
)  # fmt: skip

term = Table(
    "term",
    metadata,
    Column("corpus", Integer, nullable=False, primary_key=True),
    Column("term", Integer, nullable=False, primary_key=True),
    Column("articles", Integer, nullable=False),
    Column("word", Text, nullable=False),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.05"},
)

link = Table(
    "link",
    metadata,
    Column("src", Integer, ForeignKey("article.number"), nullable=False),
    Column("dst", Integer, ForeignKey("article.number"), nullable=False),
    Column("similarity", REAL, nullable=False),
    Column("place", SmallInteger, nullable=False),
    Column("reason", SmallInteger, nullable=False),
    Index("ix_link_src", "src"),  # a key of src and place would take four times as much
    Index("ix_link_dst", "dst"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.05"},
)

event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("site", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("article", Text),
    Column("publication", Text),
    Column("data", JSONB, nullable=False, server_default="{}"),
    _time("at", now=True),
    Index("ix_event_publication", "publication", "id"),
)

webhook = Table(
    "webhook",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, ForeignKey("site.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    _time("old_secret_until"),
    Column("state", Text, nullable=False, server_default="active"),
    Column("why", Text),
    Column("created_by", Text, nullable=False),
    _time("created_at", now=True),
    _time("updated_at", now=True),
    _time("failing_since"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("site", Text),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default="{}"),
    _time("at", now=True),
    Column("token", Text),
    Column("token_name", Text),
    Column("operation", Text),
    Column("address", Text),
    Column("request", Text),
    Column("outcome", Text, nullable=False, server_default="accepted"),
    Index("ix_audit_subject", "subject", "id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("token", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("site", Text),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", JSONB, nullable=False),
    _time("created_at", now=True),
    Index("ix_idempotency_age", "created_at"),
)

metric = Table(
    "metric",
    metadata,
    Column("series", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("value", Double, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

store_verdict = Table(
    "store_verdict",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("bucket", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("found", JSONB, nullable=False),
    Column("disputed", Boolean, nullable=False, server_default="false"),
    _time("probed_at", now=True),
)
