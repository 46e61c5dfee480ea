"""Turns an article's text into index terms, and its wording into shingles that find near-copies.

Owns folding, segmentation, stop words, stemming and hashing, per language. Deliberately knows nothing
of term weights, ranking or storage. A change of what a term hashes to asks for a rebuild of every posting.

The dictionaries of Chinese and Japanese are loaded at the first text of that language, for good: 38 MB
for Chinese, 103 MB for Japanese (measured).
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from threading import Lock
from typing import Any, Final

import snowballstemmer
from nashr.domain.text import ONE_LETTER

SHINGLE_WORDS: Final = 3
"""Words per shingle, and the unit in which containment is measured."""

SHINGLES_KEPT: Final = 512
"""Shingles kept at most. The set of an article of up to 514 words is therefore whole."""

SHINGLE_BITS: Final = 22
"""Of a shingle's hash: ascending, each is two bytes from the one before, mostly. By chance two texts of 300
words share one hash in 50 pairs, which is no share of their wording that matters."""

LONGEST_WORD: Final = 40
"""Characters of a word that count; what is longer is a URL or an encoded blob, not a word."""

LONGEST_RUN: Final = 1000
"""Characters that a segmenter is given at once: bounds its memory where a text has no punctuation."""

_HAN: Final = "\u3005-\u3007\u3400-\u9fff\U00020000-\U0003ffff"
_KANA: Final = "\u3040-\u30ff"
_HANGUL: Final = "\uac00-\ud7a3"
_SOUTH_EAST: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Burmese, Khmer."""

_WORD: Final = re.compile(r"[^\W_]+(?:[\u0610-\u061a\u064b-\u065f\u0670\u200c\u200d'’-]*[^\W_]+)*")

_UNSPACED: Final = _SOUTH_EAST + _KANA + _HAN
"""Scripts that put no space between words."""

_UNSPACED_RUN: Final = re.compile(f"[{_UNSPACED}]+")
_HANGUL_RUN: Final = re.compile(f"[{_HANGUL}]+")

_SEGMENTED: Final = {"zh": re.compile(f"[{_HAN}]+"), "ja": re.compile(f"[{_HAN}{_KANA}]+")}
"""The runs that are cut by a dictionary, by the language of the text."""

_PIECES: Final = {
    "zh": re.compile(f"[{_HAN}]+|[{_KANA}{_SOUTH_EAST}]+|[^ {_UNSPACED}]+"),
    "ja": re.compile(f"[{_HAN}{_KANA}]+|[{_SOUTH_EAST}]+|[^ {_UNSPACED}]+"),
    "ko": re.compile(f"[{_UNSPACED}]+|[{_HANGUL}]+|[^ {_UNSPACED}{_HANGUL}]+"),
}
"""How folded text comes apart before anything else, where a language has a way of its own."""

_ANY_PIECE: Final = re.compile(f"[{_UNSPACED}]+|[^ {_UNSPACED}]+")

_CONTENT: Final = frozenset({"名詞", "動詞", "形容詞"})
_DEPENDENT: Final = frozenset({"非自立", "接尾", "代名詞", "数", "特殊", "接続詞的", "動詞非自立的"})
"""Parts of speech in IPADIC: nouns, verbs and adjectives, except those that lean on another word."""

_LOADING: Final = Lock()
"""Held while the Japanese dictionary is loaded, so that threads do not load it twice."""

_ARABIC_PREFIX: Final = re.compile(r"(?:[وف]?(?:[بك]?ال|لل)|و)(?=.{3})")
"""Conjunction, preposition and article, where three letters or more remain."""

_SNOWBALL: Final = {
    "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian",
    "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

_STOP_WORDS: Final = {
    "ar": """
        في من على إلى عن مع أن إن أنه أنها أنهم إنه إنها بأن لأن كأن لكن كما هذا هذه ذلك تلك هذان
        هؤلاء أولئك هنا هناك الذي التي الذين اللذان اللتان اللواتي ما ماذا لماذا متى أين كيف كم هل
        قد لقد كان كانت كانوا يكون تكون ليس ليست لم لن لا لو لولا إذا إذ ثم أو أم بل حتى منذ خلال
        بين بعد قبل عند عندما لدى حول ضد نحو فوق تحت أمام وراء دون غير سوى كل كلا بعض أي أية كافة
        جميع هو هي هم هن نحن أنا أنت أنتم به بها بهم له لها لهم لنا فيه فيها فيهم منه منها منهم
        عليه عليها عليهم إليه إليها إليهم عنه عنها معه معها بينهم بينما حيث حين حينما أيضا فقط مثل
        مما ممن عما فيما كذلك لذلك وذلك بذلك إلا إما أما ألا يا قال قالت أكد أكدت أضاف أضافت أوضح
        أوضحت ذكر ذكرت أشار أشارت يذكر يتم تم تمت اليوم أمس غدا الآن عبر بسبب بشأن وفق وفقا أكثر
        أقل أول أحد إحدى ضمن سوف عدد عام يوم
    """,
    "en": """
        a an the and or but nor if then else than that this these those there here of in on at by
        for from to into onto with without within about above below over under between among
        through during before after against until since while as is are was were be been being am
        do does did done doing has have had having will would shall should can could may might
        must not no yes so such too very just only also still even again more most much many some
        any each every all both either neither other another own same few it its he him his she
        her hers they them their theirs we us our ours you your yours i me my mine who whom whose
        which what when where why how say says said saying told according per via out up down off
        mr mrs ms s t d ll re ve don doesn didn isn aren wasn weren hasn haven hadn won wouldn
        couldn shouldn
    """,
    "fr": """
        le la les un une des du de d l au aux et ou mais donc or ni car que qu qui quoi dont où ce
        cet cette ces ça c se s sa son ses leur leurs mon ma mes ton ta tes notre nos votre vos je
        j tu il elle on nous vous ils elles y en ne n pas plus moins très trop aussi ainsi alors
        dans par pour sur sous avec sans entre vers chez depuis pendant avant après contre comme
        si est sont était étaient être été a ont avait avaient avoir eu fait faire peut doit selon
        tout tous toute toutes même autre autres dit déclaré
    """,
    "es": """
        el la los las un una unos unas de del al y e o u pero sino que quien quienes cual cuales
        cuyo donde cuando como cómo qué si no ni se su sus mi mis tu tus nuestro nuestra le les lo
        me te nos yo él ella ellos ellas usted ustedes este esta estos estas ese esa esos esas
        esto eso aquel a ante bajo con contra desde en entre hacia hasta para por según sin sobre
        tras durante es son era eran fue fueron ser sido está están estaba ha han había haber hay
        más menos muy ya también tan todo toda todos todas otro otra otros otras dijo
    """,
    "de": """
        der die das den dem des ein eine einen einem einer eines und oder aber sondern denn weil
        dass daß ob wenn als wie wo wer was wann warum in im an am auf aus bei beim mit nach von
        vom vor zu zum zur über unter zwischen durch für gegen ohne um bis seit während ist sind
        war waren sein bin bist wird werden wurde wurden worden hat haben hatte hatten habe kann
        können muss müssen soll sollen will nicht kein keine nur auch noch schon sehr mehr so er
        sie es ich du wir ihr ihn ihm ihnen sich mich uns sein seine seinen seiner ihre ihren
        dieser diese dieses diesen diesem alle andere anderen man da dort hier laut sagte
    """,
    "tr": """
        ve veya ya da de ki ile ama fakat ancak çünkü için gibi kadar göre sonra önce bu şu o bir
        birkaç her bazı tüm bütün çok daha en az hem ne nasıl neden niçin kim hangi mi mı mu mü
        değil var yok olan olarak oldu olduğu olduğunu olur etti eden edildi ise ben sen biz siz
        onlar onun onu ona bunun bunu buna diye dedi üzere karşı arasında içinde üzerinde
    """,
    "fa": """
        و در به از که را با این آن ها های برای است بود شد شده می کرد کرده کند شود است هست بر تا یا
        اما اگر نیز هم هر چه چون پس پیش بین روی زیر خود وی او ما شما آنها ایشان من تو یک دیگر همه
        بسیار باید نمی گفت داد دارد دارند داشت بوده هستند بودند خواهد کنند شوند درباره توسط
    """,
    "ur": """
        اور کا کی کے کو میں سے نے پر ہے ہیں تھا تھی تھے کہ یہ وہ جو اس ان ایک بھی تو ہی نہیں کر کیا
        گیا گئی گئے ہو ہوا ہوئی ہوئے رہا رہی رہے کرنے کیے لیے ساتھ بعد تک جس اپنے اپنی مگر لیکن
    """,
    "ru": """
        и в во не на что чтобы он она оно они его ее их ему ей им с со как а но или же то по из за от до
        к ко у о об для при это этот эта эти этого этой так также тоже уже еще ещё бы ли если когда где
        который которая которое которые был была было были быть есть будет будут мы вы я ты нас вас все
        всех того том тем чем после перед между через под над без только более может сказал
    """,
    "pt": """
        o a os as um uma uns umas de do da dos das em no na nos nas num numa por pelo pela pelos pelas
        para com sem sob sobre entre até e ou mas que quem qual se como quando onde porque não mais
        menos muito já também ao aos à às ele ela eles elas eu nós seu sua seus suas este esta esse essa
        isto isso é são era foi foram ser está estão ter tem têm há após disse segundo
    """,
    "it": """
        il lo la i gli le l un uno una di del dello della dei degli delle d a al allo alla ai agli alle
        da dal dalla dai dalle in nel nello nella nei nelle con su sul sulla sui sulle per tra fra e ed
        o ma che chi cui non si come se quando dove più anche già è sono era stato stata essere ha hanno
        aveva avere questo questa questi suo sua suoi loro lui lei noi ci ne dopo secondo altro altra
        altri altre detto
    """,
    "nl": """
        de het een en of maar want dat die dit deze van in op te ten ter aan met voor bij uit naar om
        over onder tussen door tegen na tot als dan toen er hier daar niet geen ook nog al wel meer is
        zijn was waren ben wordt worden werd werden heeft hebben had hadden zal zullen zou kan kunnen
        moet hij zij ze ik je we wij hun haar hem zich wie wat waar zo volgens zegt
    """,
    "he": """
        של את על אל עם אם או גם כי לא כל זה זו זאת אלה אשר הוא היא הם הן אני אנחנו אתה יש אין היה היתה
        הייתה היו יהיה להיות עוד רק כן כך כמו אך אבל אלא בין לפני אחרי עד מן מה מי איך כאשר לו לה להם בו
        בה בהם שלו שלה שלהם אותו אותה אותם ידי לפי יותר מאוד כבר אמר אמרה
    """,
    "hi": """
        का के की को में से ने पर तक है हैं था थे थी हो और या एक यह ये वह वे इस इन उस उन जो कि भी ही तो नहीं
        न कर करने किया किए गया गई गए रहा रहे रही लिए साथ बाद अपने अपनी अपना इसके उनके उसके द्वारा जब अब
        होने हुए हुआ कहा
    """,
    "id": """
        yang dan di ke dari untuk pada dengan dalam oleh ini itu adalah ialah akan telah sudah tidak
        bukan juga atau tetapi namun karena bahwa sebagai saat ketika para ia dia mereka kami kita saya
        anda nya ada lebih bisa dapat harus masih hanya antara setelah sebelum hingga agar jika serta
        tersebut kata
    """,
    "zh": """
        的 了 在 是 和 与 及 以及 或 也 都 就 不 没 没有 有 无 但 但是 而 而且 并 并且 还 又 再 为 被 把 对
        从 到 向 于 以 由 将 会 能 可 可以 要 让 使 给 我 你 他 她 它 我们 你们 他们 她们 它们 自己 这 那
        这个 那个 这些 那些 这里 哪 什么 谁 如何 其 其中 之 该 此 上 下 中 里 内 外 前 后 时 等 着 过 地 得
        吗 呢 个 名 位 一个 一些 每 各 第 已 已经 正在 更 最 很 因 因为 由于 所以 如果 虽然 根据 通过 对于
        关于 随着 同时 此外 之后 之前 以来 进行 目前 今天 昨天 年 月 日 据 说 称 表示 指出 认为 报道
        一 二 两 三 四 五 六 七 八 九 十 〇
    """,
    "ja": """
        する いる ある なる できる れる られる せる よる いう 言う 行う 述べる 話す 受ける 思う おる くる いく
        こと もの ため これ それ あれ ここ そこ ない 無い よい いい 多い 人 年 月 日 今 今日 昨日 明日 今回
        今年 昨年 同日 午前 午後 現在 以上 以下 以降 前 後 中 上 下 内 間 他 ほか 多く 一部 すべて 全て 場合
    """,
    "ko": """
        에서 으로 에게 까지 부터 이라 라고 하고 하는 하며 하지 했다 한다 된다 됐다 있다 있는 있습 습니 니다
        없다 없는 이다 이며 었다 였다 않는 것은 것이 것을 들은 들이 들을 대한 대해 위해 따라
    """,
}


class _Folding(dict[int, int | None]):
    """A str.translate table that decides each character once, from its Unicode category."""

    def __missing__(self, point: int) -> int | None:
        self[point] = folded = _fold_character(chr(point))
        return folded


def _fold_character(character: str) -> int | None:
    """What a character becomes: itself, an ASCII digit, a space, or None where it is dropped."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return ord("0") + digit
    category = unicodedata.category(character)
    # Joiners, direction marks and soft hyphens stand inside words: dropping keeps the word whole.
    if category == "Cf" or (category == "Mn" and "\u0590" <= character <= "\u08ff"):
        return None
    return ord(character) if category[0] in "LNM" else ord(" ")


_FOLDING: Final = _Folding(ONE_LETTER)


def primary(language: str) -> str:
    """The primary subtag of a BCP 47 tag, lower case ("ar-LB" gives "ar"): names a posting list."""
    return language.replace("_", "-").partition("-")[0].lower()


def fold(text: str, *, language: str = "") -> str:
    """One spelling for what readers take for one: NFKC, no case, tashkeel, tatweel or bidi marks.

    Alef, yaa, taa marbuta and hamza are unified, digits become ASCII, punctuation becomes space.
    Traditional Chinese becomes simplified: the editions of a language share one posting list, and
    the segmenter's dictionary is a simplified one.
    """
    tag = primary(language)
    if tag in {"tr", "az"}:
        text = text.replace("I", "ı").replace("İ", "i")
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_FOLDING)
    return _simplifier()(folded) if tag == "zh" else folded


def words(text: str, *, language: str) -> list[str]:
    """The folded words in order, stop words included.

    Chinese and Japanese texts are segmented (about 1 and 3 ms per 1,000 characters, measured). Other
    unspaced scripts, and Han or kana quoted in another language, give pairs of characters.
    """
    tag = primary(language)
    return [word for piece in _pieces(text, tag) for word in _cut(piece, tag)]


def terms(text: str, *, language: str) -> list[str]:
    """The index terms in order, repeats kept: no stop words, no single letters, light stems.

    Prefixes only for Arabic: root and suffix stemming cost 0.02 nDCG@5 on Arabic news, prefixes
    nothing, and they shrink the vocabulary by a third. Snowball where it knows the language.
    Japanese gives the dictionary forms of its content words; Korean, whose particles stick to the
    word, pairs of syllables (Lee and Ahn, 1996).
    """
    tag = primary(language)
    found = (word for piece in _pieces(text, tag) for word in _content(piece, tag))
    return [term for word in found if (term := _term(word, tag))]


def surfaces(text: str, *, language: str) -> Mapping[int, str]:
    """A readable word for each term of a text, by the term's hash: the shortest that was written.

    For people only: "السباحة" where the term is its stem. Where words are not split by spaces the term
    itself stands.
    """
    tag = primary(language)
    found = {term_hash(term): term for term in terms(text, language=tag)}
    written: dict[int, str] = {}
    whole = {word for word in _WORD.findall(text) if len(word) <= LONGEST_WORD}
    for word in sorted(whole, key=lambda word: (len(word), word)):
        inside = terms(word, language=tag)
        if len(inside) == 1:
            written.setdefault(term_hash(inside[0]), word)
    return {term: written.get(term, plain) for term, plain in found.items()}


def term_hash(term: str) -> int:
    """A signed 32-bit name of a term, the same on every machine; fits PostgreSQL's integer."""
    return int.from_bytes(blake2b(term.encode(), digest_size=4).digest(), "big", signed=True)


def shingle_set(text: str, *, language: str) -> tuple[int, ...]:
    """Every run of three words as a hash of SHINGLE_BITS, ascending; a shorter text is one shingle.

    Of a longer text than SHINGLES_KEPT the smallest hashes: a bottom-k sketch (Cohen and Kaplan, 2007).
    """
    found = words(text, language=language)
    if not found:
        return ()
    starts = range(max(1, len(found) - SHINGLE_WORDS + 1))
    hashes = {_hash32(" ".join(found[at : at + SHINGLE_WORDS])) >> 32 - SHINGLE_BITS for at in starts}
    return tuple(sorted(hashes)[:SHINGLES_KEPT])


def containment(a: Sequence[int], b: Sequence[int]) -> float:
    """The share, 0 to 1, of the smaller text's shingles that the other has too, from two shingle sets.

    Both texts are compared on the hashes below the point where either was cut off, a fair sample of each;
    exact where neither was. Over n sampled shingles the standard error is sqrt(c (1 - c) / n); on pairs of
    Arabic news articles the mean error was 0.002, with 128 hashes instead of 512 it was 0.02.
    """
    return contained(len(set(a).intersection(b)), a, b)


def contained(common: int, a: Sequence[int], b: Sequence[int]) -> float:
    """The same of two shingle sets that are known to have so many hashes in common."""
    if not common:
        return 0.0
    cut = min((full[-1] for full in (a, b) if len(full) >= SHINGLES_KEPT), default=2**SHINGLE_BITS)
    return common / min(bisect_right(a, cut), bisect_right(b, cut))


def _pieces(text: str, tag: str) -> list[str]:
    """Folded text, apart at spaces and where a script without spaces begins or ends."""
    folded = fold(text, language=tag)
    if tag not in _PIECES and not _UNSPACED_RUN.search(folded):
        return folded.split()
    return _PIECES.get(tag, _ANY_PIECE).findall(folded)


def _cut(piece: str, tag: str) -> Iterable[str]:
    """The words of a piece, all of them."""
    if tag in _SEGMENTED and _SEGMENTED[tag].match(piece):
        return _chinese(piece) if tag == "zh" else [surface for surface, _ in _japanese(piece)]
    return _pairs(piece) if _UNSPACED_RUN.match(piece) else [piece[:LONGEST_WORD]]


def _content(piece: str, tag: str) -> Iterable[str]:
    """The words of a piece that may be terms, Japanese ones in their dictionary form."""
    if tag == "ja" and _SEGMENTED[tag].match(piece):
        return [base for _, base in _japanese(piece) if base]
    if tag == "ko" and _HANGUL_RUN.match(piece):
        return _pairs(piece)
    return _cut(piece, tag)


def _chinese(run: str) -> list[str]:
    import rjieba  # noqa: PLC0415 - 31 MB (measured)

    return [word[:LONGEST_WORD] for part in _parts(run) for word in rjieba.cut(part)]


def _japanese(run: str) -> list[tuple[str, str]]:
    """Each word as written and its dictionary form, which is empty where it is no content word."""
    with _LOADING:
        tokenizer = _japanese_tokenizer()
    return [
        (token.surface[:LONGEST_WORD], _base(token.surface, token.details)[:LONGEST_WORD])
        for part in _parts(run)
        for token in tokenizer.tokenize(part)
    ]


def _base(surface: str, details: Sequence[str]) -> str:
    """From IPADIC's columns: part of speech, its three subdivisions, two of inflection, base form."""
    if details[0] not in _CONTENT or details[1] in _DEPENDENT:
        return ""
    return surface if details[6] == "*" else details[6]


@cache
def _japanese_tokenizer() -> Any:
    import lindera  # noqa: PLC0415 - 103 MB and 0.3 s with its dictionary (measured)

    return lindera.Tokenizer(lindera.load_dictionary("embedded://ipadic"), mode="normal")


@cache
def _simplifier() -> Callable[[str], str]:
    from opencc import OpenCC  # noqa: PLC0415 - 7 MB (measured)

    return OpenCC("t2s").convert


def _parts(run: str) -> list[str]:
    return [run[at : at + LONGEST_RUN] for at in range(0, len(run), LONGEST_RUN)]


@lru_cache(maxsize=1 << 15)
def _term(word: str, tag: str) -> str:
    """The index term of a folded word, empty where it has none."""
    if len(word) < 2 and not _UNSPACED_RUN.match(word):
        return ""
    if word in _stop_words(tag):
        return ""
    stem = _stem(word, tag)
    return "" if stem in _stop_words(tag) else stem


def _stem(word: str, tag: str) -> str:
    if tag == "ar":
        return _strip_prefixes(word)
    if (name := _SNOWBALL.get(tag)) in snowballstemmer.algorithms():
        # A stemmer keeps its word in itself: one shared between threads would mix two words.
        return str(snowballstemmer.stemmer(name).stemWord(word))
    return word


def _strip_prefixes(word: str) -> str:
    """Strips until nothing more comes off, so that a word and its prefixed forms end up equal."""
    while prefix := _ARABIC_PREFIX.match(word):
        word = word[prefix.end() :]
    return word


@cache
def _stop_words(tag: str) -> frozenset[str]:
    """A language's stop words, folded as text is; Arabic ones also with an attached conjunction."""
    plain = fold(_STOP_WORDS.get(tag, ""), language=tag).split()
    attached = [c + word for c in ("و", "ف") for word in plain] if tag == "ar" else []
    return frozenset(plain + attached)


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def _hash32(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")
