"""``python extract.py FILE...``: what trafilatura and newspaper4k take out of pages, as JSON.

Both run in a process of their own: they warn, and pytest makes errors of warnings. Nothing is fetched.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

warnings.simplefilter("ignore")

import newspaper  # noqa: E402
import trafilatura  # noqa: E402

URL: Final = "https://khabar.example/politics/story/"


def by_trafilatura(html: str) -> Mapping[str, Any]:
    found = trafilatura.bare_extraction(html, url=URL, with_metadata=True, include_comments=False).as_dict()
    return {
        "headline": found["title"], "body": found["text"], "authors": (found["author"] or "").split("; "),
        "date": found["date"], "image": found["image"],
    }  # fmt: skip


def by_newspaper(html: str) -> Mapping[str, Any]:
    """newspaper4k, which reads the language from the page."""
    article = newspaper.Article(URL, fetch_images=False)
    article.download(input_html=html)
    article.parse()
    return {
        "headline": article.title, "body": article.text, "authors": list(article.authors),
        "date": article.publish_date and article.publish_date.isoformat(), "image": article.top_image,
    }  # fmt: skip


TOOLS: Final[Mapping[str, Callable[[str], Mapping[str, Any]]]] = {
    "trafilatura": by_trafilatura,
    "newspaper4k": by_newspaper,
}

if __name__ == "__main__":
    pages = {file: Path(file).read_text("utf-8") for file in sys.argv[1:]}
    print(json.dumps({name: {f: tool(html) for f, html in pages.items()} for name, tool in TOOLS.items()}))
