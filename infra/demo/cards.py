"""Draws the contact sheet of docs/cards.md: `python cards.py OUT.jpg PICTURES`.

PICTURES is where the demo's drawn pictures are, or will be made. Every headline here is invented.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from nashr.domain.cards import FORMATS, Format
from nashr_cards import core
from nashr_cards.card import CardText, Direction, Theme
from pyvips import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.demo.pictures import draw_all

HERE = Path(__file__).parent
WIDTH, GAP, PAPER = 1680, 16, [226, 228, 232]
LOGO = (HERE / "logo.svg").read_bytes()
LOGO_EN = (HERE / "logo-en.svg").read_bytes()
NIGHT = Theme("#9b1c31", "#0f172a", "#ffffff", "خبر", logo=LOGO)
NIGHT_EN = Theme("#1d4ed8", "#0b1220", "#ffffff", "Khabar", logo=LOGO_EN)
PAPERY = Theme("#0f766e", "#fbf9f4", "#1c1917", "Khabar")
SAND = Theme("#b45309", "#f5ecd9", "#292017", "Khabar", logo=LOGO_EN)


@dataclass(frozen=True)
class Sample:
    """One card of the sheet; without a picture it is a plain one."""

    text: CardText
    theme: Theme
    picture: str = ""
    focal: tuple[float, float] = (0.5, 0.45)


def text(headline: str, label: str, language: str, date: str) -> CardText:
    """In the direction that the language has."""
    direction: Direction = "rtl" if language in {"ar", "fa", "ur", "he"} else "ltr"
    return CardText(headline, label, language, direction, date)


PORT = text(
    "مرفأ رأس السنديان يعيد فتح «الرصيف الثالث» (Berth 3) بعد عامين من الانتظار",
    "أعمال المرفأ",
    "ar",
    "٢٣ تشرين الثاني ٢٠٢٦",
)
QUAKE = replace(
    PORT,
    headline="ثوران بركاني قرب الجزيرة الكبرى، والسلطات تُخلي أربع قرى",
    label="عاجل",
    state="breaking",
)
MENDED = replace(PORT, headline="أفرغت السفينة الأولى 640 حاوية، لا 460", label="تصحيح", state="correction")
SAMPLES = (
    Sample(QUAKE, NIGHT, "volcano-night.jpg"),
    Sample(MENDED, NIGHT, "port-noon.jpg"),
    Sample(
        text("قَصيدَةٌ جَديدَةٌ تُعيدُ السُّؤالَ عَنِ البَحْرِ وَٱلمَدينَة", "ثقافة", "ar", "٢٣ تشرين الثاني ٢٠٢٦"),
        NIGHT,
    ),
    Sample(
        text("نخستین قطار کوهستانی پس از ۱۲ سال به‌راه افتاد؛ بلیت‌ها تمام شد", "جامعه", "fa", "۲ آذر ۱۴۰۵"),
        SAND,
        "ridges-dawn.jpg",
    ),
    Sample(
        text("ساحلی شہر میں نئی بندرگاہ کا افتتاح، کرایوں میں 5 % کمی", "معیشت", "ur", "23 نومبر 2026"),
        PAPERY,
    ),
    Sample(
        text("החוף החדש (North Cove) נפתח לציבור: ״חיכינו לזה 3 שנים״", "חברה", "he", "23 בנובמבר 2026"),
        NIGHT_EN,
        "island-cove.jpg",
    ),
    Sample(
        text(
            "Harbour United beat the champions 3–1 🎉 in front of 12,400", "Sport", "en", "23 November 2026"
        ),
        NIGHT_EN,
        "stadium-champions.jpg",
    ),
    Sample(
        text(
            "Le ferry de midi reprend la mer après dix jours de tempête", "Région", "fr", "23 novembre 2026"
        ),
        SAND,
    ),
    Sample(
        text("海水淡化厂投产，“十年等待”结束：水价下降5 %", "财经", "zh-Hans", "2026年11月23日"),
        NIGHT_EN,
        "desalination-coast.jpg",
    ),
    Sample(
        text("島の灯台ライトアップ、「夜の航路」に観光客が戻る", "地域", "ja", "2026年11月23日"),
        NIGHT,
        "ferry-dawn.jpg",
    ),
    Sample(
        text("새 반도체 공장이 가동을 시작해 지역 일자리가 늘었다", "경제", "ko", "2026년 11월 23일"), PAPERY
    ),
    Sample(
        replace(
            text("Night trains return to the coast line", "Correction", "en", "23 November 2026"),
            state="correction",
        ),
        PAPERY,
    ),
)


def drawn(sample: Sample, formats: tuple[Format, ...], pictures: Path) -> list[Image]:
    """The sample's cards as pixels."""
    hero = (pictures / sample.picture).read_bytes() if sample.picture else None
    cards = core.draw(sample.text, hero=hero, focal=sample.focal, theme=sample.theme, formats=formats)
    assert not any(card.missing or card.faults for card in cards)
    return [Image.new_from_buffer(card.data, "") for card in cards]


def row(images: list[Image]) -> Image:
    """Side by side over the sheet's width, all as high as each other."""
    room = WIDTH - GAP * (len(images) + 1)
    height = room / sum(image.width / image.height for image in images)
    small = [
        image.thumbnail_image(round(height * image.width / image.height), height=round(height))
        for image in images
    ]
    whole = Image.black(WIDTH, round(height) + GAP, bands=3) + PAPER
    left = GAP
    for image in small:
        whole, left = whole.insert(image, left, GAP), left + image.width + GAP
    return whole


def main(out: Path, pictures: Path) -> None:
    """Writes the sheet."""
    first = Sample(PORT, NIGHT, "port-berth-dawn.jpg", (0.5, 0.4))
    draw_all(pictures, [sample.picture for sample in (first, *SAMPLES) if sample.picture])
    singles = [drawn(sample, ("og",), pictures)[0] for sample in SAMPLES]
    rows = [
        row(drawn(first, FORMATS, pictures)),
        *(row(singles[at : at + 3]) for at in range(0, len(singles), 3)),
    ]
    heights = [each.height for each in rows]
    sheet = Image.black(WIDTH, sum(heights) + GAP, bands=3) + PAPER
    for at, each in enumerate(rows):
        sheet = sheet.insert(each, 0, sum(heights[:at]))
    sheet.cast("uchar").jpegsave(str(out), Q=72, keep="none")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python cards.py OUT.jpg PICTURES")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
