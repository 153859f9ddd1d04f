"""Input for the benchmarks: invented people in extracts, prose, logs and office files; the same bytes every time."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

PDF_LINES, PDF_COLUMNS = 40, 84
SURNAMES = "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 清水 山崎 森 池田 橋本 阿部 石川 前田 藤田 後藤 岡田".split()
SURNAME_KANA = "サトウ スズキ タカハシ タナカ イトウ ワタナベ ヤマモト ナカムラ コバヤシ カトウ ヨシダ ヤマダ ササキ ヤマグチ マツモト イノウエ キムラ ハヤシ サイトウ シミズ ヤマザキ モリ イケダ ハシモト アベ イシカワ マエダ フジタ ゴトウ オカダ".split()
GIVEN = "翔太 健一 美咲 陽子 大輔 直樹 由美 恵子 拓也 愛 誠 真由美 健太 彩 浩 智子 亮 千尋 修 明日香".split()
GIVEN_KANA = "ショウタ ケンイチ ミサキ ヨウコ ダイスケ ナオキ ユミ ケイコ タクヤ アイ マコト マユミ ケンタ アヤ ヒロシ トモコ リョウ チヒロ オサム アスカ".split()
TOWNS = "東京都千代田区丸の内 東京都港区芝公園 大阪府大阪市北区梅田 愛知県名古屋市中区栄 北海道札幌市中央区大通西 福岡県福岡市博多区博多駅前 神奈川県横浜市西区高島 京都府京都市下京区東塩小路町 宮城県仙台市青葉区中央 広島県広島市中区基町".split()
ENGLISH = "The committee met to review the quarterly schedule and agreed to postpone the second phase until the supplier confirms delivery".split()
JAPANESE = "本日の会議では来月の生産計画について確認しました。 部品の納期が遅れているため、工程を見直す必要があります。 品質の記録は別紙のとおりです。 次回は資料を準備してから打ち合わせを行います。 設備の点検は予定どおり完了しました。".split()


def person(rng: random.Random, number: int) -> tuple[str, ...]:
    """name, kana, postal code, address, landline, mobile, e-mail; phone blocks 0000-0999 and example domains only."""
    s, g = rng.randrange(len(SURNAMES)), rng.randrange(len(GIVEN))
    town = rng.choice(TOWNS)
    return (
        f"{SURNAMES[s]} {GIVEN[g]}",
        f"{SURNAME_KANA[s]} {GIVEN_KANA[g]}",
        f"{rng.randrange(100, 999)}-{rng.randrange(10_000):04}",
        f"{town}{rng.randrange(1, 9)}-{rng.randrange(1, 30)}-{rng.randrange(1, 30)}",
        f"03-{rng.randrange(3000, 6999)}-{rng.randrange(10_000):04}",
        f"090-{rng.randrange(1000, 9999)}-{rng.randrange(10_000):04}",
        f"user{number}.{rng.randrange(1000)}@example.co.jp",
    )


HEADER = ("顧客番号", "氏名", "フリガナ", "郵便番号", "住所", "電話番号", "携帯電話", "メールアドレス")


def extract_lines(seed: int = 1) -> Iterator[str]:
    """An endless customer extract, CSV with a header."""
    rng = random.Random(seed)
    yield ",".join(HEADER)
    number = 0
    while True:
        number += 1
        yield ",".join((f"C{number:08}", *person(rng, number)))


def dump_lines(seed: int = 4) -> Iterator[str]:
    """An endless dump of the same customers, 200 rows in each INSERT."""
    rng = random.Random(seed)
    names = ("id", "name", "kana", "zip", "address", "tel", "mobile", "email")
    yield f"CREATE TABLE `customers` ({', '.join(f'`{name}` varchar(200)' for name in names)});"
    number = 0
    while True:
        rows = []
        for _ in range(200):
            number += 1
            rows.append(f"({number}," + ",".join(f"'{value}'" for value in person(rng, number)) + ")")
        yield f"INSERT INTO `customers` VALUES {','.join(rows)};"


def prose_lines(seed: int = 2) -> Iterator[str]:
    """Japanese and English prose by turns, one line in eight with data, in the language of its line."""
    rng = random.Random(seed)
    number = 0
    while True:
        number += 1
        japanese = number % 2
        line = "".join(rng.choices(JAPANESE, k=3)) if japanese else " ".join(rng.choices(ENGLISH, k=24)) + "."
        if number % 16 == 7:
            name, _, _, address, phone, _, mail = person(rng, number)
            line += f"担当は{name}様、住所は{address}、電話 {phone}、メールは{mail}です。"
        elif number % 16 == 14:
            line += f" Please contact Mr. John Carter at +1 202-555-{rng.randrange(100, 200):04} or carter{number}@example.com."
        yield line


def log_lines(seed: int = 3) -> Iterator[str]:
    """Log lines full of numbers and nothing personal."""
    rng = random.Random(seed)
    number = 0
    while True:
        number += 1
        yield (
            f"2026-11-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:{number * 7 % 60:02}.{rng.randrange(1000):03}Z INFO "
            f"worker[{rng.randrange(10_000)}] request={rng.randrange(16**12):012x} bytes={rng.randrange(10**9)} "
            f"latency_ms={rng.random() * 100:.3f} part=AB-{rng.randrange(10**4):04}-{rng.randrange(10**6):06} status={rng.choice((200, 204, 304, 404))}"
        )


def write_lines(path: Path, lines: Iterator[str], size: int, encoding: str = "utf-8") -> Path:
    """Lines into a file until it has `size` bytes."""
    done = 0
    with path.open("wb") as out:
        block: list[str] = []
        for line in lines:
            block.append(line)
            if len(block) == 2_000 or len(line) > 10_000:
                data = ("\n".join(block) + "\n").encode(encoding, "replace")
                out.write(data)
                done += len(data)
                block.clear()
                if done >= size:
                    break
    return path


def docx(paragraphs: list[str]) -> bytes:
    """The least Word document that holds these paragraphs."""
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return _package(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/word/document.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
            "</Relationships>",
            "word/document.xml": f'<?xml version="1.0"?><w:document xmlns:w="{name}"><w:body>{body}</w:body></w:document>',
        }
    )


def xlsx(rows: list[list[str]]) -> bytes:
    """The least workbook that holds these rows, their texts shared as Excel shares them."""
    shared: dict[str, int] = {}
    body = "".join(
        f'<row r="{number}">'
        + "".join(f'<c r="{chr(65 + at)}{number}" t="s"><v>{shared.setdefault(value, len(shared))}</v></c>' for at, value in enumerate(row))
        + "</row>"
        for number, row in enumerate(rows, 1)
    )
    strings = "".join(f"<si><t>{text}</t></si>" for text in shared)
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    package = "http://schemas.openxmlformats.org/package/2006"
    return _package(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
            f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{name}" xmlns:r="{office}"><sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/worksheet" '
            f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{name}"><sheetData>{body}</sheetData></worksheet>',
            "xl/sharedStrings.xml": f'<sst xmlns="{name}">{strings}</sst>',
        }
    )


def pdf(lines: Iterable[str], pages: int) -> bytes:
    """Pages of 40 lines of at most 42 full-width characters, as a letter has, in a font of Japanese that is not in the file."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    buffer = io.BytesIO()
    page = Canvas(buffer, invariant=1)
    broken = list(islice((part for line in lines for part in _broken(line)), pages * PDF_LINES))
    for start in range(0, len(broken), PDF_LINES):
        page.setFont("HeiseiMin-W3", 12)
        for at, line in enumerate(broken[start : start + PDF_LINES]):
            page.drawString(45, 800 - 19 * at, line)
        page.showPage()
    page.save()
    return buffer.getvalue()


def _broken(line: str) -> Iterator[str]:
    """A paragraph as lines of a page."""
    part, columns = "", 0
    for character in line:
        wide = 1 + (ord(character) > 0xFF)
        if columns + wide > PDF_COLUMNS:
            yield part
            part, columns = "", 0
        part, columns = part + character, columns + wide
    yield part


def _package(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for part, text in parts.items():
            package.writestr(zipfile.ZipInfo(part, (2026, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def upto(lines: Iterator[str], size: int) -> list[str]:
    """Lines until they have `size` bytes, fit for XML."""
    taken, done = [], 0
    for line in lines:
        taken.append(line.replace("&", "and"))
        done += len(line.encode())
        if done >= size:
            break
    return taken


def office_folder(folder: Path, count: int, size: int = 1_000_000, *, first: int = 0) -> Path:
    """`count` Word documents of `size` bytes of text each, every second with data. Another `first` (even) makes other ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        made = prose_lines(number) if number % 2 else log_lines(number)
        (folder / f"report-{number}.docx").write_bytes(docx(upto(made, size)))
    return folder


def book_folder(folder: Path, count: int, size: int = 1_000_000, *, first: int = 0) -> Path:
    """`count` workbooks of `size` bytes of text each, every second an extract of customers, the others numbers and codes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        lines = upto(extract_lines(number) if number % 2 else (line.replace(" ", ",") for line in log_lines(number)), size)
        (folder / f"list-{number}.xlsx").write_bytes(xlsx([line.split(",") for line in lines]))
    return folder


def pdf_folder(folder: Path, count: int, pages: int = 25, *, first: int = 0) -> Path:
    """`count` files of so many pages of prose, one paragraph in eight with data."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        (folder / f"letter-{number}.pdf").write_bytes(pdf(prose_lines(number), pages))
    return folder


def mixed_share(folder: Path, size: int) -> Path:
    """About `size` bytes of files: half Office and PDF, half text and tables."""
    number, quarter = 0, size // 8
    for kind, make in (("docx", office_folder), ("xlsx", book_folder), ("pdf", pdf_folder)):
        # half of a half for Word, a quarter of it each for the others
        wanted, made = quarter * (2 if kind == "docx" else 1), 0
        while made < wanted:
            place = make(folder / kind / str(number), 2, first=2 * number)  # no two files alike: contents are read once
            number += 1
            made += sum(path.stat().st_size for path in place.iterdir())
    for name, lines, encoding in (("customers.csv", extract_lines, "cp932"), ("minutes.txt", prose_lines, "utf-8")):
        write_lines(folder / name, lines(7), quarter, encoding)
    write_lines(folder / "customers.sql", dump_lines(7), quarter)
    write_lines(folder / "server.log", log_lines(7), quarter)
    return folder


LOADS: dict[str, tuple[Callable[[int], Iterator[str]], str]] = {
    "CSV extract, CP932": (extract_lines, "cp932"),
    "CSV extract, UTF-8": (extract_lines, "utf-8"),
    "SQL dump, extended INSERTs": (dump_lines, "utf-8"),
    "prose, Japanese and English": (prose_lines, "utf-8"),
    "log lines, nothing personal": (log_lines, "utf-8"),
}
