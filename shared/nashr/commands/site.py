"""``nashr site apply`` and ``nashr token ...``: what admins set up beside a running stack."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nashr.commands import static
from nashr.commands import theme as themes
from nashr.commands.database import database
from nashr.commands.stack import DataOption
from nashr.domain import cards, fontfile, theme
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site, parse_site
from nashr.domain.staticfolder import Memory
from nashr.pages import chrome_pages
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nashr.ports import ObjectStore
    from nashr.settings import Settings

site = typer.Typer(no_args_is_help=True, help="Sites: create, update.")
token = typer.Typer(no_args_is_help=True, help="API tokens: create, list, rotate, revoke.")


@dataclass(frozen=True)
class _Stack:
    conn: Connection
    store: ObjectStore
    private: ObjectStore
    settings: Settings


@contextmanager
def _stack(data: Path | None) -> Iterator[_Stack]:
    """One transaction on the stack in ``data``. Raises StackError where none can be reached."""
    from nashr.adapters import s3  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import transaction  # noqa: PLC0415

    with database(data) as (engine, settings), transaction(engine) as conn:
        client = s3.connect(settings)
        buckets = (settings.s3_bucket, settings.s3_private_bucket)
        public, private = (s3.S3ObjectStore(client, name) for name in buckets)
        yield _Stack(conn, public, private, settings)


@site.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="The site's TOML", exists=True, dir_okay=False)],
    *,
    base_url: Annotated[str | None, typer.Option(help="Instead of the file's base_url")] = None,
    data: DataOption = None,
) -> None:
    """Create or update a site. Its theme, logo, card font and static folder are read beside the file."""
    from nashr.store import sites  # noqa: PLC0415

    text = _read(file)
    if base_url:
        text["base_url"] = base_url
    try:
        font = _card_font(file.parent, text)
        parse_site(text)
        look = _theme_folder(file, text)
        wanted = parse_site(text)
        logo = _logo(file.parent, text)
        files = dict(_static(file.parent, text))
        static.check(files, _own(wanted))
    except Refused as error:
        faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults)
        raise StackError(f"{file}: {faults}") from error
    with _stack(data) as stack:
        if font:
            stack.private.put(wanted.theme["card_font"], font, content_type="font/sfnt")
        if look:
            stack.private.put(wanted.theme["folder"], look, content_type="application/json")
        try:
            folder = _follow(stack, wanted, files)
        except Refused as error:
            raise StackError(f"{file}: {error.faults[0].pointer}: {error.faults[0].detail}") from error
        if logo:
            wanted = parse_site({**wanted.to_json(), "logo": _logo_path(logo)})
        version = sites.apply(stack.conn, wanted, actor="nashr site apply")
        if logo:
            _store_logo(stack, wanted, logo)
    _purge(data, wanted, folder)
    typer.echo(f"{wanted.id}: version {version}, {len(wanted.sections)} sections, {wanted.base_url}")


def _follow(stack: _Stack, site: Site, files: Mapping[str, Path]) -> Memory:
    """The bucket follows the static folder; asks only for pages at paths that the folder has or had.

    Raises Refused for a file at the path of a page.
    """
    from nashr import bootstrap  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store import sites  # noqa: PLC0415

    had = static.paths(site, static.remembered(site, stack.private))
    pages = _own(site) | sites.taken(stack.conn, site.id, {*files, *had})
    static.check(files, pages)
    cache = bootstrap.cdn(stack.settings).limits.page_cache
    return static.replace(site, files, pages, cache=cache, public=stack.store, private=stack.private)


def _store_logo(stack: _Stack, site: Site, logo: Path) -> None:
    """Before the commit that has pages name it."""
    from nashr import sitefiles  # noqa: PLC0415 - no command pays for what another imports

    drawn = [sitefiles.File(_logo_path(logo), logo.read_bytes(), static.content_type(logo.name))]
    sitefiles.put(stack.store, site, drawn)
    sitefiles.record(stack.conn, site, drawn)


def _purge(data: Path | None, site: Site, folder: Memory) -> None:
    """Has the edge forget what changed of the static folder; an outside one again, as after every PUT."""
    from nashr import bootstrap  # noqa: PLC0415 - no command pays for what another imports
    from nashr.domain.errors import WorkError  # noqa: PLC0415
    from nashr.domain.purging import SETTLE_SECONDS, Purge, Rank  # noqa: PLC0415

    owed = sorted(key for key in folder.owed if key.startswith(site.prefix))
    if not owed:
        return
    ranks = {key: Rank.article if key in folder.files else Rank.removal for key in owed}
    wanted = [Purge(site.url(site.path(key)), rank=rank) for key, rank in ranks.items()]
    with database(data) as (engine, settings):
        runtime = bootstrap.Runtime(settings, engine)
        try:
            runtime.purger.purge(wanted)
            if runtime.purger.limits.purges and runtime.purger.limits.outside:
                typer.echo(f"the edge is told again of {len(owed)} files in {SETTLE_SECONDS:g} s", err=True)
                time.sleep(SETTLE_SECONDS)  # a fetch begun before the PUT may have brought the old copy back
                runtime.purger.purge(wanted)
        except WorkError as error:
            left = f"{len(owed)} files of the static folder may still be served as they were"
            typer.echo(f"nashr: {left}: {error}. Apply the site again to have them purged", err=True)
            return
        static.settle(site, runtime.originals, folder.owed)


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise StackError(f"{file} is not TOML in UTF-8: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise StackError(f"{file}: {error}{_line(text, str(error))}") from error


def _line(text: str, message: str) -> str:
    """The line that a TOML error speaks of, which holds the key; nothing where it names none."""
    found = re.search(r"at line (\d+)", message)
    lines = text.splitlines()
    if found is None or not 1 <= int(found[1]) <= len(lines):
        return ""
    return f": {lines[int(found[1]) - 1].strip()}"


def _own(wanted: Site) -> frozenset[str]:
    return frozenset(spec.path for spec in chrome_pages(wanted))


def _logo(folder: Path, text: dict[str, Any]) -> Path | None:
    """The file of the logo; None where there is none, or where it is an address."""
    logo = text.get("logo")
    if not isinstance(logo, str) or "://" in logo or logo.startswith("/assets/"):
        return None
    file = folder / logo
    if not file.is_file():
        fault = Fault("/logo", "missing", f"{file} is not there: correct logo, or leave it out")
        raise Refused("invalid", fault.detail, faults=(fault,))
    if not _is_picture(file.read_bytes()):
        fault = Fault("/logo", "invalid", f"{file} is no picture: give a PNG or SVG, or leave it out")
        raise Refused("invalid", fault.detail, faults=(fault,))
    return file


def _static(folder: Path, text: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """(site path, file) of everything in the static folder."""
    if name := text.get("static"):
        root = folder / str(name)
        if not root.is_dir():
            fault = Fault("/static", "missing", f"{root} is not a folder: correct static, or leave it out")
            raise Refused("invalid", fault.detail, faults=(fault,))
        yield from static.found(root)


def _is_picture(data: bytes) -> bool:
    """Whether a file looks like a picture that browsers show: it is going to be public."""
    head = data[:1024]
    known = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
    return head.startswith(known) or b"<svg" in head or head[8:12] in {b"WEBP", b"avif"}


def _card_font(folder: Path, text: dict[str, Any]) -> bytes | None:
    """The theme's card font, which then stands in ``text`` as its key in the private bucket.

    A licensed font must not be public: it never goes to the site's bucket.
    """
    theme = text.get("theme")
    name = theme.get("card_font") if isinstance(theme, dict) else None
    if (
        not isinstance(theme, dict)
        or not isinstance(name, str)
        or cards.is_font_key(str(text.get("id")), name)
    ):
        return None
    source = folder / name
    if not source.is_file():
        raise _font_fault("missing", f"{source} is not there: correct card_font, or leave it out")
    if source.suffix.lower() not in fontfile.SUFFIXES:
        raise _font_fault("invalid", f"{source.name}: name a file that ends in .ttf or .otf")
    data = source.read_bytes()
    if wrong := fontfile.fault(data):
        raise _font_fault("invalid", f"{source.name}: {wrong}")
    theme["card_font"] = cards.font_key(str(text.get("id")), sha256(data).hexdigest(), source.suffix.lower())
    return data


def _font_fault(code: str, detail: str) -> Refused:
    return Refused("invalid", detail, faults=(Fault("/theme/card_font", code, detail),))


def _theme_folder(file: Path, text: dict[str, Any]) -> bytes:
    """The site's theme folder as one file, tried; ``text`` then has its key in the private bucket.

    The folder's logo becomes the site's where the TOML names none.
    """
    look = text.get("theme", {})
    name = look.get("folder", "")
    if not name and theme.TEXTS not in look:
        return b""
    packed = themes.packed(file)
    if packed:
        logos = (f"{name}/logo.svg", f"{name}/logo.png")
        own = next((logo for logo in logos if (file.parent / logo).is_file()), None)
        if own and "logo" not in text:
            text["logo"] = own
        look["folder"] = theme.bundle_key(text["id"], sha256(packed).hexdigest())
    return packed


def _logo_path(file: Path) -> str:
    """An immutable name: another drawing is another address."""
    return f"/assets/logo-{sha256(file.read_bytes()).hexdigest()[:16]}{file.suffix.lower()}"


@token.command("create")
def create(
    *,
    name: Annotated[str, typer.Option(help="Whom it is for")],
    role: Annotated[str, typer.Option(help="writer, editor or admin")],
    site_id: Annotated[str | None, typer.Option("--site", help="Only this site; else all")] = None,
    expires: Annotated[datetime | None, typer.Option(help="Day it ends, UTC")] = None,
    data: DataOption = None,
) -> None:
    """Make a token. It is printed once and stored nowhere."""
    from nashr.store import tokens  # noqa: PLC0415

    at = expires.replace(tzinfo=UTC) if expires else None
    with _stack(data) as stack:
        text = tokens.create(
            stack.conn, name=name, role=role, site=site_id, expires_at=at, actor="nashr token create"
        )
    typer.echo(text)


@token.command("list")
def show(*, data: DataOption = None) -> None:
    """List tokens, without their secrets."""
    from nashr.store import tokens  # noqa: PLC0415

    with _stack(data) as stack:
        found = tokens.every(stack.conn)
    for item in found:
        state = "revoked" if item.revoked_at else f"until {item.expires_at or 'revoked'}"
        typer.echo(f"{item.id}  {item.role:<7} {item.site or 'all sites':<16} {state:<32} {item.name}")


@token.command("rotate")
def rotate(
    token_id: Annotated[str, typer.Argument(help="The id that token list shows")],
    *,
    grace_hours: Annotated[float, typer.Option(min=0, max=720, help="How long the old one goes on")] = 24.0,
    data: DataOption = None,
) -> None:
    """Make a successor with the same name, role and site. Both are good until the grace period is over."""
    from nashr.store import tokens  # noqa: PLC0415

    grace = timedelta(hours=grace_hours)
    with _stack(data) as stack:
        text = tokens.rotate(stack.conn, token_id, grace=grace, actor="nashr token rotate")
    typer.echo(text)


@token.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(help="The id that token list shows")],
    *,
    data: DataOption = None,
) -> None:
    """Revoke a token; its next request is refused, and its event streams end within 5 seconds."""
    from nashr.store import tokens  # noqa: PLC0415

    with _stack(data) as stack:
        tokens.revoke(stack.conn, token_id, actor="nashr token revoke")
    typer.echo(f"revoked {token_id}")


def add_to(app: typer.Typer) -> None:
    """Adds these commands to ``app``."""
    app.add_typer(site, name="site")
    app.add_typer(token, name="token")
