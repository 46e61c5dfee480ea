"""Keeps the counts of corpora in step with what readers see: terms that came, terms that went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nashr.domain.site import Site
from nashr.steps import Priority
from nashr.store import articles, corpora, queue, signatures
from nashr.store.articles import Article
from nashr.store.database import at_end
from sqlalchemy import Connection

from nashr_related import signing
from nashr_related.analysis import primary, surfaces

REINDEX_DELAY: Final = 1.0
REWEIGHED: Final = 1024  # articles: an archive past this size knows its rare terms


def leave_language(conn: Connection, site: Site, article: Article, signed: signatures.Signature) -> None:
    """Takes an article's terms back from the corpus of another language. A rebuild's is dropped as it is."""
    before = signatures.signature(conn, article.number)
    if before is None or before.counted is None or before.corpus == signed.corpus:
        return
    languages = corpora.languages(conn, site.id)
    if before.corpus in languages and languages[before.corpus] != languages[signed.corpus]:
        doc = articles.read_content(conn, site, article.id, before.counted)
        gone = Counter(dict.fromkeys(signing.terms(doc), -1))
        count(conn, [Change(article.number, primary(doc.language), before.counted, None, gone, {})])


@dataclass(frozen=True)
class Change:
    """What an article adds to the counts of its corpus: ``before`` is the revision that is counted now."""

    article: int
    language: str
    before: int | None
    now: int | None
    terms: Mapping[int, int]
    words: Mapping[int, str]


def uncounted(conn: Connection, site: Site, article: Article) -> Change | None:
    """Brings the counts up to what readers see of an article: terms that came, terms that went."""
    signed = signatures.signature(conn, article.number)
    if signed is None or signed.counted == article.live_revision:
        return None
    before, now = (
        None if number is None else articles.read_content(conn, site, article.id, number)
        for number in (signed.counted, article.live_revision)
    )  # fmt: skip
    terms: Counter[int] = Counter()
    words: Mapping[int, str] = {}
    if before is None or now is None or signing.text_hash(before) != signing.text_hash(now):
        if before is not None:
            terms.subtract(dict.fromkeys(signing.terms(before), 1))
        if now is not None:
            terms.update(dict.fromkeys(signing.terms(now), 1))
            words = surfaces(signing.text(now), language=now.language)
    shown = now or before
    assert shown is not None
    return Change(
        article.number, primary(shown.language), signed.counted, article.live_revision, terms, words
    )


def count(conn: Connection, changes: Sequence[Change]) -> None:
    """Adds to the counts of all corpora; what another run counted meanwhile is left out."""
    terms: dict[int, Counter[int]] = {}
    words: dict[int, dict[int, str]] = {}
    size: Counter[int] = Counter()
    for change in sorted(changes, key=lambda one: one.article):
        corpus = signatures.mark_counted(conn, change.article, before=change.before, now=change.now)
        if corpus is not None:
            terms.setdefault(corpus, Counter()).update(change.terms)
            words.setdefault(corpus, {}).update(change.words)
            size[corpus] += (change.now is not None) - (change.before is not None)
    for corpus in sorted(terms):
        corpora.count(conn, corpus, articles=size[corpus], terms=terms[corpus], words=words[corpus])


def reindex_when_doubled(conn: Connection, site: Site, changes: Sequence[Change]) -> None:
    """Rarities learnt since change what the articles of a small archive are found by."""
    for language in sorted({change.language for change in changes}):
        came = sum(
            change.before is None and change.now is not None
            for change in changes
            if change.language == language
        )
        documents = corpora.size(conn, site.id, language)
        if 1 < documents <= REWEIGHED and documents.bit_length() > (documents - came).bit_length():
            at_end(conn, _Reindex(site.id))


@dataclass(frozen=True)
class _Reindex:
    """Arms the step of a site; at the end of a transaction once, however many ask for it."""

    site: str

    def __call__(self, conn: Connection) -> None:
        queue.rearm(
            conn, "reindex", self.site, site=self.site, data={}, priority=Priority.bulk, delay=REINDEX_DELAY
        )
        queue.notify(conn)


def size(conn: Connection, site: Site) -> int:
    """The articles of the site that are counted, in all languages."""
    return sum(
        corpora.size(conn, site.id, language) for language in {*corpora.languages(conn, site.id).values()}
    )
