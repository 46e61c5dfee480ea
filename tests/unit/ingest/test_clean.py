"""Text hygiene: what is removed is told, what spelling needs stays."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from nashr.domain.errors import Fault, Refused
from nashr_ingest.clean import clean, clean_draft
from nashr_ingest.schemas import AssetPatch, CorrectionIn, Draft

Send = Callable[..., httpx.Response]
OVERRIDES = "\u202a\u202b\u202c\u202d\u202e"


@pytest.mark.parametrize("mark", [*OVERRIDES, "\u2066", "\u2067", "\u2068", "\u2069"])
@pytest.mark.parametrize("place", ["headline", "alt", "html", "item", "entity"])
def test_bidi_overrides_go_with_a_warning(send: Send, draft: dict[str, Any], mark: str, place: str) -> None:
    """From every text, also where an HTML entity spells the character; the pointer says where."""
    text = f"ab{mark}cd"
    match place:
        case "headline":
            draft["headline"], pointer = text, "/headline"
        case "alt":
            draft["body"][1]["alt"], pointer = text, "/body/1/alt"
        case "item":
            draft["body"][2]["items"][0], pointer = text, "/body/2/items/0"
        case "html":
            draft["body"][0]["html"], pointer = text, "/body/0/html"
        case _:
            draft["body"][0]["html"], pointer = f"ab&#x{ord(mark):x};cd", "/body/0/html"

    answer = send("POST", "/v1/articles", json=draft).json()

    assert [(w["pointer"], w["code"]) for w in answer["warnings"]] == [(pointer, "removed_bidi")]
    assert mark not in str(answer["doc"])
    assert "abcd" in str(answer["doc"])


def test_marks_that_spelling_needs_stay(send: Send, draft: dict[str, Any]) -> None:
    """RLM, LRM, ZWNJ, ZWJ and balanced isolates arrive as typed, without a warning."""
    draft["headline"] = "می\u200cخواهم\u200f \u200e(1)\u200d \u2068Reuters\u2069"

    answer = send("POST", "/v1/articles", json=draft).json()

    assert answer["doc"]["headline"] == draft["headline"]
    assert answer["warnings"] == []


def test_text_is_kept_in_nfc(draft: dict[str, Any]) -> None:
    """The same word typed on two systems is stored once."""
    draft["headline"] = unicodedata.normalize("NFD", "آخر الأخبار café")

    doc = clean_draft(Draft.model_validate(draft)).doc

    assert doc["headline"] == "آخر الأخبار café"


def test_quotes_and_apostrophes_arrive_as_typed(draft: dict[str, Any]) -> None:
    """Plain text is not HTML: nothing in a headline or an alt text is escaped or removed."""
    draft["headline"] = '"It\'s" <b> & “هكذا”'

    assert clean_draft(Draft.model_validate(draft)).doc["headline"] == draft["headline"]


def test_lines_are_folded_except_where_they_are_the_writer_s(draft: dict[str, Any]) -> None:
    """A headline is one line; a note and a correction keep theirs."""
    draft |= {"headline": "أول\n ثان\tثالث ", "note": "أول\nثان"}

    doc = clean_draft(Draft.model_validate(draft)).doc

    assert (doc["headline"], doc["note"]) == ("أول ثان ثالث", "أول\nثان")
    assert clean(CorrectionIn(kind="update", text="أول\nثان")).doc["text"] == "أول\nثان"


def test_a_control_character_behind_an_entity_is_refused(draft: dict[str, Any]) -> None:
    """``&#1;`` becomes a control character in the markup's reader: it is caught behind it."""
    draft["body"][0]["html"] = "a&#1;b"

    with pytest.raises(Refused) as caught:
        clean_draft(Draft.model_validate(draft))

    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [
        ("/body/0/html", "bad_character")
    ]


def test_half_a_surrogate_is_refused_without_the_middleware_too() -> None:
    """Whoever calls clean by itself gets the pointer, not a failing database."""
    with pytest.raises(Refused) as caught:
        clean(CorrectionIn.model_construct(kind="update", text="\ud800"))

    assert caught.value.faults[0].pointer == "/text"


def test_a_patch_keeps_left_out_and_null_apart() -> None:
    """Of a partial change only what was given comes back: null clears, absent stays."""
    patch = AssetPatch.model_validate(
        {"caption": None, "credit": "a\u202eb", "focal_point": {"x": 1, "y": 0.5}}
    )

    cleaned = clean(patch)

    assert cleaned.doc == {"caption": None, "credit": "ab", "focal_point": {"x": 1.0, "y": 0.5}}
    assert [type(warning) for warning in cleaned.warnings] == [Fault]


def test_extensions_are_the_cms_s_own(draft: dict[str, Any]) -> None:
    """They come back as sent: empty texts, nulls, spaces and decomposed letters included."""
    extensions = {"a": ["", None, " x\ny "], "b": unicodedata.normalize("NFD", "é")}
    draft["extensions"] = extensions

    assert clean_draft(Draft.model_validate(draft)).doc["extensions"] == extensions


def test_a_four_kilobyte_draft_costs_well_under_two_milliseconds(draft: dict[str, Any]) -> None:
    """Validation and cleaning stay far below what a transaction costs."""
    paragraph = 'قال <b>الوزير</b> إن <a href="https://example.org/x">التقرير</a> ' + "كلمة من الخبر " * 12
    draft["body"] = [{"type": "paragraph", "html": paragraph} for _ in range(10)]

    def once() -> float:
        before = time.process_time()
        clean_draft(Draft.model_validate(draft))
        return time.process_time() - before

    assert min(once() for _ in range(20)) < 0.002
