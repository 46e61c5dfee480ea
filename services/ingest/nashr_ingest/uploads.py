"""POST /v1/assets as it streams in: the file to a spooled temporary file, its digest on the way.

Nothing of the file is held in memory beyond ``SPOOL_BYTES``, and no byte beyond the limit is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast

from nashr.domain.errors import Fault, Refused
from nashr.domain.text import UNPRINTABLE
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from nashr_ingest.clean import clean
from nashr_ingest.jsonbody import read_json
from nashr_ingest.pointers import faults_of, pointer
from nashr_ingest.schemas.assets import UploadFields

SPOOL_BYTES: Final = 1024 * 1024
MAX_PARTS: Final = 20
MAX_FIELD_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Upload:
    """A received photo with its form fields. Close it, or use it in a ``with``: it owns a temporary file."""

    file: BinaryIO
    filename: str | None
    declared_type: str | None
    sha256: str
    size: int
    site: str | None = None
    focal_point: tuple[float, float] | None = None
    caption: str | None = None
    credit: str | None = None
    rights: dict[str, Any] | None = None
    warnings: tuple[Fault, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()


async def read_upload(request: Request, *, max_bytes: int) -> Upload:
    """Reads the multipart body of a photo's upload.

    Raises Refused: "unsupported_media_type" for another content type, "too_large" above ``max_bytes``,
    "invalid" with pointers (named after the form fields) for anything else that is wrong.
    """
    form = _Form(max_bytes)
    try:
        await _receive(request, form)
        return form.upload()
    except BaseException:
        form.file.close()
        raise


async def _receive(request: Request, form: _Form) -> None:
    parser = MultipartParser(_boundary(request), form.callbacks())
    try:
        async for chunk in request.stream():
            parser.write(chunk)
    except FormParserError as error:
        raise Refused(
            "invalid", "the body is not multipart/form-data: let an HTTP library build it"
        ) from error
    if not form.ended:
        raise Refused("invalid", "the upload was cut off before its end: send it again")


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise Refused("unsupported_media_type", "send the photo as multipart/form-data, in a part named file")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 200:
        raise Refused("invalid", "the Content-Type names no boundary: let an HTTP library set it")
    return boundary


@dataclass
class _Part:
    """The part that is arriving."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    data: bytearray = field(default_factory=bytearray)


class _Form:
    """Collects the parts of one body as the parser finds them."""

    def __init__(self, max_bytes: int) -> None:
        self.file = SpooledTemporaryFile[bytes](max_size=SPOOL_BYTES)
        self.ended = False
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._size = 0
        self._fields: dict[str, str] = {}
        self._unknown: list[str] = []
        self._files: list[tuple[str | None, str | None]] = []
        self._part = _Part()
        self._parts = 0
        self._header = [b"", b""]

    def callbacks(self) -> Any:
        """The parser's callbacks by their names."""
        found: dict[str, Callable[..., None]] = {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": lambda data, start, end: self._write(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._finish,
        }
        return found

    def upload(self) -> Upload:
        """The whole upload. Raises Refused("invalid") naming each field that is wrong."""
        faults = [*self._unknown_faults(), *self._file_faults()]
        fields, warnings = self._read_fields(faults)
        if faults:
            raise Refused("invalid", "the upload is not valid: see errors", faults=tuple(faults))
        filename, declared_type = self._files[0]
        focal = (fields["focal_x"], fields["focal_y"]) if fields["focal_x"] is not None else None
        self.file.seek(0)
        return Upload(
            cast("BinaryIO", self.file),
            filename,
            declared_type,
            self._digest.hexdigest(),
            self._size,
            site=fields["site"],
            focal_point=focal,
            caption=fields["caption"],
            credit=fields["credit"],
            rights=fields["rights"],
            warnings=warnings,
        )

    def _begin(self) -> None:
        self._part = _Part()
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise Refused("invalid", f"at most {MAX_PARTS} form parts: send one file at a time")

    def _add_header(self, which: int, data: bytes) -> None:
        self._header[which] += data

    def _end_header(self) -> None:
        name, value = self._header
        self._part.headers[name.lower()] = value
        self._header = [b"", b""]

    def _open(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition"))
        if b"name" not in options:
            raise Refused("invalid", "a form part has no name: let an HTTP library build the body")
        self._part.name = options[b"name"].decode("utf-8", "replace")
        if self._part.name == "file":
            declared, _ = parse_options_header(self._part.headers.get(b"content-type"))
            self._files.append((_filename(options), declared.decode("latin-1") or None))
        elif self._part.name not in UploadFields.model_fields:
            self._unknown.append(self._part.name)

    def _write(self, data: bytes) -> None:
        if self._part.name in self._unknown:
            return
        if self._part.name != "file":
            if len(self._part.data) + len(data) > MAX_FIELD_BYTES:
                raise _field_refused(self._part.name, "too_long", f"at most {MAX_FIELD_BYTES} bytes")
            self._part.data += data
        elif len(self._files) == 1:
            self._size += len(data)
            if self._size > self._max_bytes:
                raise Refused(
                    "too_large", f"a photo may have {self._max_bytes:,} bytes at most: scale it down"
                )
            self._digest.update(data)
            self.file.write(data)

    def _end(self) -> None:
        name = self._part.name
        if name == "file" or name in self._unknown:
            return
        if name in self._fields:
            raise _field_refused(name, "invalid", f"{name} was sent twice: send it once")
        try:
            self._fields[name] = self._part.data.decode()
        except UnicodeDecodeError:
            raise _field_refused(name, "bad_character", f"{name} is not UTF-8: send it as UTF-8") from None

    def _finish(self) -> None:
        self.ended = True

    def _unknown_faults(self) -> list[Fault]:
        known = ", ".join(UploadFields.model_fields)
        return [
            Fault(
                pointer((name,)), "unknown_field", f"not a field here: the photo is file, others are {known}"
            )
            for name in self._unknown
        ]

    def _file_faults(self) -> list[Fault]:
        if not self._files:
            return [Fault("/file", "missing", "send the photo in a part named file")]
        if len(self._files) > 1:
            return [Fault("/file", "invalid", "one file per request: send the others by themselves")]
        return [] if self._size else [Fault("/file", "empty", "the file has no bytes: choose it again")]

    def _read_fields(self, faults: list[Fault]) -> tuple[dict[str, Any], tuple[Fault, ...]]:
        values: dict[str, Any] = dict(self._fields)
        try:
            if values.get("rights"):
                values["rights"] = read_json(values["rights"].encode())
            cleaned = clean(UploadFields.model_validate(values))
        except ValidationError as error:
            faults += faults_of(error.errors(include_url=False), body=values)
            return {}, ()
        except Refused as refused:
            faults += refused.faults or (Fault("/rights", refused.code, refused.detail),)
            return {}, ()
        faults += _half_a_point(cleaned.doc)
        return cleaned.doc, cleaned.warnings


def _half_a_point(fields: dict[str, Any]) -> list[Fault]:
    missing = [name for name in ("focal_x", "focal_y") if fields[name] is None]
    if len(missing) != 1:
        return []
    return [Fault(f"/{missing[0]}", "missing", "a focal point needs both focal_x and focal_y")]


def _filename(options: dict[bytes, bytes]) -> str | None:
    """The client's file name, for messages only: no path is ever made of it."""
    name = options.get(b"filename", b"").decode("utf-8", "replace")
    return UNPRINTABLE.sub("", name).replace("\\", "/").rsplit("/", 1)[-1][:200] or None


def _field_refused(name: str, code: str, detail: str) -> Refused:
    return Refused(
        "invalid", "the upload is not valid: see errors", faults=(Fault(pointer((name,)), code, detail),)
    )
