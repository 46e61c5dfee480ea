"""What metadata promises: the right field, Arabic whole, nothing hostile, little written."""

from __future__ import annotations

import io
import struct
import unicodedata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from nashr_images import metadata
from nashr_images.metadata import Metadata
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

TRAPS = Path(__file__).resolve().parents[3].parent / "shared" / "photos" / "traps"
NAME, HOLDER, CREDIT = "سامر نصّار", "© 2026 وكالة خبر", "خبر / رويترز"
WHOLE = Metadata(
    caption="متظاهرون في ساحة الشهداء",
    credit=CREDIT,
    creator=NAME,
    holder=HOLDER,
    source="وكالة خبر",
    licence="https://khabar.example/rights?a=1&b=2",
    usage_terms="للاستخدام <التحريري> فقط & لا غير",
    licensor_url="https://khabar.example/licence",
    digital_source_type="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
)
SMALL = Metadata(creator=NAME, holder=HOLDER)
LONG = "و" * 5_000


def read(*, exif: bytes | None = None, iptc: bytes | None = None, xmp: bytes | None = None) -> Metadata:
    return metadata.read(exif=exif, iptc=iptc, xmp=xmp)


def iim(*values: tuple[int, bytes], charset: bytes = b"") -> bytes:
    """Bare IIM: record 2 datasets, after 1:90 where ``charset`` is given."""
    declared = b"\x1c\x01\x5a" + struct.pack(">H", len(charset)) + charset if charset else b""
    return declared + b"".join(
        b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(value)) + value for number, value in values
    )


def photoshop(records: bytes) -> bytes:
    """A JPEG's APP13: an odd resource with a name first, then the IIM one."""

    def block(kind: int, name: bytes, content: bytes) -> bytes:
        named = bytes([len(name)]) + name
        padded = content + b"\0" * (len(content) % 2)
        head = b"8BIM" + struct.pack(">H", kind) + named + b"\0" * (len(named) % 2)
        return head + struct.pack(">I", len(content)) + padded

    return b"Photoshop 3.0\0" + block(0x03ED, b"odd!", b"123") + block(0x0404, b"", records)


def tiff(*entries: tuple[int, bytes], order: str = "<", kind: int = 2) -> bytes:
    """An EXIF block by Pillow's hands or, for odd types and orders, by ours."""
    start = 8 + 2 + 12 * len(entries) + 4
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(entries))
    table, tail = b"", b""
    for tag, value in entries:
        inline = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(f"{order}I", start + len(tail))
        table += struct.pack(f"{order}HHI", tag, kind, len(value)) + inline
        tail += value if len(value) > 4 else b""
    return b"Exif\0\0" + head + table + bytes(4) + tail


def xmp(body: str, attributes: str = "") -> bytes:
    spaces = {
        "dc": "http://purl.org/dc/elements/1.1/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
        "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
        "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    }
    declared = " ".join(f'xmlns:{name}="{uri}"' for name, uri in spaces.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {declared} {attributes}>{body}</rdf:Description></rdf:RDF>'
        f'</x:xmpmeta>{" " * 50}<?xpacket end="w"?>'
    ).encode()


def alt(name: str, *items: tuple[str, str]) -> str:
    inner = "".join(f'<rdf:li xml:lang="{language}">{text}</rdf:li>' for language, text in items)
    return f"<{name}><rdf:Alt>{inner}</rdf:Alt></{name}>"


def seq(name: str, *items: str) -> str:
    return f"<{name}><rdf:Seq>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:Seq></{name}>"


# Where each field is read


@pytest.mark.parametrize("wrapped", [False, True])
def test_iim_gives_its_five_fields(wrapped: bool) -> None:
    """Caption, by-lines joined, credit, source and copyright, bare or inside Photoshop's blocks."""
    texts = (120, "تعليق"), (80, NAME), (80, "ليلى"), (110, CREDIT), (115, "خبر"), (116, HOLDER)
    records = iim(*((number, text.encode()) for number, text in texts), charset=b"\x1b%G")

    found = read(iptc=photoshop(records) if wrapped else records)

    assert found == Metadata(
        caption="تعليق", creator=f"{NAME}, ليلى", credit=CREDIT, source="خبر", holder=HOLDER
    )


def test_iim_with_a_long_length_is_read() -> None:
    """An extended dataset, whose length has a length of its own, is a dataset."""
    text = b"a" * 100
    data = b"\x1c\x02\x78\x80\x04" + struct.pack(">I", len(text)) + text + iim((110, b"Reuters"))

    assert read(iptc=data) == Metadata(caption="a" * 100, credit="Reuters")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [2, 129])
def test_exif_gives_its_three_fields(order: str, kind: int) -> None:
    """Either byte order, ASCII or UTF-8 type, with or without the Exif mark."""
    block = tiff(
        (0x010E, "تعليق\0".encode()),
        (0x013B, f"{NAME}\0".encode()),
        (0x8298, b"AFP\0"),
        order=order,
        kind=kind,
    )

    expected = Metadata(caption="تعليق", creator=NAME, holder="AFP")
    assert read(exif=block) == read(exif=block.removeprefix(b"Exif\0\0")) == expected


@pytest.mark.parametrize(
    ("value", "holder"),
    [
        (b"Samer\0Khabar\0", "Samer, Khabar"),
        (b" \0Khabar\0", "Khabar"),
        (b"Samer\0\0", "Samer"),
        (b" \0", None),
    ],
)
def test_exif_copyright_has_two_halves(value: bytes, holder: str | None) -> None:
    """Photographer's and editor's copyright both make the holder, the one that is blank does not."""
    assert read(exif=tiff((0x8298, value))).holder == holder


@pytest.mark.parametrize(
    "caption",
    ["OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "DCIM", "IMG_2041.JPG", "<Digimax S500>", "default", " "],
)
def test_what_a_camera_says_by_itself_is_no_caption(caption: str) -> None:
    """Camera defaults are absent from wherever they were copied to."""
    assert read(exif=tiff((0x010E, caption.encode() + b"\0"))).caption is None
    assert read(xmp=xmp(alt("dc:description", ("x-default", caption.replace("<", "&lt;"))))).caption is None


def test_xmp_gives_every_field_from_elements() -> None:
    """Alternatives, sequences, plain elements and the licensor's structure are read."""
    body = (
        alt("dc:description", ("en", "A march"), ("x-default", "مسيرة"))
        + seq("dc:creator", NAME, "ليلى")
        + alt("dc:rights", ("ar", HOLDER), ("en", "Khabar"))
        + f"<photoshop:Credit>{CREDIT}</photoshop:Credit><photoshop:Source>خبر</photoshop:Source>"
        + alt("xmpRights:UsageTerms", ("x-default", "سطر\r\nسطر"))
        + "<xmpRights:WebStatement>https://a.example/r</xmpRights:WebStatement>"
        + '<plus:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource"><plus:LicensorName>x</plus:LicensorName>'
        + "<plus:LicensorURL>https://a.example/l</plus:LicensorURL></rdf:li></rdf:Seq></plus:Licensor>"
        + '<Iptc4xmpExt:DigitalSourceType rdf:resource="http://cv.iptc.org/x"/>'
    )

    assert read(xmp=xmp(body)) == Metadata(
        caption="مسيرة",
        creator=f"{NAME}, ليلى",
        holder=HOLDER,
        credit=CREDIT,
        source="خبر",
        usage_terms="سطر\nسطر",
        licence="https://a.example/r",
        licensor_url="https://a.example/l",
        digital_source_type="http://cv.iptc.org/x",
    )


def test_xmp_gives_fields_from_attributes() -> None:
    """What Lightroom writes as attributes, a licensor's too, counts like elements."""
    found = read(
        xmp=xmp(
            '<plus:Licensor><rdf:Seq><rdf:li plus:LicensorURL="https://a.example/l"/></rdf:Seq></plus:Licensor>',
            f'photoshop:Credit="{CREDIT}" photoshop:Source="AFP" xmpRights:WebStatement="https://a.example" '
            'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/x"',
        )
    )

    assert found == Metadata(
        credit=CREDIT,
        source="AFP",
        licence="https://a.example",
        licensor_url="https://a.example/l",
        digital_source_type="http://cv.iptc.org/x",
    )


def test_an_empty_default_language_gives_way() -> None:
    """A blank x-default does not hide the text of another language."""
    assert read(xmp=xmp(alt("dc:rights", ("x-default", " "), ("ar", HOLDER)))).holder == HOLDER


def test_pictures_inside_the_picture_do_not_speak_for_it() -> None:
    """The creator of an ingredient that Photoshop remembers is not the photo's."""
    pantry = f"<xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description>{seq('dc:creator', 'Other')}"
    body = pantry + "</rdf:Description></rdf:li></rdf:Bag></xmpMM:Pantry>"

    assert read(xmp=xmp(body)) == Metadata()


def test_xmp_goes_before_iim_before_exif() -> None:
    """Field by field the better source wins, and a blank one hides nothing."""
    found = read(
        exif=tiff((0x010E, b"exif text\0"), (0x013B, b"exif name\0"), (0x8298, b"exif right\0")),
        iptc=iim((120, b"iim text"), (80, b"iim name")),
        xmp=xmp(alt("dc:description", ("x-default", "xmp text")) + seq("dc:creator", " ")),
    )

    assert found == Metadata(caption="xmp text", creator="iim name", holder="exif right")


# Text


@pytest.mark.parametrize("charset", [b"", b"\x1b%G", b"\x1b.A"])
def test_utf_8_is_read_whatever_was_declared(charset: bytes) -> None:
    """Valid UTF-8 never comes out as mojibake."""
    assert read(iptc=iim((116, HOLDER.encode()), charset=charset)).holder == HOLDER


def test_a_name_cut_at_thirty_two_bytes_loses_one_letter_only() -> None:
    """IIM's short fields cut Arabic in the middle of a letter."""
    name = "عبد الرحمن الشهري"
    data = name.encode()[:32]

    found = [read(iptc=iim((80, data[:size]))).creator for size in (31, 32)]

    assert found[0] == data[:31].decode("utf-8", "ignore").strip()
    assert all(name.startswith(text or "?") for text in found)


@pytest.mark.parametrize(
    ("text", "encoding", "charset"),
    [
        ("تصوير: سامر نصار", "cp1256", b""),
        ("Photo: محمد، 2019", "cp1256", b""),
        ("سامر نصار", "iso8859-6", b"\x1b-G"),
        ("Élysée: «été» à la française", "cp1252", b""),
        ("CAFÉ DE PARIS", "latin-1", b"\x1b.A"),
        ("Müller/dpa – “Größe”", "cp1252", b""),
        ("É", "cp1252", b""),
    ],
)
def test_old_encodings_are_told_apart(text: str, encoding: str, charset: bytes) -> None:
    """windows-1256 only where whole words are Arabic, ISO 8859-6 where declared, else windows-1252."""
    assert read(iptc=iim((120, text.encode(encoding)), charset=charset)).caption == text


@pytest.mark.parametrize(("text", "encoding"), [("Фото: Иванов", "cp1251"), ("צילום: משה", "cp1255")])
def test_other_scripts_are_not_taken_for_arabic(text: str, encoding: str) -> None:
    """Bytes of another code page do not turn into Arabic that nobody wrote."""
    caption = read(iptc=iim((120, text.encode(encoding)))).caption or ""

    assert not any("ARABIC" in unicodedata.name(char, "") for char in caption)


def test_texts_are_cleaned() -> None:
    """NFC, no controls, overrides or open isolates; joiners and marks of Arabic stay; breaks fold."""
    text = " \u202eمي\u200cخواهم\u200f \u2066x\x00\x07\r\n\te\u0301 "

    assert read(iptc=iim((120, text.encode()))).caption == "مي\u200cخواهم\u200f x é"


def test_texts_are_cut_to_what_the_api_takes() -> None:
    """2,000 characters of a caption, 300 of a name; a long address is dropped, half of one leads astray."""
    body = alt("dc:description", ("x-default", LONG)) + seq("dc:creator", LONG)
    address = f"<xmpRights:WebStatement>https://a.example/{'x' * 300}</xmpRights:WebStatement>"

    found = read(xmp=xmp(body + address))

    assert (len(found.caption or ""), len(found.creator or ""), found.licence) == (2_000, 300, None)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://a.example/\"onload='x'", "//a.example", "x"]
)
def test_only_whole_addresses_are_addresses(address: str) -> None:
    """A licensor's address or a source type that a browser would not open as http is absent, not written."""
    facts = Metadata(licensor_url=address, digital_source_type=address)

    assert read(
        xmp=xmp(f"<plus:Licensor><plus:LicensorURL>{address}</plus:LicensorURL></plus:Licensor>")
    ) == (Metadata())
    assert metadata.packet(facts) is None


def test_rights_have_the_names_of_the_api() -> None:
    """Only what is there, and credit is a field of its own."""
    assert Metadata(creator="a", licence="b", credit="c").rights() == {"creator": "a", "licence": "b"}


# Hostile bytes


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"\x1c\x02\x78", b"8BIM\x04\x04", b"II*\0\x08\0\0\0", b"<x>"]),
)
def test_arbitrary_bytes_never_raise(data: bytes, start: bytes) -> None:
    """Whatever stands in a blob, reading it gives a Metadata."""
    assert isinstance(read(exif=start + data, iptc=start + data, xmp=start + data), Metadata)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["exif", "iptc", "xmp"]), st.integers(0), st.integers(0, 255), st.integers(0))
def test_damaged_blobs_never_raise(kind: str, at: int, byte: int, cut: int) -> None:
    """A byte turned over and the end missing: a Metadata all the same, cut to its limits."""
    packet, exif = metadata.packet(WHOLE), metadata.exif(WHOLE)
    assert packet
    assert exif
    blob = {"exif": exif, "xmp": packet, "iptc": photoshop(iim((120, b"abc"), (80, NAME.encode())))}[kind]
    changed = bytearray(blob)
    changed[at % len(blob)] = byte

    found = read(**{kind: bytes(changed[: len(blob) - cut % len(blob)])})

    assert len(found.creator or "") <= 300


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_makes_a_packet_that_reads_back(creator: str, terms: str) -> None:
    """Escaping holds: what is written is well-formed and means the same."""
    written = metadata.packet(Metadata(creator=creator, usage_terms=terms))

    found = read(xmp=written)

    assert written is None or ElementTree.fromstring(written).tag  # noqa: S314
    assert metadata.packet(found) == written


BOMB = (
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c SYSTEM "file:///etc/passwd">]>'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("entity", ["b", "c"])
def test_document_types_are_refused_unread(
    encoding: str, entity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a swelling entity nor one that names a file ever reaches the parser."""
    monkeypatch.setattr(ElementTree, "fromstring", _never)
    text = BOMB + xmp(f"<photoshop:Credit>&{entity};</photoshop:Credit>").decode()

    assert read(xmp=text.encode(encoding)) == Metadata()


def test_a_huge_packet_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty megabytes are not parsed at all; padding of NULs does not count."""
    assert read(xmp=xmp("", 'photoshop:Credit="x"') + bytes(5_000_000)).credit == "x"
    monkeypatch.setattr(ElementTree, "fromstring", _never)

    assert read(xmp=xmp(f"<photoshop:Credit>{'x' * 50_000_000}</photoshop:Credit>")) == Metadata()


def _never(*_: object) -> None:
    raise AssertionError("the parser was called")


@pytest.mark.parametrize(
    "declared",
    [
        '<?xml version="1.0" encoding="no-such"?>',
        '<?xml version="1.0" encoding="shift_jis"?>',
        "<a>" * 50_000,
    ],
)
def test_odd_xml_reads_as_absent(declared: str) -> None:
    """Unknown encodings and nesting without end are damage like any other."""
    assert read(xmp=declared.encode()) == Metadata()


@pytest.mark.parametrize(
    "data",
    [
        b"\x1c\x02\x78\xff\xff",
        b"\x1c\x02\x78\xff\xff" + b"\xff" * 40_000,
        b"\x1c\x02\x78\x40\x00short",
        b"8BIM\x04\x04\x00\x00\xff\xff\xff\xff\x1c",
        b"8BIM\x04\x04\xff",
        b"\x1c\x02\x78\x00\x00" * 100_000,
    ],
)
def test_iim_lengths_that_lie_end_the_reading(data: bytes) -> None:
    """A length that leads outside the block is the end of it, and endless datasets are not walked."""
    assert read(iptc=data) == Metadata()


def test_what_stands_before_damage_counts() -> None:
    """A whole dataset is not lost with the one that is cut off after it."""
    assert read(iptc=iim((110, b"AFP")) + b"\x1c\x02\x74\x00\xffcut") == Metadata(credit="AFP")


def test_exif_offsets_lead_nowhere() -> None:
    """Offsets beyond the block, a directory of itself and a count of 65,535 read as absent."""
    outside = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x013B, 2, 100, 0xFFFFFFF0) + bytes(4)
    endless = b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 0x0100, 3, 1, 8) * 60_000

    assert [read(exif=data) for data in (outside, endless, b"II*\0\xff\xff\xff\xff", b"II*\0")] == [
        Metadata()
    ] * 4


def test_a_run_of_marks_is_not_sorted_for_ever() -> None:
    """Normalising takes time with the square of a run of marks: only what can be kept is normalised."""
    marks = "a" + "\u0316\u0300" * 400_000

    assert len(read(xmp=xmp(alt("dc:rights", ("x-default", marks)))).holder or "") == 300


# What is written


def test_a_packet_holds_all_but_the_caption() -> None:
    """Every field of rights comes back from the packet; the caption is not in it."""
    written = metadata.packet(WHOLE)

    assert written == metadata.packet(WHOLE)
    assert read(xmp=written) == Metadata(**{**vars(WHOLE), "caption": None})


def test_a_licence_in_words_is_no_address() -> None:
    """It goes to the usage terms where there are none, else nowhere."""
    words = Metadata(licence="CC BY 4.0")

    assert read(xmp=metadata.packet(words)) == Metadata(usage_terms="CC BY 4.0")
    assert read(xmp=metadata.packet(Metadata(licence="CC BY", usage_terms="x"))) == Metadata(usage_terms="x")


def test_nothing_known_writes_nothing() -> None:
    """No empty packet and no empty block; a caption alone is nothing."""
    assert metadata.packet(Metadata(caption="x")) is metadata.exif(Metadata(caption="x")) is None


def test_an_exif_block_is_small_and_sorted() -> None:
    """Artist, Copyright and nothing else, under 200 bytes, as Pillow's own directory reader sees them."""
    block = metadata.exif(SMALL) or b""
    directory: Any = ImageFileDirectory_v2(block[6:14])
    file = io.BytesIO(block[6:])
    file.seek(8)
    directory.load(file)

    assert len(block) < 200
    assert set(directory) == {0x013B, 0x8298}
    assert block.index(b"\x3b\x01") < block.index(b"\x98\x82")
    assert read(exif=block) == SMALL


def test_short_values_stand_in_the_directory() -> None:
    """Up to four bytes have no place of their own."""
    assert read(exif=metadata.exif(Metadata(creator="AFP", holder="ab"))) == Metadata(
        creator="AFP", holder="ab"
    )


def test_a_credit_stands_in_for_a_missing_creator() -> None:
    """EXIF has no field for it, and a small picture should name somebody."""
    assert read(exif=metadata.exif(Metadata(credit=CREDIT))).creator == CREDIT


SAVED = {".jpg": {"Q": 80}, ".webp": {"Q": 80, "effort": 0}, ".avif": {"Q": 50, "effort": 0}}


def saved(suffix: str, *, exif: bytes | None, packet: bytes | None) -> bytes:
    image = pyvips.Image.black(64, 48, bands=3).copy(interpretation="srgb")
    for name, blob in (("exif-data", exif), ("xmp-data", packet)):
        if blob:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    return bytes(image.write_to_buffer(suffix, keep="exif|xmp", **SAVED[suffix]))


@pytest.mark.parametrize("suffix", SAVED)
def test_real_files_carry_both_blocks(suffix: str) -> None:
    """In JPEG, WebP and AVIF libvips and Pillow find packet and block again, Arabic whole."""
    exif, packet = metadata.exif(SMALL), metadata.packet(WHOLE)
    data = saved(suffix, exif=exif, packet=packet)

    image = pyvips.Image.new_from_buffer(data, "")
    with Image.open(io.BytesIO(data)) as by_pillow:
        tags, seen = by_pillow.getexif(), by_pillow.info["xmp"]

    assert image.get("xmp-data") == seen == packet
    assert read(exif=image.get("exif-data")) == SMALL
    # Pillow reads ASCII tags as Latin-1, byte for byte.
    assert [tags[tag].encode("latin-1").decode() for tag in (0x013B, 0x8298)] == [NAME, HOLDER]


@pytest.mark.parametrize("suffix", SAVED)
def test_libvips_adds_at_most_150_bytes_of_its_own(suffix: str) -> None:
    """It writes the block anew, with resolution, orientation and pixel size, and nothing of a camera."""
    data = saved(suffix, exif=metadata.exif(SMALL), packet=None)

    image = pyvips.Image.new_from_buffer(data, "")
    names = {name for name in image.get_fields() if name.startswith("exif-ifd")}

    assert len(image.get("exif-data")) - len(metadata.exif(SMALL) or b"") <= 150
    assert not [name for name in names if "GPS" in name or "Make" in name or "Serial" in name]


@pytest.mark.parametrize("suffix", SAVED)
def test_an_image_without_exif_fields_leaks_nothing(suffix: str) -> None:
    """Place and serial number go with the exif- fields; where these stay, libvips writes them back."""
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (33.0, 53.0, 0.0)})
    exif.get_ifd(0x8769)[0xA431] = "SERIAL123"
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, "JPEG", exif=exif)
    original = pyvips.Image.new_from_buffer(out.getvalue(), "").copy()
    original.set_type(pyvips.GValue.blob_type, "exif-data", metadata.exif(SMALL))
    bare = original.copy()
    for name in bare.get_fields():
        if name.startswith("exif-ifd"):
            bare.remove(name)

    leaking = original.write_to_buffer(suffix, keep="exif", **SAVED[suffix])
    clean = bare.write_to_buffer(suffix, keep="exif", **SAVED[suffix])

    assert b"SERIAL123" in leaking
    assert b"SERIAL123" not in clean
    with Image.open(io.BytesIO(clean)) as image:
        assert image.getexif().get_ifd(0x8825) == {}


# Real files


@pytest.mark.skipif(not TRAPS.is_dir(), reason="the sample photos are not beside the checkout")
def test_real_photos_are_read() -> None:
    """Blobs that cameras and Photoshop wrote are walked without fault; these hold no rights at all."""
    found = {path.name: _of_file(path) for path in sorted(TRAPS.iterdir()) if "corrupt" not in path.name}

    assert found["sharp_Channel_digital_image_CMYK_color.jpg"] == Metadata()
    assert set(found.values()) == {Metadata()}


def _of_file(path: Path) -> Metadata:
    image = pyvips.Image.new_from_file(str(path))
    names = {"exif": "exif-data", "iptc": "iptc-data", "xmp": "xmp-data"}
    return read(**{kind: image.get(name) for kind, name in names.items() if image.get_typeof(name)})
