"""Pydantic models of everything that crosses the wire; nothing behind the API sees them.

Models named after what a client sends are strict; those that derive from ``Out`` document answers.
"""

from nashr_ingest.schemas.access import AuditEntry, DeadWork, NewToken, Rotation, Skip, Token, TokenIn
from nashr_ingest.schemas.article import (
    Article,
    Correction,
    Draft,
    RelatedStories,
    Revision,
    WholeRevision,
)
from nashr_ingest.schemas.article import Status as ArticleStatus
from nashr_ingest.schemas.assets import Asset, AssetPatch, Rights, UploadFields, Withdrawal
from nashr_ingest.schemas.fields import Page, Warned
from nashr_ingest.schemas.publications import (
    CorrectionIn,
    Preview,
    PreviewIn,
    Publication,
    Publish,
    Rollback,
    Unpublish,
)
from nashr_ingest.schemas.sites import Author, AuthorOut, Front, FrontOut, SiteIn, SiteOut, read_site
from nashr_ingest.schemas.webhooks import (
    DeliveryLine,
    Event,
    Replayed,
    ReplayIn,
    Webhook,
    WebhookIn,
    WebhookPatch,
)

__all__ = [
    "Article",
    "ArticleStatus",
    "Asset",
    "AssetPatch",
    "AuditEntry",
    "Author",
    "AuthorOut",
    "Correction",
    "CorrectionIn",
    "DeadWork",
    "DeliveryLine",
    "Draft",
    "Event",
    "Front",
    "FrontOut",
    "NewToken",
    "Page",
    "Preview",
    "PreviewIn",
    "Publication",
    "Publish",
    "RelatedStories",
    "ReplayIn",
    "Replayed",
    "Revision",
    "Rights",
    "Rollback",
    "Rotation",
    "SiteIn",
    "SiteOut",
    "Skip",
    "Token",
    "TokenIn",
    "Unpublish",
    "UploadFields",
    "Warned",
    "Webhook",
    "WebhookIn",
    "WebhookPatch",
    "WholeRevision",
    "Withdrawal",
    "read_site",
]
