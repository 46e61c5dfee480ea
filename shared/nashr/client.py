"""A client of the HTTP API, as an editor's script would be: drafts with local photos in, publications out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

FINAL = frozenset({"live", "failed", "superseded", "cancelled"})


class ApiError(Exception):
    """The API refused; the message lists each fault with its pointer and cure."""


@dataclass(frozen=True)
class Submitted:
    """A stored draft, and its publication if one was asked for."""

    article: Mapping[str, Any]
    publication: Mapping[str, Any] | None


class Client:
    """Speaks to one API with one token."""

    def __init__(self, api: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=api, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request. Raises ApiError for whatever is not a success."""
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ApiError(f"{method} {path}: {error!r}; is the stack up? (nashr status)") from error
        if answer.is_error:
            raise ApiError(f"{method} {path}: {_reason(answer)}")
        return answer

    def upload(
        self, file: Path, *, site: str | None = None, watch: Callable[[int], None] | None = None
    ) -> Mapping[str, Any]:
        """Uploads a photo; ``watch`` hears how many bytes have been read."""
        fields = {"site": site} if site else {}
        with file.open("rb") as source:
            watched = _Watched(source, watch) if watch else source
            part = (file.name, watched, "application/octet-stream")
            answer = self.request("POST", "/v1/assets", data=fields, files={"file": part})
        return dict(answer.json())

    def save(self, draft: Mapping[str, Any]) -> Mapping[str, Any]:
        """Creates the article, or updates the one with the draft's external id."""
        external_id, site = draft.get("external_id"), draft.get("site")
        if not external_id:
            return dict(self.request("POST", "/v1/articles", json=draft).json())
        known = self._by_external_id(external_id, site)
        headers = {} if known is None else {"If-Match": f'"{known["revision"]}"'}
        params = {"site": site} if site else {}
        path = f"/v1/articles/by-external-id/{quote(external_id, safe='')}"
        return dict(self.request("PUT", path, params=params, json=draft, headers=headers).json())

    def _by_external_id(self, external_id: str, site: str | None) -> Mapping[str, Any] | None:
        params = {"external_id": external_id, **({"site": site} if site else {})}
        found = self.request("GET", "/v1/articles", params=params).json()["items"]
        return dict(found[0]) if found else None

    def publish(self, article: str, **wanted: Any) -> Mapping[str, Any]:
        return dict(self.request("POST", f"/v1/articles/{article}/publish", json=wanted).json())

    def wait(self, publication: str, *, seconds: float = 120) -> Mapping[str, Any]:
        """The publication once it is final; raises ApiError when it takes longer or failed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.request("GET", f"/v1/publications/{publication}").json()
            if found["state"] == "failed":
                raise ApiError(f"publication {publication} failed: {found['error']}")
            if found["state"] in FINAL:
                return dict(found)
            time.sleep(0.02)
        raise ApiError(f"publication {publication} is not live after {seconds:.0f} s: nashr status shows why")

    def submit(
        self,
        draft: Mapping[str, Any],
        *,
        folder: Path,
        publish: bool = False,
        watch: Callable[[str, int], None] | None = None,
    ) -> Submitted:
        """Saves a draft whose images name local files, and maybe publishes it.

        ``{"file": "photo.jpg"}`` is read from ``folder``, uploaded and becomes ``{"asset": id}``;
        ``translation_of`` may be the other edition's external id.
        """
        ready = self._with_assets(draft, folder, watch)
        original = ready.get("translation_of")
        if original and not original.startswith("ar_"):
            found = self._by_external_id(original, None)
            if found is None:
                raise ApiError(f"translation_of: no article has the external id {original}: submit it first")
            ready = {**ready, "translation_of": found["id"]}
        article = self.save(ready)
        return Submitted(article, self.publish(article["id"]) if publish else None)

    def _with_assets(
        self, draft: Mapping[str, Any], folder: Path, watch: Callable[[str, int], None] | None
    ) -> dict[str, Any]:
        ready: dict[str, Any] = json.loads(json.dumps(draft))
        for use in _uses(ready):
            name = use.pop("file")
            heard = (lambda read, name=name: watch(name, read)) if watch else None
            use["asset"] = self.upload(folder / name, site=draft.get("site"), watch=heard)["id"]
        return ready


def _uses(draft: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every place of a draft that names a local file."""
    places = [draft.get("hero"), draft.get("social_image"), *draft.get("body", ())]
    return (place for place in places if isinstance(place, dict) and "file" in place)


def local_files(draft: Mapping[str, Any]) -> list[str]:
    """The names of the local files of a draft."""
    return [use["file"] for use in _uses(draft)]


class _Watched:
    """A file that tells how far it has been read."""

    def __init__(self, source: BinaryIO, heard: Callable[[int], None]) -> None:
        self._source = source
        self._heard = heard

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._heard(len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def _reason(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"{answer.status_code} {answer.text[:200]}"
    faults = [f"{item['pointer'] or '/'}: {item['detail']}" for item in problem.get("errors", ())]
    return "; ".join(faults) or str(problem.get("detail"))
