"""Photos on the wire: metadata in, the asset with its renditions out. The bytes are uploads.py's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from nashr_ingest.schemas.fields import Line, Out, Patch, SiteId, Time, Warned, Wire, wrong

Fraction = Annotated[float, Field(ge=0, le=1)]


def _form_number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise wrong("bad_type", "give a number from 0 to 1, such as 0.5") from None


FormFraction = Annotated[Fraction, BeforeValidator(_form_number)]


class FocalPoint(Wire):
    """What must stay in every crop: fractions of width and height from the top left corner."""

    x: Fraction
    y: Fraction


class Rights(Wire):
    """Who made the photo and what may be done with it; ``expires_at`` withdraws it on time."""

    creator: str | None = Field(default=None, max_length=300, examples=["سامر نصّار"])
    holder: str | None = Field(default=None, max_length=300)
    source: str | None = Field(default=None, max_length=300)
    licence: str | None = Field(default=None, max_length=300)
    usage_terms: str | None = Field(default=None, max_length=2_000)
    expires_at: Time | None = None
    syndication: bool = True


class UploadFields(Wire):
    """The form fields beside the file."""

    site: SiteId | None = None
    focal_x: FormFraction | None = None
    focal_y: FormFraction | None = None
    caption: str | None = Field(default=None, max_length=2_000)
    credit: str | None = Field(default=None, max_length=300)
    rights: Rights | None = None


class AssetPatch(Patch):
    """A field that is left out stays, null clears it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"focal_point": {"x": 0.5, "y": 0.3}, "credit": "سامر نصّار"}]}
    )

    focal_point: FocalPoint | None = None
    caption: str | None = Field(default=None, max_length=2_000)
    credit: str | None = Field(default=None, max_length=300)
    rights: Rights | None = None


class Withdrawal(Wire):
    """Why a photo has to leave every page, card and feed."""

    reason: Line = Field(max_length=1_000, examples=["سحبت الوكالة الصورة"])


class Withdrawn(Out):
    """Why a photo was withdrawn, by whom, and when it was gone from everywhere."""

    reason: str
    by: str
    at: Time
    cause: Literal["kill", "expired"] = Field(description="expired: its rights may be renewed")
    done_at: Time | None = Field(description="No file of it is left, in the store or at the edge")


class Rendition(Out):
    """One file made from the photo."""

    url: str
    width: int
    height: int
    content_type: str
    bytes: int
    crop: str | None = Field(description="The shape it is cut to, such as 16:9; null for the whole photo")
    frames: int = Field(description="Above 1 for an animation")


class MakingStep(Out):
    """A step of the renditions' making: images makes what pages wait for, lighter what follows."""

    kind: str
    state: str
    attempts: int
    started_at: Time | None
    finished_at: Time | None
    error: str | None


class Progress(Out):
    """How far the renditions are; ``planned`` is an upper bound while steps are open."""

    made: int
    planned: int
    steps: list[MakingStep]


class Asset(Out):
    """A photo as returned."""

    id: str
    site: str
    kind: Literal["image"]
    sha256: str
    content_type: str
    width: int
    height: int
    bytes: int
    focal_point: FocalPoint | None
    focal_point_from: Literal["editor", "found"] | None
    caption: str | None
    credit: str | None
    rights: Rights | None
    digital_source_type: str | None
    state: Literal["processing", "ready", "failed", "withdrawn", "erased", "archived"] = Field(
        description="archived: nothing shows it, its files are made anew when it is published"
    )
    error: str | None
    withdrawal: Withdrawn | None
    renditions: list[Rendition]
    placeholder: str | None = Field(description="A tiny blurred image as a data URL")
    progress: Progress
    warnings: list[Warned] = Field(default_factory=list, description="Only in the answer to a write")
