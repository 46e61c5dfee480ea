"""Weighted terms of many articles as arrays, and the ways to rank by them that the choices compare.

Rows are articles in the order they were written. numpy only: one run needs nothing that nashr's own
code could hide an error behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A numpy array; mypy runs where numpy is not installed."""


@dataclass(frozen=True)
class Counts:
    """How often each term stands in an article's headline and in the rest of it.

    Entries of article ``i`` are ``starts[i]`` to ``starts[i + 1]``; ``terms`` number ``width`` terms.
    """

    starts: Array
    terms: Array
    headline: Array
    body: Array
    width: int

    @property
    def articles(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def rows(self) -> Array:
        return np.repeat(np.arange(self.articles), np.diff(self.starts))

    @cached_property
    def frequencies(self) -> Array:
        """In how many articles each term stands."""
        return np.bincount(self.terms, minlength=self.width)


@dataclass(frozen=True)
class Weighted:
    """Articles by weighted terms, as in Counts; within an article heaviest first."""

    starts: Array
    terms: Array
    weights: Array
    width: int

    @property
    def articles(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def rows(self) -> Array:
        return np.repeat(np.arange(self.articles), np.diff(self.starts))

    @cached_property
    def postings(self) -> Postings:
        order = np.argsort(self.terms, kind="stable")
        starts = np.searchsorted(self.terms[order], np.arange(self.width + 1))
        return Postings(starts, self.rows[order], self.weights[order])

    def of(self, article: int, *, heaviest: int | None = None) -> tuple[Array, Array]:
        """Terms and weights of one article."""
        start, end = self.starts[article], self.starts[article + 1]
        end = end if heaviest is None else min(end, start + heaviest)
        return self.terms[start:end], self.weights[start:end]

    def heaviest(self, count: int) -> Weighted:
        """The first ``count`` terms of each article, weights as they are."""
        rank = np.arange(len(self.terms)) - self.starts[self.rows]
        kept = rank < count
        starts = np.concatenate(([0], np.cumsum(np.bincount(self.rows[kept], minlength=self.articles))))
        return Weighted(starts, self.terms[kept], self.weights[kept], self.width)

    def normalised(self) -> Weighted:
        """Every article brought to length 1."""
        squares = np.bincount(self.rows, self.weights**2, minlength=self.articles)
        lengths = np.sqrt(np.where(squares > 0, squares, 1))
        return Weighted(self.starts, self.terms, self.weights / lengths[self.rows], self.width)

    def dots(self, article: int) -> Array:
        """The dot product of one article with every article, itself included."""
        terms, weights = self.of(article)
        return self.postings.sums(terms, weights, articles=self.articles)


@dataclass(frozen=True)
class Postings:
    """The same by term: the articles of term ``t`` are ``starts[t]`` to ``starts[t + 1]``, oldest first."""

    starts: Array
    rows: Array
    weights: Array

    def sums(self, terms: Array, weights: Array, *, articles: int) -> Array:
        pieces = [slice(self.starts[term], self.starts[term + 1]) for term in terms]
        if not pieces:
            return np.zeros(articles)
        rows = np.concatenate([self.rows[piece] for piece in pieces])
        shares = np.concatenate(
            [self.weights[piece] * weight for piece, weight in zip(pieces, weights, strict=True)]
        )
        return np.bincount(rows, shares, minlength=articles)

    def read(self, term: int, *, newest: int, heaviest: int) -> Array:
        """The entries that a bounded query reads of one term: the newest, and the heaviest of all."""
        start, end = self.starts[term], self.starts[term + 1]
        if end - start <= newest:
            return np.arange(start, end)
        found = np.arange(end - newest, end)
        if not heaviest:
            return found
        order = np.argsort(-self.weights[start:end], kind="stable")[:heaviest]
        return np.union1d(found, start + order)


def logarithm(times: Array) -> Array:
    """1 + ln tf, as nashr has it."""
    return 1 + np.log(times)


def weighted(
    counts: Counts, factors: Array, *, headline_times: float, often: Callable[[Array], Array] = logarithm
) -> Weighted:
    """What ``often`` makes of a term's times in an article x its factor, sorted, not normalised.

    Headline words count ``headline_times``.
    """
    weights = often(counts.body + headline_times * counts.headline) * factors[counts.terms]
    return by_weight(counts, weights)


def by_weight(counts: Counts, weights: Array) -> Weighted:
    """The entries of every article with these weights, heaviest first."""
    order = np.lexsort((counts.terms, -weights, counts.rows))
    return Weighted(counts.starts, counts.terms[order], weights[order], counts.width)


def headlines(counts: Counts) -> Weighted:
    """The headlines' terms, so that a dot product is their overlap over the geometric mean of both counts."""
    kept = counts.headline > 0
    rows = counts.rows[kept]
    sizes = np.bincount(rows, minlength=counts.articles)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    return Weighted(starts, counts.terms[kept], 1 / np.sqrt(sizes[rows]), counts.width)


def best(scores: Array, depth: int) -> Sequence[int]:
    """The articles of the greatest scores above zero, best first."""
    depth = min(depth, len(scores))
    found = np.argpartition(-scores, depth - 1)[:depth]
    found = found[np.lexsort((found, -scores[found]))]
    return [int(one) for one in found if scores[one] > 0]
