"""The little that renditions carry: who made the photo and where its rights are stated.

Never a caption, a place, a camera's serial number or a thumbnail: those are not taken from the photo at all.
"""

from __future__ import annotations

import html
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Final

from nashr_images.metadata.facts import Metadata, cleaned, is_address
from nashr_images.metadata.tiff import ARTIST, COPYRIGHT, HEADER
from nashr_images.metadata.xmp import DC, IPTC_EXT, PHOTOSHOP, PLUS, RDF, RIGHTS

_NAMESPACES: Final = {
    "dc": DC,
    "photoshop": PHOTOSHOP,
    "xmpRights": RIGHTS,
    "plus": PLUS,
    "Iptc4xmpExt": IPTC_EXT,
}
_ATTRIBUTES: Final = {
    "credit": "photoshop:Credit",
    "source": "photoshop:Source",
    "licence": "xmpRights:WebStatement",
    "digital_source_type": "Iptc4xmpExt:DigitalSourceType",
}
_ELEMENTS: Final = {
    "creator": "<dc:creator><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></dc:creator>",
    "holder": '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:rights>',
    "usage_terms": "<xmpRights:UsageTerms><rdf:Alt>"
    '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></xmpRights:UsageTerms>',
    "licensor_url": '<plus:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource">'
    "<plus:LicensorURL>{}</plus:LicensorURL></rdf:li></rdf:Seq></plus:Licensor>",
}
_PACKET: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">'
    '<rdf:Description rdf:about=""{attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="r"?>'
)


def packet(metadata: Metadata) -> bytes | None:
    """An XMP packet in UTF-8 without padding, the same bytes every time; None where it would be empty.

    It holds what search engines' licensable badge and agencies read: creator, copyright, credit, source, the
    address of the rights statement, usage terms, the licensor's address and the digital source type. A
    licence in words goes to the usage terms where there are none, since WebStatement is an address.
    """
    facts = _published(metadata)
    elements = [form.format(html.escape(facts[name])) for name, form in _ELEMENTS.items() if name in facts]
    attributes = [
        f' {name}="{html.escape(facts[field])}"' for field, name in _ATTRIBUTES.items() if field in facts
    ]
    if not elements and not attributes:
        return None
    text = "".join((*attributes, *elements))
    spaces = [f' xmlns:{name}="{address}"' for name, address in _NAMESPACES.items() if f"{name}:" in text]
    return _PACKET.format(
        rdf=RDF, attributes="".join((*spaces, *attributes)), elements="".join(elements)
    ).encode()


def _published(metadata: Metadata) -> Mapping[str, str]:
    facts = cleaned(asdict(metadata))
    if "licence" in facts and not is_address(facts["licence"]):
        facts.setdefault("usage_terms", facts["licence"])
        del facts["licence"]
    return facts


def exif(metadata: Metadata) -> bytes | None:
    """An EXIF block with Artist and Copyright alone, 46 bytes and their texts; None where both are empty.

    Text is UTF-8 in ASCII tags, as every writer does it. Artist is the creator, else the credit. Who hands
    it to libvips as ``exif-data`` first removes every ``exif-`` field of the image: libvips writes those, GPS
    among them, back into the block when it saves, and adds 142 bytes of resolution and pixel size.
    """
    facts = cleaned(asdict(metadata))
    texts = {ARTIST: facts.get("creator") or facts.get("credit"), COPYRIGHT: facts.get("holder")}
    values = {tag: text.encode() + b"\0" for tag, text in sorted(texts.items()) if text}
    if not values:
        return None
    tail = b"".join(_even(value) for value in values.values() if len(value) > 4)
    count = struct.pack("<H", len(values))
    return HEADER + b"II*\0\x08\0\0\0" + count + b"".join(_entries(values)) + bytes(4) + tail


def _entries(values: Mapping[int, bytes]) -> Iterator[bytes]:
    """Tag, type ASCII, length, and the value or where it stands from the start of the TIFF header."""
    end = 8 + 2 + 12 * len(values) + 4
    for tag, value in values.items():
        head = struct.pack("<HHI", tag, 2, len(value))
        if len(value) <= 4:
            yield head + value.ljust(4, b"\0")
        else:
            yield head + struct.pack("<I", end)
            end += len(_even(value))


def _even(value: bytes) -> bytes:
    return value + bytes(len(value) % 2)
