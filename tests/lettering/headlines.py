"""The headlines that lettering is judged by, written for this: each holds something that renderers get wrong.

Not here: how they are set, and what counts as right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Direction = Literal["rtl", "ltr"]


@dataclass(frozen=True)
class Headline:
    """One headline; ``language`` is a BCP 47 tag."""

    name: str
    language: str
    direction: Direction
    text: str


_RTL: Final = {
    "ar-plain": "الحكومة تعلن خطة لإنقاذ الموسم الزراعي بعد شتاء جاف",
    "ar-short": "هدنة",
    "ar-two-words": "انتخابات مبكرة",
    "ar-long": (
        "مجلس المدينة يصوت الليلة على مشروع تحويل الميناء القديم إلى حديقة عامة ومتحف بحري ومدرسة "
        "للصيادين وسط خلاف على كلفة الترميم ومصير المستودعات التاريخية وأصحابها"
    ),
    "ar-numbers": "إصابة 37 شخصا في حادث على الطريق الساحلي وإغلاقه 12 ساعة",
    "ar-arabic-digits": "ارتفاع عدد المسجلين إلى ١٢٬٤٥٠ ناخبا قبل إقفال اللوائح",
    "ar-brackets": "باحثون يختبرون لقاحا جديدا (mRNA-1283) على 4500 متطوع",
    "ar-square-brackets": "تحديث [مباشر]: لجنة التحكيم تعلن الفائزين {الدورة 15}",
    "ar-latin-names": "شركة Nordwind Energy تبني محطة رياح قبالة Hurghada بحلول 2029",
    "ar-quotes": "الوزير: «لن نرفع سعر الخبز» والمعارضة تطالب بضمانات مكتوبة",
    "ar-latin-in-quotes": "فيلم «The Last Lighthouse» يفوز بجائزة المهرجان",
    "ar-percent": "المصرف المركزي يخفض الفائدة إلى 18.5% والتضخم يتراجع 2.3%",
    "ar-arabic-percent": "التضخم يتراجع إلى ٩٫٤٪ للمرة الأولى منذ ٢٠٢١",
    "ar-tanwin": "رسميًا: المدرب باقٍ موسمًا إضافيًا وفقًا لعقدٍ جديدٍ",
    "ar-shadda": "مدرّب المنتخب يقرّر: لا تغيير في التشكيلة قبل التصفيّات",
    "ar-tashkeel": "أَعْلَنَتِ اللَّجْنَةُ أَنَّ الْمُسَابَقَةَ سَتُقَامُ فِي مَوْعِدِهَا",
    "ar-tashkeel-title": "مَنْ زَرَعَ الصَّبْرَ حَصَدَ الثِّقَةَ: كِتَابٌ يَرْوِي سِيرَةَ مُعَلِّمٍ",
    "ar-tatweel": "عـــاجل: إخلاء مطار المدينة بعد عاصفة رمليـــة",
    "ar-lam-alef": "لا لإلغاء الأحلام: آلاف الطلاب لأول مرة في الأولمبياد",
    "ar-ligature": "بعثة «عبد الله للآثار» تكشف مدينة تحت الرمال",
    "ar-dates": "معرض الكتاب من 3/12 إلى 14/12/2026 بمشاركة 600 ناشر",
    "ar-minus": "حرارة دون الصفر (-7) في المرتفعات وثلوج على 900 متر",
    "ar-score": "الأرز 3 - 2 النجمة: هدف في الدقيقة 90+4 يحسم الديربي",
    "ar-question": "هل تنجح المحادثات؟ ثلاثة أسئلة عن اتفاق المياه، وإجاباتها",
    "ar-emoji": "المنتخب يتأهل 🇲🇦 والجماهير تحتفل ⚽ حتى الفجر 🎉",
    "fa-zwnj": "می‌خواهیم خانه‌های نیمه‌کاره را تا پایان سال تحویل دهیم",
    "fa-digits": "افزایش ۲۳ درصدی صادرات زعفران در سال ۱۴۰۵ و چشم‌انداز بازارهای تازه",
    "fa-question": "آیا باران‌های پاییزی دریاچه را نجات می‌دهد؟",
    "fa-letters": "پژوهشگران گچ‌بری‌های ۸۰۰ ساله را در چهار روستا یافتند",
    "fa-latin": "شرکت نوپای (TapGo) در نمایشگاه Berlin Expo جایزه گرفت",
    "fa-ezafe": "«خانهٔ پدری» پس از ۱۲ سال روی پردهٔ سینما می‌رود",
    "ur-plain": "حکومت نے کسانوں کے لیے نئے قرضوں کا اعلان کر دیا",
    "ur-digits": "کراچی میں ۴۲ ڈگری گرمی، اسکول ۳ دن بند رہیں گے",
    "ur-quotes": "وزیرِ اعلیٰ: ”پانی ہر گھر تک پہنچے گا“",
    "ur-letters": "ٹیم نے ٹرافی جیت لی، ڈھول کی تھاپ پر بڑے پیمانے پر جشن",
    "ur-latin": "نئی پرواز (PK-785) اتوار سے، ٹکٹ 15 فیصد سستے",
    "he-plain": "הממשלה אישרה תוכנית לחיזוק בתי החולים בפריפריה",
    "he-gershayim": "מנכ״ל החברה: הדו״ח המלא יפורסם לפני תשפ״ח",
    "he-maqaf": "בית־המשפט העליון דן בעתירת תושבי תל־אביב",
    "he-niqqud": "שָׁלוֹם לַיְלָדִים: סֵפֶר חָדָשׁ לְכִתָּה א׳",
    "he-numbers": "1,250 דירות חדשות ב-14 יישובים עד סוף 2028",
    "he-latin": "חברת ההזנק (BlueWave AI) גייסה 35 מיליון דולר",
}
_LTR: Final = {
    "en-plain": "Harbour town votes to turn its last shipyard into a public garden",
    "en-short": "Truce",
    "en-long": (
        "Officials weigh a new ferry route as residents argue that the bridge, closed since the storm, "
        "should have been repaired two winters ago and for half of what it costs today"
    ),
    "en-quotes": "“We never left” – the village that kept its school’s clock running",
    "en-markup": "R&D spending <up> 4% as <b>“nobody”</b> noticed",
    "en-arabic-name": "Poet’s first diwan (أغاني البحر) returns to print after 60 years",
    "en-ligatures": "Officer files affidavit over fjord ferry fire in Afflech",
    "en-emoji": "Keeper saves 3️⃣ penalties 🧤 as 👩‍👩‍👧 watch from the stand",
    "fr-accents": "À Orléans, l’élève de 12 ans œuvre à « réparer » la forêt brûlée",
    "de-compound": "Donaudampfschifffahrtsgesellschaftskapitänsmütze für 40 € ersteigert",
    "tr-dotted-i": "İstanbul’da ışık şöleni: Çağdaş müzik gecesi ertelendi",
    "vi-stacked": "Hà Nội mở tuyến xe buýt điện, người dân đi thử miễn phí đến hết tháng Chạp",
    "es-marks": "¿Quién pagará el agua? Ñuñoa y otros 14 municipios lo debaten",
    "ru-plain": "Учёные нашли подо льдом озера съедобные водоросли",
    "ru-quotes": "«Новый мост» откроют 1 июня — на год раньше срока",
    "el-accents": "Η Αθήνα φωτίζει ξανά τα ρολόγια της: «ώρα να ξυπνήσουμε»",
    "zh-quotes": "《山城夜话》新译本出版，译者说：“每一句都改过三遍。”",
    "zh-plain": "沿海七省发布台风预警，学校停课两天，渔船全部回港避风",
    "zh-numbers": "2026年GDP增长4.8%，新能源汽车出口超过600万辆",
    "zh-traditional": "「漁港重生」計畫啟動，三百戶家庭今年底搬進新居",
    "zh-region": "直播：骨科名医谈关节，近千人在线提问",
    "ja-brackets": "「ゼロからの出発」を支えた町工場、ロケットの部品を納入",
    "ja-long-vowel": "スーパーコンピューター、台風の進路を三日前に予測",
    "ja-question": "なぜ、桜は早く咲くのか？専門家が語る3つの理由",
    "ja-region": "直角に曲がる骨格の謎、令和の海辺で発見",
    "ko-plain": "정부, 내년부터 농어촌 버스 요금을 전면 무료로 하기로",
    "ko-quotes": "“비가 와도 경기는 계속된다” 감독의 한마디에 관중 2만 명 환호",
    "hi-conjuncts": "राष्ट्रीय विज्ञान संग्रहालय में क्षुद्रग्रह का दुर्लभ टुकड़ा",
    "hi-quotes": "मुख्यमंत्री ने कहा, ‘हर गाँव में डॉक्टर होगा’",
    "bn-plain": "উপকূলে নতুন আশ্রয়কেন্দ্র, ঘূর্ণিঝড়ের আগেই কাজ শেষ",
    "ta-plain": "மழைக்கு முன் ஏரிகளைத் தூர்வாரும் பணி தொடங்கியது",
    "th-plain": "น้ำท่วมภาคใต้คลี่คลาย รถไฟกลับมาวิ่งตามปกติ วันศุกร์นี้",
    "th-marks": "ผู้ใหญ่บ้านชี้ ที่ดินริมน้ำต้องเป็นของทุกคน",
}
_SCRIPTS: Final = {"zh-traditional": "zh-Hant", "zh": "zh-Hans"}


def _language(name: str) -> str:
    short = name.partition("-")[0]
    return _SCRIPTS.get(name) or _SCRIPTS.get(short) or short


def _all(texts: dict[str, str], direction: Direction) -> tuple[Headline, ...]:
    return tuple(Headline(name, _language(name), direction, text) for name, text in texts.items())


HEADLINES: Final = _all(_RTL, "rtl") + _all(_LTR, "ltr")
