"""Japanese person names: Sudachi's dictionary finds the pieces, this module joins them and weighs what stands around.

Kanji, kana, half-width kana, katakana foreign names and romaji in both orders. The score says how good the evidence is: a surname with a
given name .85, with an honorific .75, behind a label .9; a bare surname .3, below the default threshold, since half of Japan's surnames are
also places, companies or common nouns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from presidio_analyzer import EntityRecognizer, RecognizerResult

from detectors.claims import Claim, best
from detectors.names_data import OLD_CHARACTERS, OLD_FORMS, JapaneseNames, katakana, word_sections
from detectors.person_ja_page import PageNames
from detectors.person_spacy import SpacyPersons
from detectors.person_tagger import BEGIN, INSIDE, NEAR, Asking, LateTraits, Tagger, Traits, run_of
from detectors.presidio import result
from detectors.word_groups import WordGroups
from scanner.model import DetectSettings

FULL: Final = 0.85
HONORED: Final = 0.75
LABELLED: Final = 0.9
LIKELY: Final = 0.65
BARE: Final = 0.3
TAGGED: Final = 0.8
LEAST: Final = 0.5  # what is reported, by default
DOUBTED: Final = 0.45
FAVOUR: Final = 0.2  # added to a name's score by the tagger: a missed name costs more than a false one
SURE: Final = -1.0  # the same where only hiragana stands, of which any word could be made
CLOSED, OPEN, HOPEFUL = 0, 1, 2

_TITLES: Final = (
    "代表取締役社長|代表取締役|取締役|副社長|社長|会長|専務|常務|本部長|部長代理|部長|課長代理|課長|係長|主任|次長|室長|店長|所長|"
    "支店長|工場長|局長|院長|校長|教頭|"
    "園長|理事長|理事|弁護士|税理士|会計士|医師|看護師|薬剤師|教授|准教授|講師|監督|選手|議員|首相|大臣|知事|市長|町長|村長|議長|"
    "委員長|委員|記者|容疑者|被告|代表|担当|"
    "マネージャー|リーダー|アナウンサー"
)
_HONORIFIC: Final = "様|さま|さん|サン|ちゃん|くん|君|殿|氏|先生|女史|博士|宛|ｻﾏ|ｻﾝ"
_AFTER_PERSON: Final = re.compile(rf"[ 　]?(?:{_HONORIFIC}|{_TITLES})")
_HONORIFIC_NEXT: Final = re.compile(rf"[ 　]?(?:{_HONORIFIC})(?![々一-龠])")
_CLAN_NEXT: Final = re.compile("[ 　]?(?:氏|殿[下堂]|君主)")  # 源氏, 武田氏: in prose a family more often than a person
_KANJI: Final = re.compile("[々一-龠]")
_OFFICE_NEXT: Final = re.compile(
    "[々一-龠ァ-ヴー]{0,10}?(?:大臣|担当相|外相|長官|総長|司令官?|[大中少]将|[大中少]佐|監督|議員|知事|市長|委員長|教授|選手|記者)"
)
_OFFICE_LAST: Final = frozenset(word[-1] for word in f"{_HONORIFIC}|{_TITLES}|臣|相|官|長|令|将|佐|督|員|事|授|手|者".split("|"))
_BEFORE_PERSON: Final = re.compile(rf"(?:{_TITLES})(?:の|・|:|：)?[ 　]?$")
_COMPANY_BEFORE: Final = re.compile(
    r"(?:株式会社|有限会社|合同会社|合資会社|合名会社|\(株\)|（株）|㈱|\(有\)|（有）|㈲|学校法人|医療法人|(?:社団|財団|宗教|"
    r"特定非営利活動)法人|医院|ホテル|レストラン|カフェ)$"
)
_THING_AFTER: Final = re.compile(
    r"(?:製作|製薬|製菓|製鋼|製紙|製麺|製茶|商店|商会|商事|商業|工業|工務|工房|工芸|産業|建設|建築|建材|組$|電機|電器|電気|電鉄|鉄道|"
    r"鉄工|自動車|運輸|運送|物産|物流|食品|"
    r"酒造|醸造|水産|印刷|出版|書店|書房|薬局|薬品|病院|医院|医大|クリニック|歯科|眼科|内科|外科|整形|皮膚科|小児科|耳鼻|接骨|整骨|"
    r"鍼灸|診療|動物|小学|中学|高校|高等|大学|学園|"
    r"学院|塾|幼稚園|保育|こども園|公園|広場|緑地|駅|空港|港|市|県|府|郡|町|村|区|島|川|河|湖|池|沼|浜|岳|峠|橋|通|街道|線|城|神社|"
    r"神宮|八幡|寺|宮|店|屋|館|記念|会館|美術|博物|"
    r"図書|センター|ビル|マンション|ハイツ|コーポ|荘|アパート|団地|住宅|事務所|事務局|法律|会計|税務|銀行|信金|信用|証券|生命|海上|"
    r"ホールディングス|グループ|ホーム|ストア|"
    r"株式会社|有限会社|\(株\)|（株）|㈱|家|一家|流|藩|邸|賞|杯|式|法|平野|盆地|半島|海岸|温泉|高原|農園|農場|牧場|農協|漁協|漁港|"
    r"丁目|番|字|地区|地域|地方|支店|本店|営業|支社|"
    r"本社|工場|倉庫|部(?!長)|課(?!長)|係(?!長)|室(?!長)|技研|製|化学|化成|金属|重工|精機|機械|不動産|観光|交通|石油|ガス|水道|新聞|"
    r"放送|テレビ|証|税|内閣|政権|体育|球場|競技|"
    r"[0-9０-９一二三四五六七八九十]+(?:丁目|番|号|[-－−ー‐]))"
)
_COMPANY_NEXT: Final = re.compile(r"[々一-龠ァ-ヴー]{2,12}(?:株式会社|有限会社|合同会社|\(株\)|（株）|㈱|\(有\)|（有）|㈲)")
_BUSINESS_NEXT: Final = re.compile("(?:商店|商会|製作所)")
_BRANCH_END: Final = re.compile(
    "(?:支店|支社|本店|本社|営業所|工場|倉庫|出張所|事業所|商店|商会|商事|工業|製作所|建設|産業|物産|運輸|印刷)$"
)
_PLACE_END: Final = re.compile(r"[都道府県市区町村郡]$")
_LABEL_WORDS: Final = (
    "(?:ご|お|御)?(?:氏名|姓名|名前|芳名|尊名)|(?:ご)?担当者?(?:名|氏名)?|宛名|宛先|(?:申込|申請|契約|請求|依頼|受取|差出|届出|作成|"
    "記入|登録|代表|責任|保護|参加|出席|受講|応募|"
    "利用|使用|所有|発注|注文|購入|送信|受信|報告|承認|連絡|訪問|対応|執筆|発表|主催|相談)(?:者|人|先)?(?:名|氏名|の氏名)?|"
    "(?:緊急|夜間|休日)連絡先|続柄|患者(?:名|"
    "氏名|様)?|世帯主(?:名|氏名)?|本人(?:氏名)?|名義人?|口座名義|"
    "会員(?:名|氏名)|顧客(?:名|氏名)|お客様(?:名|氏名)?|社員(?:名|氏名)|従業員(?:名|氏名)|職員(?:名|氏名)|生徒(?:名|氏名)|署名|文責|"
    "フリガナ|ふりがな|ﾌﾘｶﾞﾅ|カナ|ヨミ|よみ|よみがな|読み|"
    "Name|NAME|name|Contact|Attn|ATTN"
)
_LABEL: Final = re.compile(
    rf"(?:^|(?<=[\s,、。;；|│/／（(【\[「・●■□◆◇○※＊*-]))(?:{_LABEL_WORDS})"
    rf"(?:[（(][^）)]{{0,10}}[）)])?[ 　]*[:：=＝\]】」][ 　]*[\[［]?[ 　]*"
    rf"|(?:^|(?<=[\s,、。|│]))(?:(?:ご|お)?(?:氏名|名前)|担当者|フリガナ|ふりがな|ﾌﾘｶﾞﾅ|よみがな|ヨミガナ|よみ|"
    rf"カナ)(?:[（(][^）)]{{0,10}}[）)])?[ 　\t]+(?:[\[［「][ 　]*)?"
)
_LABEL_END: Final = re.compile(r"[,、。;；|│/／（(【\[「」）)\]］\t：:<＜]|[ 　]{2,}|$")
_BOUNDARY: Final = re.compile(rf"$|[\s,、。.;；:：(（)）\]】」』|│/／<＜・\"”]|(?:{_HONORIFIC}|{_TITLES})")
_JAPANESE: Final = re.compile(r"[々\u3041-\u30ff\u4e00-\u9fff\uff66-\uff9f\uf900-\ufaff\u3400-\u4dbf]")
_KANJI_RUN: Final = re.compile(r"[々一-龠\uf900-\ufaff\u3400-\u4dbfヶぁ-んァ-ヴー]{1,4}")
_NAME_SHAPE: Final = re.compile(
    r"[々〆一-龠\uf900-\ufaff\u3400-\u4dbfヶ]{1,4}[ 　]?[々一-龠\uf900-\ufaff\u3400-\u4dbfぁ-んァ-ヴー]{1,4}|[ァ-ヴー]{2,8}[ "
    r"　・][ァ-ヴー]{2,10}|[ｦ-ﾟ]{2,10} [ｦ-ﾟ]{2,10}|[ぁ-んー]{2,6}[ 　][ぁ-んー]{2,8}"
)
_KANA_PAIR: Final = re.compile(
    r"(?<![ぁ-んァ-ヴーｦ-ﾟ一-龠])(?:(?P<h>[ぁ-んー]{1,6})[ 　](?P<hh>[ぁ-んー]{1,7})|(?P<k>[ァ-ヴー]{1,7})[ 　](?P<kk>[ァ-ヴー]{1,8})|"
    r"(?P<w>[ｦ-ﾟ]{1,9})[ 　](?P<ww>[ｦ-ﾟ]{1,10}))(?![ぁ-んァ-ヴーｦ-ﾟ])"
)
_HONORED_RUN: Final = re.compile(
    r"(?<![々一-龠ァ-ヴー㈱㈲）)])(?P<first>[々一-龠\uf900-\ufaff\u3400-\u4dbf]{1,5})(?P<blank>[ 　]?)"
    r"(?P<rest>[々一-龠\uf900-\ufaff\u3400-\u4dbfぁ-んァ-ヴー]{0,4}?)"
    r" ?[ 　]?(?:様|さま|さん|殿|氏)(?![々一-龠])"
)
_FOREIGN: Final = re.compile(r"[ァ-ヴー]{2,12}(?:[・＝=][ァ-ヴー]{1,12}){1,3}|[ｦ-ﾟ]{2,16}(?:[･・][ｦ-ﾟ]{1,16}){1,3}")
_ROMAJI: Final = re.compile(
    r"(?<![A-Za-z0-9@._/\\'-])([A-Z](?:[a-zāīūēōâîûêô']+|[A-ZĀĪŪĒŌ]+))(,? |, ?)([A-Z](?:[a-zāīūēōâîûêô']+|[A-ZĀĪŪĒŌ]+))(?![A-Za-z0-9@_'-])"
)
_INITIAL: Final = re.compile(r"(?<![A-Za-z0-9@._-])([A-Z])\. ?([A-Z](?:[a-zāīūēōâîûêô]+|[A-Z]+))(?![A-Za-z0-9@_-])")
_CAPITALS: Final = re.compile("[A-Z][^ .,]*(?:,? |, ?|\\. ?)[A-Z]")  # wherever a name of Latin letters is
_NOT_ROMAJI_AFTER: Final = re.compile(
    r"[ ,]{0,2}(?:Co\b|Inc|Ltd|Corp|K\.?K|LLC|Company|City|Station|Prefecture|Ward|Street|Park|Airport|University|Hospital|Bank|"
    r"Building|Bldg|Motor|"
    r"Temple|Shrine|Castle|River|Lake|Mt|Bay|Island|[-–](?:shi|ku|cho|ken|gun|machi|mura|to|fu)\b)"
)
_ROMAJI_WORDS: Final = word_sections("words_en.txt")["romaji"]
_NEVER_HONORED: Final = frozenset("皆客神仏王姫奥母父兄姉婆爺嫁婿孫娘貴各何誰主俺方株社店")
_MAX_LINE: Final = 4_000
_KEPT: Final = 50_000  # kinds of tokens remembered before memory is let go
_LINES_KEPT: Final = 4_000  # lines, of at most MEMORABLE characters
MEMORABLE: Final = 400
_LATIN: Final = 24  # characters of Latin text beside Japanese that are read with it
_ASCII: Final = "".join(map(chr, range(128)))
_REACH: Final = 40  # characters, more than what is looked for before a name is long
_SENTENCE: Final = re.compile("[々一-龠ァ-ヴーA-Za-z0-9）」』](?:[はがをにでともへや]|の(?!日)|から|より|まで|した|する|です|だ)|。")
_HIRAGANA_ONLY: Final = re.compile("[ぁ-んー 　]+")
_NAME_CELL: Final = re.compile(
    r'(?:^|(?<=[,\t|;"]))(?P<name>(?P<first>[々一-龠ヶぁ-んァ-ヴー]{1,5})[ 　](?P<second>[々一-龠ぁ-んァ-ヴー]{1,4}))(?="?(?:[,\t|;]|$))'
)
_STOP: Final = "。"
_SEPARATOR: Final = re.compile("[,\t|;]")
_OFFICE_LIKE: Final = re.compile(f"(?:{_TITLES}|[長役任員事師]|[ァ-ヴ]ー)$")
_LABEL_MARKS: Final = ":：=＝]】」\t"
_DOTS: Final = "・･＝="
_HONORS: Final = ("様", "さま", "さん", "殿", "氏")
_LABEL_LIKE: Final = re.compile("[名者先方人欄元番号員長係課部室医]$|担当|責任")
_KANA_VALUE: Final = re.compile("[ァ-ヴー]{4,14}|[ぁ-んー]{4,14}|[ｦ-ﾟ]{4,18}")
_JAPANESE_VALUE: Final = re.compile("[々一-龠\uf900-\ufaff\u3400-\u4dbfヶぁ-んァ-ヴー]+")
_GIVEN_RUN: Final = re.compile(r"[々一-龠]{2,3}(?![々一-龠])")
_PARTICLE_NEXT: Final = re.compile("から|より|まで|です|[がはをにのとへもで、]")
_OFFICE_END: Final = re.compile(
    "(?:主査|主幹|主事|参事|参与|顧問|技師|秘書|部長|課長|係長|主任|次長|室長|店長|所長|社長|会長|専務|常務|局長|院長|校長|議員|教授)$"
)
_JOINING: Final = frozenset("・＝= 　･.")
_CLOSED_SPEECH: Final = ("助詞", "助動詞", "動詞", "形容詞", "接続詞", "連体詞", "代名詞", "副詞", "補助記号", "空白")
_PLAIN_KANJI: Final = re.compile("[一-鿿]")
_REPEATED: Final = re.compile(r"(.)\1+")
_UNKNOWN_NAME: Final = re.compile("[ァ-ヴー]{2,}|[A-Z].*")
_NAME_KINDS: Final = frozenset({"姓", "名", "人名"})
_SHAPES: Final = {
    code: letter
    for letter, ranges in {
        "K": ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x3005, 0x3005)),
        "h": ((0x3041, 0x309F),),
        "k": ((0x30A1, 0x30FA), (0x30FC, 0x30FF), (0xFF66, 0xFF9F)),
        "A": ((0x41, 0x5A), (0xFF21, 0xFF3A)),
        "a": ((0x61, 0x7A), (0xFF41, 0xFF5A)),
        "0": ((0x30, 0x39), (0xFF10, 0xFF19)),
    }.items()
    for low, high in ranges
    for code in range(low, high + 1)
}


class Token(NamedTuple):
    """A morpheme: characters [start, end) of the line, and what it is: 姓 名 人名 地名 固有 他 記号."""

    start: int
    end: int
    text: str
    kind: str
    traits: Traits
    role: int


class _Part(NamedTuple):
    """What is read in one piece: a sentence of prose with what the tagger sees of the words around it in the line, or a line. `opens`: it
    stands at the beginning of its line."""

    text: str
    prose: bool = False
    opens: bool = True
    before: tuple[Traits, ...] = ()
    after: tuple[Traits, ...] = ()


class _Name(NamedTuple):
    start: int
    end: int
    text: str


class JapanesePersonRecognizer(EntityRecognizer):
    """PERSON in Japanese text, kana and romaji."""

    SIGNS: Final = (
        r"[\x{3005}\x{3041}-\x{30ff}\x{3400}-\x{9fff}\x{f900}-\x{faff}\x{ff66}-\x{ff9f}]",
        # two romaji words, or an initial and one (_ROMAJI, _INITIAL)
        r"[A-Z](?:[A-Za-z'āīūēōâîûêôĀĪŪĒŌ]+(?:,? |, ?)|\. ?)[A-Z][A-Za-z'āīūēōâîûêôĀĪŪĒŌ]",
    )

    def __init__(self, settings: DetectSettings) -> None:
        self._spacy = SpacyPersons.wanted(settings, "ja")
        super().__init__(supported_entities=["PERSON"], name="person_ja", supported_language="ja")
        self._id = "person.ja"

    def load(self) -> None:
        """Load the dictionary (0.15 s)."""
        from sudachipy import SplitMode

        self.names = JapaneseNames()
        self._tokenizer = self.names.dictionary.tokenizer(mode=SplitMode.C)
        self._groups = WordGroups("words_ja.bin.gz")
        self._tagger = Tagger("names_ja_prose.bin.gz")
        self._part_kinds: dict[int, tuple[str, str]] = {}
        self._known: dict[tuple[str, int], tuple[str, str, Traits, int]] = {}
        self._read_lines: dict[str, tuple[Claim, ...]] = {}
        self._read: dict[_Part, tuple[Claim, ...]] = {}
        self._read_sentences: dict[tuple[str, bool], list[Token]] = {}
        self._page = PageNames(self.names)

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """PERSON results; exact spans, without honorific."""
        del nlp_artifacts
        if entities and "PERSON" not in entities:
            return []
        found = [result("PERSON", *claim, "person.ja", "person_ja") for claim in self.page_claims(text)]
        return [*found, *self._spacy.analyze(text)] if self._spacy else found

    def page_claims(self, text: str) -> list[Claim]:
        """Claims about a text of many lines, none overlapping another, in order."""
        lines = list(_lines(text))
        by_line = [
            Claim(start + first, start + last, score)
            for (start, _), claims in zip(lines, self._remembered([line for _, line in lines]), strict=True)
            for first, last, score in claims
        ]
        of_page = self._page.claims(text, by_line)
        return best([*by_line, *of_page]) if of_page else by_line

    def claims(self, line: str) -> list[Claim]:
        """Claims about one line, none overlapping another, in order."""
        return list(self._remembered([line])[0])

    def _remembered(self, lines: Sequence[str]) -> list[tuple[Claim, ...]]:
        """`claims` of lines; they come again, in the margins of windows, and so do sentences, in text made from templates."""
        known = self._read_lines
        new = [line for line in dict.fromkeys(lines) if line not in known]
        if not new:
            return [known[line] for line in lines]
        fresh = dict(zip(new, self._fresh(new), strict=True))
        found = [fresh[line] if line in fresh else known[line] for line in lines]
        if len(known) + len(new) >= _LINES_KEPT:
            known.clear()
        known.update((line, claims) for line, claims in fresh.items() if len(line) <= MEMORABLE)
        return found

    def _fresh(self, lines: Sequence[str]) -> list[tuple[Claim, ...]]:
        """`claims` of lines that are not remembered."""
        pieces_of = [self._parts(line if _encodable(line) else line.encode("utf-8", "replace").decode()) for line in lines]
        read = self._read
        wanted = dict.fromkeys([part for pieces in pieces_of for _, part in pieces])
        new = [part for part in wanted if part not in read]
        if len(read) + len(new) >= _LINES_KEPT:
            read.clear()
            new = list(wanted)
        known: dict[_Part, tuple[Claim, ...]] = dict(zip(new, self._tagger.answer([self._read_part(part) for part in new]), strict=True))
        fresh = list(known.items())
        known.update((part, read[part]) for part in wanted if part in read)
        read.update((part, claims) for part, claims in fresh if len(part.text) <= MEMORABLE)
        return [
            tuple([Claim(offset + first, offset + last, score) for offset, part in pieces for first, last, score in known[part]])
            for pieces in pieces_of
        ]

    def _parts(self, line: str) -> list[tuple[int, _Part]]:
        """(offset, sentence) of a line of prose, else the line."""
        if not _is_prose(line):
            return [(0, _Part(line))]
        places = _sentences(line)
        if len(places) == 1 or not _JAPANESE.search(line):
            return [(0, _Part(line, prose=True))]
        traits: list[Traits] = []
        found = []
        for start, end in places:
            own = [token.traits for token in self._prose_tokens(line[start:end], opens=not start)]
            found.append((start, end, len(traits), len(traits) + len(own)))
            traits += own
        return [
            (start, _Part(line[start:end], True, not start, tuple(traits[max(0, first - NEAR) : first]), tuple(traits[last : last + NEAR])))
            for start, end, first, last in found
        ]

    def _read_part(self, part: _Part) -> Asking[tuple[Claim, ...]]:
        """Claims about a line that is no prose, or a sentence."""
        clean, prose = part.text, part.prose
        raw: list[Claim] = list(self._romaji(clean)) if _CAPITALS.search(clean) else []
        if _JAPANESE.search(clean):
            blank = " " in clean or "\u3000" in clean
            labelled = blank or any(mark in clean for mark in _LABEL_MARKS)
            labels = [(m.end(), _LABEL_END.search(clean, m.end())) for m in _LABEL.finditer(clean)] if labelled else []
            regions = [(start, end.start()) for start, end in labels if end]
            tokens = self._prose_tokens(clean, part.opens) if prose else self._row_tokens(clean)
            raw += self._joined(clean, tokens, regions)
            if blank:
                raw += self._kana(clean, regions)
                raw += self._cells(clean)
            if any(mark in clean for mark in _DOTS):
                raw += [self._weighed(clean, claim, regions) for claim in self._foreign(clean)]
            if any(mark in clean for mark in _HONORS):
                raw += self._honored_runs(clean)
            if regions:
                raw += self._labelled(clean, tokens, regions, raw)
            if prose:
                raw = yield from self._in_prose(part, tokens, regions, raw)
        return tuple(best([self._mended(clean, claim, prose) for claim in raw]))

    def _mended(self, line: str, claim: Claim, prose: bool) -> Claim:
        """A claim with the ends of the name: without the office behind it, with the character that the dictionary cut off."""
        start, end, _ = claim
        while line[end - 1] in " 　" and end - start > 1:
            end -= 1
        claim = claim._replace(end=end)
        if not prose and (line[end : end + 1] in ("・", "･") or (start and line[start - 1] in "・･")):
            foreign = next((m for m in _FOREIGN.finditer(line, max(0, start - _REACH), end + _REACH) if m.start() <= start < m.end()), None)
            if foreign and not _THING_AFTER.match(line, foreign.end()):
                return claim._replace(start=foreign.start(), end=max(end, foreign.end()))
        office = _OFFICE_END.search(line, start, end) if line[end - 1] in "長任務員授査幹事与問師書" else None
        if office and office.start() > start and self.names.surname(line[start : office.start()]):
            return claim._replace(end=office.start())
        if start and end - start > 1 and _KANJI.match(line, start - 1) and _KANJI.match(line, start):
            first = start - 1
            before = _KANJI.match(line, first - 1) if first else None
            if not before and end - first <= 5 and "姓" in self.names.kinds(line[first : first + 2]):
                return claim._replace(start=first)  # と|井|上陽翔
        return claim

    # ------------------------------------------------------------------ running text

    def _in_prose(self, part: _Part, tokens: list[Token], regions: list[tuple[int, int]], claims: list[Claim]) -> Asking[list[Claim]]:
        """In sentences the tagger decides; a label, an honorific or a name of Latin letters stands without it."""
        line, skipped = part.text, len(part.before)
        segments = list(self._segments(tokens))
        traits = [*part.before, *(token.traits for token in tokens), *part.after] if segments else []
        runs = [run_of(traits, first + skipped, last + skipped) for first, last in segments]
        tagged: list[Claim] = []
        for run, (first, _), labels in zip(runs, segments, (yield runs, FAVOUR) if runs else [], strict=True):
            found = self._named(tokens, labels, first)
            if any(_HIRAGANA_ONLY.fullmatch(claim.text) for claim in found):
                (surely,) = yield [run], SURE
                sure = {claim.start for claim in self._named(tokens, surely, first)}
                found = [claim for claim in found if claim.start in sure or not _HIRAGANA_ONLY.fullmatch(claim.text)]
            tagged += [Claim(name.start, name.end, TAGGED) for name in found if not self._in_company(line, name)]
        taken = bytearray(len(line))
        for claim in tagged:
            taken[claim.start : claim.end] = b"\1" * (claim.end - claim.start)
        return [*tagged, *(self._doubted(line, claim, regions, taken) for claim in claims)]

    def _doubted(self, line: str, claim: Claim, regions: list[tuple[int, int]], taken: bytearray) -> Claim:
        """A claim that the tagger does not make: its own words must be good evidence. `taken`: 1 for each character of the tagger's."""
        if claim.score < LEAST or any(start <= claim.start and claim.end <= end for start, end in regions):
            return claim
        name = line[claim.start : claim.end]
        if taken.find(1, claim.start, claim.end) >= 0:
            whole = claim.score >= FULL and bool(_KANJI.match(name)) and (" " in name or "　" in name)
            return claim if whole else claim._replace(score=min(claim.score, TAGGED - 0.02))
        if name.isascii() or (_AFTER_PERSON.match(line, claim.end) and not _CLAN_NEXT.match(line, claim.end)):
            return claim
        if claim.score >= FULL and _KANJI.search(name):
            return claim
        return claim._replace(score=min(claim.score, DOUBTED))

    def _segments(self, tokens: list[Token]) -> Iterator[tuple[int, int]]:
        """Runs of tokens between words that no name holds, where a run holds a token that could be a name's."""
        first, hopeful = 0, False
        for at, token in enumerate(tokens):
            if token.role == CLOSED:
                if hopeful:
                    yield first, at
                first, hopeful = at + 1, False
            elif token.role == HOPEFUL:
                hopeful = True
        if hopeful:
            yield first, len(tokens)

    @staticmethod
    def _in_company(line: str, name: _Name) -> bool:
        """(株)三田村工業, 三田村工業(株): the word behind is a company's and no person's office."""
        if _BRANCH_END.search(name.text) or _COMPANY_BEFORE.search(line, max(0, name.start - _REACH), name.start):
            return True
        thing = _THING_AFTER.match(line, name.end)
        if not thing or _OFFICE_NEXT.match(line, name.end):
            return False
        return bool(_COMPANY_NEXT.match(line, name.end) or _BUSINESS_NEXT.match(line, name.end))

    @staticmethod
    def _named(tokens: list[Token], labels: list[int], first: int) -> list[_Name]:
        found, start = [], None
        for at, label in enumerate([*labels, 0], first):
            if start is not None and label != INSIDE:
                text = "".join(token.text for token in tokens[start:at])
                found.append(_Name(tokens[start].start, tokens[at - 1].end, text))
                start = None
            if label == BEGIN:
                start = at
        return found

    def _prose_tokens(self, sentence: str, opens: bool) -> list[Token]:
        """Tokens of a sentence, from a few words before its first character that is not ASCII to a few behind the last. `opens`: it stands
        at the beginning of a line, and not behind another."""
        tokens = self._read_sentences.get((sentence, opens))
        if tokens is not None:
            return tokens
        first, last = len(sentence) - len(sentence.lstrip(_ASCII)), len(sentence.rstrip(_ASCII))
        low = max(first - 2 * _LATIN, sentence.rfind(" ", 0, max(0, first - _LATIN)) + 1, 0)
        high = sentence.find(" ", last + _LATIN, last + 2 * _LATIN)
        piece = sentence[low : high if high >= 0 else last + 2 * _LATIN]
        tokens = self._tokens(piece if opens or low else _STOP + piece, low if opens or low else -1)
        if tokens and tokens[0].start < 0:
            tokens = tokens[1:] if not tokens[0].end else self._tokens(piece)
        if len(sentence) <= MEMORABLE:
            if len(self._read_sentences) >= _LINES_KEPT:
                self._read_sentences.clear()
            self._read_sentences[sentence, opens] = tokens
        return tokens

    def _row_tokens(self, line: str) -> list[Token]:
        """Tokens of a row or a list, from the first to the last cell that is not just ASCII."""
        first, last = len(line) - len(line.lstrip(_ASCII)), len(line.rstrip(_ASCII))
        low = max(0, line.rfind(",", 0, first), line.rfind("\t", 0, first))
        high = min(at + 1 for at in (line.find(",", last), line.find("\t", last), len(line) - 1) if at >= 0)
        return self._tokens(line[low:high], low)

    def _tokens(self, line: str, offset: int = 0) -> list[Token]:
        """Morphemes of a piece of a line that is at `offset` of it."""
        tokens = []
        known = self._known
        kinds = self._part_kinds
        make = tuple.__new__  # a tenth of the time of a line is the making of tokens
        for morpheme in self._tokenizer.tokenize(line if OLD_CHARACTERS.isdisjoint(line) else line.translate(OLD_FORMS)):
            part = morpheme.part_of_speech_id()
            start, end = morpheme.begin(), morpheme.end()
            text = line[start:end]
            seen = known.get((text, part))
            if seen is None:
                if part not in kinds:
                    speech = morpheme.part_of_speech()
                    kinds[part] = (_token_kind(speech), "/".join(speech[:4]))
                if len(known) >= _KEPT:
                    known.clear()
                seen = known[text, part] = (text, kinds[part][0], *self._seen(text, *kinds[part], morpheme.normalized_form()))
            tokens.append(make(Token, (start + offset, end + offset, *seen)))
        return tokens

    def _seen(self, text: str, kind: str, speech: str, normal: str) -> tuple[Traits, int]:
        """What the tagger is told of a token, and the token's role. `normal`: the word without inflection, in its usual spelling."""
        return LateTraits(partial(self._told, text, speech, normal)), self._role(text, kind, speech)

    def _told(self, text: str, speech: str, normal: str) -> tuple[tuple[str, ...], tuple[str, str, str]]:
        """The features of a token alone, and what it shows its neighbours."""
        listed = self.names.kinds(text)
        kinds = "".join([word for word in ("姓", "名", "人名", "地名", "固有", "他") if word in listed]) + self._readings(text)
        shape = _shortened(text.translate(_SHAPES)) + str(min(len(text), 4))
        plain = "0" if text.isdecimal() else text
        office = "o" if text[-1:] in _OFFICE_LAST and (_AFTER_PERSON.fullmatch(text) or _OFFICE_NEXT.fullmatch(text)) else ""
        alone = (f"w{plain}", f"p{speech}", f"k{speech}{kinds}", f"s{shape}", f"o{office}{shape[0]}")
        parts = (f"f{text[:1]}", f"l{text[-1:]}", f"g{text[:2]}", f"e{text[-2:]}", f"t{text[-3:]}")
        small, middle, large = self._groups.of(normal) or self._groups.of(text) or ("-", "-", "-")
        alike = (f"b{normal}", f"x{small}", f"y{middle}", f"z{large}{shape[:1]}", f"v{middle}{kinds}")
        return alone + parts + alike, (plain, f"{speech}{kinds}{office}", f"{shape[:2]}{large}")

    def _readings(self, text: str) -> str:
        """S where kana are the reading of a surname, G where of a given name."""
        if _PLAIN_KANJI.match(text):  # no reading begins so
            return ""
        kana = katakana(text)
        return ("S" if kana in self.names.surname_readings else "") + ("G" if kana in self.names.given_readings else "")

    def _role(self, text: str, kind: str, speech: str) -> int:
        """Whether a name can hold the token (OPEN), and whether it is a reason to look (HOPEFUL)."""
        if kind in _NAME_KINDS:
            return HOPEFUL
        listed = self.names.kinds(text)
        if not listed.isdisjoint(_NAME_KINDS):
            return HOPEFUL
        if text in _JOINING:
            return OPEN
        if not text.strip() or speech.startswith(_CLOSED_SPEECH) or text[0].isdigit():
            return CLOSED
        if "固有名詞" in speech or not listed or (len(text) > 1 and self._readings(text)):
            return HOPEFUL
        return HOPEFUL if "他" not in listed and _UNKNOWN_NAME.fullmatch(text) else OPEN

    # ------------------------------------------------------------------ kanji, and kana the dictionary knows

    def _joined(self, line: str, tokens: list[Token], regions: list[tuple[int, int]]) -> Iterator[Claim]:
        at = 0
        while at < len(tokens):
            if tokens[at].role != HOPEFUL:  # neither tagged as a name nor listed as one
                at += 1
                continue
            taken = self._full(line, tokens, at) or self._single(line, tokens, at)
            if taken is None:
                at += 1
                continue
            claim, size = taken
            yield self._weighed(line, claim, regions)
            at += size

    def _surnames(self, token: Token) -> bool:
        if token.kind == "姓":
            return True
        if token.kind == "記号":
            return False
        return (
            token.kind in ("地名", "固有", "人名", "他", "名")
            and bool(_JAPANESE.match(token.text))
            and "姓" in self.names.kinds(token.text)
        )

    def _full(self, line: str, tokens: list[Token], at: int) -> tuple[Claim, int] | None:
        """A surname, perhaps a blank, and a given name."""
        first = tokens[at]
        if not self._surnames(first) or at + 1 >= len(tokens):
            return None
        blank = tokens[at + 1].text in (" ", "　")
        place = at + 1 + blank
        if place >= len(tokens):
            return None
        second = tokens[place]
        score, end, size = self._given_score(line, first, second, tokens, place, blank)
        if not score:
            return None
        if at and tokens[at - 1].kind == "地名" and tokens[at - 1].end == first.start and _PLACE_END.search(tokens[at - 1].text):
            score = min(score, 0.4)
        thing = not blank and _THING_AFTER.match(line, end) and not _OFFICE_NEXT.match(line, end)
        company = _COMPANY_BEFORE.search(line, max(0, first.start - _REACH), first.start) or thing
        if company and not _HONORIFIC_NEXT.match(line, end):
            score = min(score, 0.4)
        return Claim(first.start, end, score), place - at + size

    def _given_score(self, line: str, first: Token, second: Token, tokens: list[Token], place: int, blank: bool) -> tuple[float, int, int]:
        sure = first.kind == "姓"
        edge = bool(_BOUNDARY.match(line, second.end))
        if second.kind == "名":
            if not blank and self._is_compound(first, second):
                return (0.4, second.end, 1)
            one_kanji = len(first.text) == 1
            if one_kanji and not blank and len(second.text) == 1:
                return (0.4, second.end, 1)
            joined = self._given_of_two(line, first, second, tokens, place)
            if joined:
                return joined
            apart = blank and len(second.text) > 1 and len(first.text) + len(second.text) > 2
            return (FULL if sure or apart else HONORED, second.end, 1)
        if blank and sure:
            run = _GIVEN_RUN.match(line, second.start)
            if run and run.end() > second.end and "名" in self.names.kinds(run[0]) and not _AFTER_PERSON.match(run[0]):
                pieces = [token for token in tokens[place : place + 4] if token.end <= run.end()]
                if pieces and pieces[-1].end == run.end():
                    return (FULL, run.end(), len(pieces))  # 山田 明日香: falls apart into a word and a character
        if second.kind in ("姓", "他", "地名", "固有", "人名") and "名" in self.names.kinds(second.text) and edge:
            if (len(second.text) == 1 and second.text in "様殿氏君宛方社店") or _AFTER_PERSON.match(second.text):
                return (0.0, 0, 0)
            if blank and (sure or second.kind == "姓"):
                return (HONORED if len(first.text) > 1 else 0.6, second.end, 1)
            return (0.6 if sure and len(first.text) > 1 else 0.45, second.end, 1)
        edge = edge or (blank and bool(_PARTICLE_NEXT.match(line, second.end)))
        if (
            blank
            and (sure or len(first.text) > 1)
            and edge
            and len(second.text) > 1
            and _HIRAGANA_ONLY.fullmatch(second.text)
            and self.names.given(second.text)
        ):
            return (0.7, second.end, 1)  # 宮崎 あかり: the word is an ordinary one, its reading a given name's
        run = _KANJI_RUN.match(line, second.start)
        if (
            run
            and sure
            and len(first.text) > 1
            and len(run[0]) <= 3
            and _BOUNDARY.match(line, run.end())
            and not _AFTER_PERSON.match(run[0])
        ):
            pieces = [token for token in tokens[place : place + 4] if token.end <= run.end()]
            whole_cell = _alone(line, first.start, run.end())
            if (
                pieces
                and pieces[-1].end == run.end()
                and all(self._may_be_given(piece, whole_cell) for piece in pieces)
                and (blank or whole_cell)
            ):
                return (0.7 if blank and whole_cell else 0.55, run.end(), len(pieces))
        return (0.0, 0, 0)

    def _given_of_two(self, line: str, first: Token, second: Token, tokens: list[Token], place: int) -> tuple[float, int, int] | None:
        """遠藤陽翔: a given name that falls apart into two characters, each of them one too."""
        if len(second.text) > 1 or place + 1 >= len(tokens) or first.kind != "姓":
            return None
        third = tokens[place + 1]
        if len(third.text) != 1 or not _KANJI.match(third.text) or third.start != second.end or not self.names.given(third.text):
            return None
        if _AFTER_PERSON.match(third.text) or not _BOUNDARY.match(line, third.end):
            return None
        return (FULL, third.end, 2)

    def _is_compound(self, first: Token, second: Token) -> bool:
        """平座金, a washer: the last two kanji are a word, and the last alone is a given name least of all."""
        return (
            len(first.text) == 2
            and len(second.text) == 1
            and "地名" not in self.names.kinds(first.text)
            and self.names.kinds(second.text) > {"名", "他"}
            and self.names.kinds(first.text[1] + second.text) == {"他"}
        )

    def _may_be_given(self, piece: Token, whole_cell: bool) -> bool:
        """An unknown given name falls apart into single kanji; a longer word of the dictionary is just that word."""
        if (
            _THING_AFTER.match(piece.text)
            or _AFTER_PERSON.fullmatch(piece.text)
            or piece.text in ("は", "が", "の", "を", "に", "も", "と", "へ", "や")
        ):
            return False
        return len(piece.text) == 1 or piece.kind in ("名", "姓") or (whole_cell and not self.names.kinds(piece.text))

    def _single(self, line: str, tokens: list[Token], at: int) -> tuple[Claim, int] | None:
        """A surname, given name or whole name of one token."""
        token = tokens[at]
        honored = bool(_AFTER_PERSON.match(line, token.end)) and token.text not in _NEVER_HONORED
        strictly = honored and bool(_HONORIFIC_NEXT.match(line, token.end))
        if token.kind == "他" and not strictly:
            return None
        if token.kind in ("姓", "名", "人名") or (strictly and self._surnames(token)):
            return Claim(token.start, token.end, self._single_score(line, tokens, at, honored, strictly)), 1
        return None

    def _single_score(self, line: str, tokens: list[Token], at: int, honored: bool, strictly: bool) -> float:
        token = tokens[at]
        before = tokens[at - 1] if at else None
        if _COMPANY_BEFORE.search(line, max(0, token.start - _REACH), token.start):
            return 0.2
        glued = (
            before is not None
            and before.end == token.start
            and bool(re.match("[々一-龠ァ-ヴー]", before.text[-1:]))
            and before.kind != "他"
        )
        if honored and not (
            token.kind not in ("姓", "名", "人名") and before and before.end == token.start and _JAPANESE.match(before.text[-1])
        ):
            if token.kind == "名":
                return LIKELY if strictly and not glued else 0.35
            if re.fullmatch("[ぁ-んー]{1,2}", token.text):  # やまさん: shops, and endings of verbs
                return 0.4
            return HONORED if not glued else 0.6
        if _THING_AFTER.match(line, token.end):
            return 0.1
        if token.kind == "人名" and len(token.text) >= 3:
            return HONORED if not token.text.isascii() and not re.fullmatch("[ァ-ヴー]+", token.text) else 0.4
        if token.kind == "姓" and len(token.text) > 1 and _BEFORE_PERSON.search(line, max(0, token.start - _REACH), token.start):
            return 0.6
        return BARE

    def _weighed(self, line: str, claim: Claim, regions: list[tuple[int, int]]) -> Claim:
        """A label before raises; so does standing for itself in the label's whole value."""
        if claim.score > 0.2 and any(start <= claim.start and claim.end <= end for start, end in regions):
            return claim._replace(score=max(claim.score, LABELLED))
        return claim

    # ------------------------------------------------------------------ other scripts

    def _kana(self, line: str, regions: list[tuple[int, int]]) -> Iterator[Claim]:
        """Two words of kana that are readings of a surname and a given name, in either kind of kana."""
        for match in _KANA_PAIR.finditer(line):
            surname, given = (part for part in match.groups() if part)
            if any(start <= match.start() < end for start, end in regions):
                yield Claim(match.start(), match.end(), LABELLED)
            elif len(surname) + len(given) >= 4 and self.names.surname(surname) and self.names.given(given):
                hiragana = match["h"] is not None
                apart = _apart(line, match.start(), match.end())
                yield Claim(match.start(), match.end(), HONORED if apart else (0.35 if hiragana else 0.55))

    def _cells(self, line: str) -> Iterator[Claim]:
        """Two words alone in a cell of a row: a given name behind what may be a surname that the dictionary lacks."""
        for match in _NAME_CELL.finditer(line):
            first, second = match["first"], match["second"]
            kinds, given = self.names.kinds(first), self.names.kinds(second)
            if _THING_AFTER.match(second) or _AFTER_PERSON.match(second):
                continue
            known = "姓" in kinds and (not given or "名" in given)
            unlisted = not kinds and len(first) < 5 and not _LABEL_LIKE.search(first)
            wide = "\u3000" in match["name"] and len(first) < 4 and not _LABEL_LIKE.search(first)  # hardly anything else is written so
            if known or ("名" in given and len(second) > 1 and (unlisted or wide or self.names.surname(first))):
                yield Claim(*match.span("name"), 0.65)

    def _foreign(self, line: str) -> Iterator[Claim]:
        for match in _FOREIGN.finditer(line):
            parts = re.split("[・＝=･]", match[0])
            known = sum(self._foreign_part(part) for part in parts)
            if known and not _THING_AFTER.match(line, match.end()):
                every = known >= len(parts) - (len(parts) > 2)
                honored = bool(_HONORIFIC_NEXT.match(line, match.end()))
                yield Claim(match.start(), match.end(), FULL if every or honored else 0.45)

    def _foreign_part(self, part: str) -> bool:
        kinds = self.names.kinds(part)
        return bool(kinds & {"人名", "名", "姓"}) and "他" not in kinds

    def _honored_runs(self, line: str) -> Iterator[Claim]:
        """佐藤心春様, 南 修 様: a surname, a given name that the dictionary may lack, and an honorific."""
        for match in _HONORED_RUN.finditer(line):
            run, first, rest = match["first"] + match["rest"], match["first"], match["rest"]
            if match["blank"]:
                good = bool(rest) and self.names.surname(first) and (not self.names.kinds(rest) or self.names.given(rest))
            else:
                cuts = (cut for cut in (3, 2, 1) if 1 <= len(run) - cut <= 3 and self.names.surname(run[:cut]))
                listed = any((cut > 1 and not self.names.kinds(run[cut:])) or self.names.given(run[cut:]) for cut in cuts if len(run) > 2)
                good = len(run) > 1 and not self.names.kinds(run) and (listed or self._is_two(run))
            if match["blank"] and (_OFFICE_LIKE.search(rest) or self.names.kinds(rest) == {"他"}):
                good, rest = self.names.surname(first), ""
            if good and not rest and match["blank"]:
                yield Claim(match.start(), match.end("first"), 0.8)
            elif good:
                yield Claim(match.start(), match.end("rest"), 0.6 if not _AFTER_PERSON.search(run) else 0.2)

    def _is_two(self, run: str) -> bool:
        """森凛, 南修: a surname and a given name of one character each."""
        return len(run) == 2 and "姓" in self.names.kinds(run[0]) and self.names.given(run[1])

    def _romaji(self, line: str) -> Iterator[Claim]:
        for match in _ROMAJI.finditer(line):
            first, second = match[1], match[3]
            if _NOT_ROMAJI_AFTER.match(line, match.end()) or (
                {first.lower(), second.lower()} & _ROMAJI_WORDS and not _in_own_field(line, *match.span())
            ):
                continue
            if min(len(first), len(second)) < 3 and not (first.isupper() or len(first) + len(second) >= 6):
                continue
            if self._romaji_pair(first, second) or ("," not in match[2] and self._romaji_pair(second, first)):
                yield Claim(match.start(), match.end(), 0.8 if len(first) + len(second) > 6 else 0.6)
        for match in _INITIAL.finditer(line):
            if len(match[2]) >= 4 and match[2].lower() not in _ROMAJI_WORDS and self.names.surname_romaji(match[2]):
                good = not _NOT_ROMAJI_AFTER.match(line, match.end())
                yield Claim(match.start(), match.end(), 0.6 if good else 0.2)

    def _romaji_pair(self, surname: str, given: str) -> bool:
        return self.names.surname_romaji(surname) and self.names.given_romaji(given)

    # ------------------------------------------------------------------ labels

    def _labelled(self, line: str, tokens: list[Token], regions: list[tuple[int, int]], claims: list[Claim]) -> Iterator[Claim]:
        """What stands behind a label and looks like a name the dictionary does not know."""
        for start, end in regions:
            whole = self._whole_value(line, start, end)
            if whole:
                yield Claim(start, whole, LABELLED + 0.01)
                continue
            if any(start <= claim.start and claim.end <= end and claim.score > BARE for claim in claims):
                continue
            shape = _NAME_SHAPE.match(line, start)
            if shape is None or not _BOUNDARY.match(line, shape.end()):
                continue
            stop = shape.end()
            honorific = re.search(rf"[ 　]?(?:{_HONORIFIC}|{_TITLES})$", shape[0])
            if honorific and honorific.start():
                stop = start + honorific.start()
            inside = [token for token in tokens if start <= token.start and token.end <= stop]
            if stop - start >= 2 and not any(self._is_word(token) for token in inside):
                yield Claim(start, stop, 0.7)

    def _whole_value(self, line: str, start: int, end: int) -> int:
        """The end of a label's value that is a whole name for sure: a surname and something that can be a given name; 0 if it is none."""
        value = line[start:end].rstrip(" 　")
        honorific = re.search(rf"[ 　]?(?:{_HONORIFIC})$", value)
        value = value[: honorific.start()] if honorific and honorific.start() else value
        words = re.split("[ 　]", value)
        if len(words) == 2 and all(words) and _NAME_SHAPE.fullmatch(value) and not _THING_AFTER.fullmatch(words[1]):
            surname, given = words
            kinds = self.names.kinds(given)
            return start + len(value) if self.names.surname(surname) and (not kinds or self.names.given(given)) else 0
        if len(words) > 1 or not 2 <= len(value) <= 18 or _AFTER_PERSON.fullmatch(value[-2:]):
            return 0
        if _KANA_VALUE.fullmatch(value):
            return start + len(value) if not self.names.kinds(value) & {"他", "地名"} and any(self.names.read(value)) else 0
        if len(value) > 7 or self.names.kinds(value) or not _KANJI.match(value) or not _JAPANESE_VALUE.fullmatch(value):
            return 0
        cuts = (cut for cut in (3, 2, 1) if cut < len(value) <= cut + 4 and "姓" in self.names.kinds(value[:cut]))
        return start + len(value) if any(self.names.given(value[cut:]) for cut in cuts) else 0

    def _is_word(self, token: Token) -> bool:
        common = len(token.text) > 1 and token.kind in ("他", "地名", "固有") and bool(self.names.kinds(token.text))
        return bool(_THING_AFTER.match(token.text)) or (common and not self.names.kinds(token.text) & {"姓", "名", "人名"})


def _token_kind(part: tuple[str, ...]) -> str:
    if part[2] == "人名":
        return part[3] if part[3] in ("姓", "名") else "人名"
    if part[2] == "地名":
        return "地名"
    if part[0] in ("補助記号", "空白", "記号"):
        return "記号"
    return "固有" if part[1] == "固有名詞" else "他"


@lru_cache(4096)
def _shortened(shape: str) -> str:
    """KKKh as K+h."""
    return _REPEATED.sub(r"\1+", shape)


def _is_prose(line: str) -> bool:
    """Sentences, not a table's row or a list: particles, and hardly a separator."""
    return bool(_SENTENCE.search(line)) and len(_SEPARATOR.findall(line)) <= 2


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sentences(line: str) -> list[tuple[int, int]]:
    """[start, end) of the sentences of a line, each with its full stop."""
    found, start = [], 0
    while start < len(line):
        end = line.find(_STOP, start) + 1 or len(line)
        found.append((start, end))
        start = end
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """(offset, line); a line of more than 4,000 characters comes in parts, since Sudachi takes at most 49,149 bytes."""
    start = 0
    for line in re.split("[\n\r\x0b\x0c\u2028]", text):
        for cut in range(0, len(line), _MAX_LINE):
            yield start + cut, line[cut : cut + _MAX_LINE]
        start += len(line) + 1


_EDGE: Final = re.compile(r"[\s,、。;；:：|│/／()（）\[\]【】「」『』<>＜＞\"”・\t]")


def _alone(line: str, start: int, end: int) -> bool:
    """The span is all there is between delimiters (a cell, a line), a following honorific left out."""
    after = _HONORIFIC_NEXT.match(line, end)
    end = after.end() if after else end
    return (start == 0 or bool(_EDGE.match(line[start - 1]))) and (end == len(line) or bool(_EDGE.match(line[end])))


def _in_own_field(line: str, start: int, end: int) -> bool:
    """As `_alone`, the field not being the whole line unless a label opens it."""
    left, right = line[:start].rstrip(" 　"), line[end:].lstrip(" 　")
    return (bool(left) and left[-1] in ':：,\t"') and (not right or right[0] in ',\t"\r')


def _apart(line: str, start: int, end: int) -> bool:
    """As `_alone`, but a blank does not count as a delimiter: kana words are everywhere."""
    after = _AFTER_PERSON.match(line, end)
    end = after.end() if after else end
    left = line[start - 1] if start else ","
    right = line[end] if end < len(line) else ","
    return bool(_EDGE.match(left)) and left not in " 　" and bool(_EDGE.match(right)) and right not in " 　"


RECOGNIZERS: tuple[type[EntityRecognizer], ...] = (JapanesePersonRecognizer,)
