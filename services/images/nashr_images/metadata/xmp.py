"""XMP packets: RDF in the shapes that programs really write, each property as element or as attribute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC: Final = "http://purl.org/dc/elements/1.1/"
PHOTOSHOP: Final = "http://ns.adobe.com/photoshop/1.0/"
RIGHTS: Final = "http://ns.adobe.com/xap/1.0/rights/"
PLUS: Final = "http://ns.useplus.org/ldf/xmp/1.0/"
IPTC_EXT: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_FIELDS: Final = {
    f"{{{DC}}}description": "caption",
    f"{{{DC}}}creator": "creator",
    f"{{{DC}}}rights": "holder",
    f"{{{PHOTOSHOP}}}Credit": "credit",
    f"{{{PHOTOSHOP}}}Source": "source",
    f"{{{RIGHTS}}}WebStatement": "licence",
    f"{{{RIGHTS}}}UsageTerms": "usage_terms",
    f"{{{IPTC_EXT}}}DigitalSourceType": "digital_source_type",
}
_LICENSOR: Final = f"{{{PLUS}}}Licensor"
_LICENSOR_URL: Final = f"{{{PLUS}}}LicensorURL"
_MOST_BYTES: Final = 2 << 20
"""A packet in a JPEG has at most 64 KiB; Photoshop's history swells those of other formats. Parsed, this much
hostile markup takes tens of megabytes."""


def read(data: bytes) -> dict[str, str]:
    """The fields of the photo itself, not of pictures that went into it. Damage anywhere voids the packet."""
    found: dict[str, str] = {}
    for name, value in _properties(_root(data)):
        if value.strip():
            found.setdefault(name, value)
    return found


def _root(data: bytes) -> ElementTree.Element:
    """The parsed packet; an empty element for what is damaged, too large, or declares a document type.

    No XMP has a DTD. Without one there are no entities: none to swell, none to fetch a file. UTF-16 is the
    only encoding that expat reads in which its mark looks otherwise, and only by NULs.
    """
    text = data if b"\0" in data[:4] else data.rstrip(b"\0")
    if len(text) > _MOST_BYTES or b"<!DOCTYPE" in text.replace(b"\0", b""):
        return ElementTree.Element("nothing")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - see above
    except (ElementTree.ParseError, LookupError, ValueError):
        return ElementTree.Element("nothing")


def _properties(root: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for rdf in root.iter(f"{{{RDF}}}RDF"):
        for description in rdf.findall(f"{{{RDF}}}Description"):
            for name, value in description.items():
                if name in _FIELDS:
                    yield _FIELDS[name], value
            for element in description:
                if element.tag in _FIELDS:
                    yield _FIELDS[element.tag], _value(element)
                elif element.tag == _LICENSOR:
                    yield "licensor_url", _licensor_url(element)


def _value(element: ElementTree.Element) -> str:
    """A property's text: its own, the resource it names, the default language's, or all of a list, joined."""
    items = [item for item in element.findall(f"*/{{{RDF}}}li") if (item.text or "").strip()]
    if not items:
        return element.get(f"{{{RDF}}}resource") or element.text or ""
    if element[0].tag != f"{{{RDF}}}Alt":
        return ", ".join((item.text or "").strip() for item in items)
    default = (item for item in items if item.get(_LANGUAGE, "").lower() == "x-default")
    return next(default, items[0]).text or ""


def _licensor_url(element: ElementTree.Element) -> str:
    """The first licensor's address, however deep the writer nested it."""
    for node in element.iter():
        if url := node.get(_LICENSOR_URL) or (_value(node) if node.tag == _LICENSOR_URL else ""):
            return url
    return ""
