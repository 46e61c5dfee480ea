"""What of an article is signed: its text, its terms, and the room that its page has for links."""

from __future__ import annotations

from collections import Counter

from nashr.domain.article import Content
from nashr.domain.seealso import CARDS, room
from nashr.domain.site import Site
from nashr.store import corpora, signatures
from nashr.store.ids import fingerprint
from sqlalchemy import Connection

from nashr_related import core
from nashr_related.analysis import primary


def text(doc: Content) -> str:
    return f"{doc.headline}\n{doc.standfirst or ''}\n{doc.text()}"


def text_hash(doc: Content) -> str:
    return fingerprint(doc.language, doc.headline, doc.standfirst or "", doc.text())


def terms(doc: Content) -> Counter[int]:
    return core.counts(
        doc.headline, standfirst=doc.standfirst or "", body_text=doc.text(), language=doc.language
    )


def sign(conn: Connection, site: Site, number: int, doc: Content) -> signatures.Signature:
    """Signs with the document frequencies of this moment."""
    counted = terms(doc)
    language = primary(doc.language)
    known, documents = corpora.frequencies(conn, site.id, language, counted)
    signed = core.sign(
        doc.headline,
        standfirst=doc.standfirst or "",
        body_text=doc.text(),
        language=doc.language,
        counted=counted,
        idf=lambda term: core.inverse_document_frequency(known.get(term, 0), documents=documents),
    )
    return signatures.Signature(
        article=number,
        corpus=corpora.corpus(conn, site.id, language),
        text_hash=text_hash(doc),
        terms=tuple(term for term, _ in signed.terms),
        weights=tuple(weight for _, weight in signed.terms),
        title_terms=signed.title_terms,
        shingles=signed.shingles,
        places=places(doc) + CARDS,
    )


def places(doc: Content) -> int:
    """How many see-also links find a place in a text."""
    return room([block["type"] for block in doc.body])
