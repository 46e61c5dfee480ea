"""Python itself runs this first in every process of a lab (PYTHONPATH): where a chaos run says so, the
process reaches the database through its proxy, as the role that the stack gave it. Standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

_URL = os.environ.get("NASHR_DATABASE_URL", "")
_THROUGH = Path(os.environ.get("NASHR_DATA", ".")) / "database_through"

if _URL and _THROUGH.exists():
    os.environ["NASHR_DATABASE_URL"] = (
        urlsplit(_URL)
        ._replace(netloc=f"{urlsplit(_URL).username}@{_THROUGH.read_text().strip()}", query="")
        .geturl()
    )
