"""What a photo's own metadata says of who made it and what may be done with it, read and written back small.

Pure: bytes in, values out. Every byte is a stranger's, so what is damaged reads as absent and never raises.
Pixels and orientation are not looked at here, and neither are places, cameras and thumbnails.

The fields are those of the IPTC Photo Metadata Standard and its mapping guidelines
(iptc.org/std-dev/photometadata/documentation/mapping-guidelines):

| field               | XMP                            | IIM   | EXIF             |
| ------------------- | ------------------------------ | ----- | ---------------- |
| caption             | dc:description                 | 2:120 | ImageDescription |
| creator             | dc:creator                     | 2:80  | Artist           |
| holder              | dc:rights                      | 2:116 | Copyright        |
| credit              | photoshop:Credit               | 2:110 |                  |
| source              | photoshop:Source               | 2:115 |                  |
| licence             | xmpRights:WebStatement         |       |                  |
| usage_terms         | xmpRights:UsageTerms           |       |                  |
| licensor_url        | plus:Licensor/plus:LicensorURL |       |                  |
| digital_source_type | Iptc4xmpExt:DigitalSourceType  |       |                  |

Field by field XMP wins over IIM, and IIM over EXIF. The Metadata Working Group's guidelines (2.0, read as
ExifTool's MWG tags do) put EXIF first. That suits cameras, but EXIF declares no encoding, IIM cuts a name at
32 bytes, which are 16 Arabic letters, and what agencies and picture desks edit is XMP. The digest by which
Photoshop notes that IIM was changed behind XMP's back (8BIM 0x0425) is not consulted.
"""

from __future__ import annotations

from nashr_images.metadata.facts import Metadata, cleaned
from nashr_images.metadata.iim import read as read_iim
from nashr_images.metadata.tiff import read as read_tiff
from nashr_images.metadata.written import exif, packet
from nashr_images.metadata.xmp import read as read_xmp

__all__ = ["Metadata", "exif", "packet", "read"]


def read(*, exif: bytes | None, iptc: bytes | None, xmp: bytes | None) -> Metadata:
    """What libvips' blobs ``exif-data``, ``iptc-data`` and ``xmp-data`` say, each None where there is none.

    Values are clean and at most as long as the API takes them. Never raises.
    """
    layers = (read_tiff(exif or b""), read_iim(iptc or b""), read_xmp(xmp or b""))
    return Metadata(**{name: value for layer in layers for name, value in cleaned(layer).items()})
