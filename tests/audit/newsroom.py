"""A newsroom on a running stack that shows all that a site can show."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.conftest import Stack

Fields = Mapping[str, Any]

KINDS: Final = ("analysis", "opinion", "explainer", "interview", "sponsored", "page")
EMBED: Final = {"type": "embed", "url": "https://video.example/watch/1", "title": "A film of the session"}
ARABIC: Final = "فقرة عن جلسة المجلس في المدينة، وفيها رابط إلى تقرير سابق نشرته الصحيفة."
ENGLISH: Final = "A paragraph on the council's session, which links to an older report of this newsroom."
NOTES: Final = {
    "kicker": "Live",
    "dateline": "Tyre",
    "source": {"name": "Wire", "url": "https://wire.example/1", "canonical": False},
    "translation": {"from": "fr", "method": "machine_reviewed", "credit": "R. Andalibi"},
    "ai": {"text": "assisted", "note": "A draft was made by a machine."},
}
AUTHOR_LINK: Final = {"url": "https://social.example/@rula", "label": "Mastodon"}
SPONSORED: Final = {"source": {"name": "Port Authority", "url": "https://port.example/", "canonical": False}}


def publish_newsroom(stack: Stack) -> Mapping[str, str]:
    """A name for each kind of page and its absolute address; all of them served."""
    arabic = Desk(stack, "ar", "khabar", "editor", ARABIC, "/")
    english = Desk(stack, "en", "other", "stranger", ENGLISH, "/other/")
    original = arabic.full()
    translation = english.full(translation_of=original["id"])
    made = {f"ar {kind}": arabic.of_kind(kind) for kind in KINDS}
    made |= {"ar article": original, "en article": translation, "ar without photo": arabic.plain()}
    made |= {
        "en without photo": english.plain(),
        "en opinion": english.of_kind("opinion"),
        "ar retracted": arabic.plain(),
        "ar gone": arabic.plain(),
    }
    found = {name: arabic.live(one) if name[:2] == "ar" else english.live(one) for name, one in made.items()}
    for name, kind in (
        ("ar article", "correction"),
        ("en article", "update"),
        ("ar retracted", "retraction"),
    ):
        (arabic if name[:2] == "ar" else english).correct(made[name], kind, at=found[name])
    arabic.kill(made["ar gone"], at=found["ar gone"])
    return {**found, **arabic.lists(), **english.lists(), "ar nothing there": f"{stack.site}/nothing-there/"}


@dataclass(frozen=True)
class Desk:
    """One edition's editors: ``text`` is a paragraph in its language, ``base`` where its site begins.

    All stories have one author and one topic, both called ``word``.
    """

    stack: Stack
    language: str
    site: str
    who: str
    text: str
    base: str
    word: str = field(default_factory=lambda: f"w{uuid.uuid4().hex[:10]}")
    publications: dict[str, str] = field(default_factory=dict)

    def full(self, **changes: Any) -> Fields:
        """A story with all that may stand on one."""
        photo = self.stack.upload(who=self.who)["id"]
        hero = {"asset": photo, "alt": self.text[:40], "caption": self.text, "credit": "R. Andalibi"}
        return self._publish(hero=hero, body=self._blocks(photo), **NOTES, **changes)

    def plain(self) -> Fields:
        """A story of one paragraph, on the same topic by the same author."""
        return self._publish(body=[{"type": "paragraph", "html": self.text}])

    def of_kind(self, kind: str) -> Fields:
        return self._publish(
            kind=kind, body=self._blocks(None), kicker=None if kind == "page" else "Kicker",
            **(SPONSORED if kind == "sponsored" else {}),
        )  # fmt: skip

    def _publish(self, **changes: Any) -> Fields:
        """A story on its way: ``live`` waits for it."""
        made = self.stack.create(
            who=self.who, language=self.language, headline=f"{self.text[:30]} {self.stack.word()}",
            standfirst=self.text, slug=self.stack.word(), keywords=[self.word],
            byline=[{"name": "Rula Andalibi", "author": self.word}], **changes,
        )  # fmt: skip
        self.publications[made["id"]] = self.stack.publish(made["id"], who=self.who)["id"]
        return made

    def live(self, article: Fields) -> str:
        """The address of a story, once the edge serves it."""
        self.stack.wait_proven(self.publications[article["id"]], who=self.who)
        return str(self.stack.article(article["id"], who=self.who)["url"])

    def correct(self, article: Fields, kind: str, *, at: str) -> None:
        self._ask(f"/v1/articles/{article['id']}/corrections", kind=kind, text=f"{self.text} {kind}")
        self.stack.served(at, holds=f"{self.text} {kind}")

    def kill(self, article: Fields, *, at: str) -> None:
        """A story that leaves a notice."""
        self._ask(
            f"/v1/articles/{article['id']}/unpublish", kind="kill", reason="x", public_notice=self.text[:20]
        )
        self.stack.served(at, holds=self.text[:20], status=410)

    def lists(self) -> Mapping[str, str]:
        """Home, section, archive, and the pages of an author and of a topic."""
        author = {"name": "Rula Andalibi", "bio": self.text, "links": [AUTHOR_LINK]}
        where = f"/v1/sites/{self.site}/authors/{self.word}"
        assert self.stack.client(self.who).put(where, json=author).status_code in {200, 201}
        month = self.stack.article(next(iter(self.publications)), who=self.who)["published_at"][:7]
        paths = {
            "home": "", "section": "politics/", "archive": f"politics/archive/{month}/",
            "author": f"authors/{self.word}/", "topic": f"topics/{quote(self.word)}/",
        }  # fmt: skip
        found = {f"{self.language} {name}": f"{self.stack.site}{self.base}{at}" for name, at in paths.items()}
        for url in found.values():
            self.stack.served(url, holds="class=")
        return found

    def _ask(self, path: str, **body: Any) -> None:
        answer = self.stack.client(self.who).post(path, json=body)
        assert answer.status_code == 202, answer.text

    def _blocks(self, photo: str | None) -> Sequence[Fields]:
        text = self.text
        picture = {"type": "image", "asset": photo, "alt": text[:40], "caption": text}
        return [
            {"type": "paragraph", "html": text},
            {"type": "heading", "level": 2, "text": text[:30]},
            {"type": "quote", "html": text, "cite": text[:20]},
            {"type": "list", "ordered": False, "items": [text, text]},
            *([picture] if photo else []),
            {"type": "paragraph", "html": f'<span lang="fr" dir="ltr">Bonjour</span> {text}'},
            EMBED,
            {"type": "paragraph", "html": text},
        ]
