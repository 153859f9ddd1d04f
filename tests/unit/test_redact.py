"""Plain forms, masks, the key and its fingerprints, by example."""

from __future__ import annotations

import base64
import os
import pickle
import stat
import struct
from pathlib import Path

import pyarrow as pa
import pytest

from scanner.redact import REGULATED, Fingerprinter, Key, KeyFileError, check_key_apart, is_mask, key_path, load_key, mask, normalise

KEY = Key.from_secret(bytes(range(32)))
PINNED = {
    "key_id": "9fa0889c702d41a8",
    "EMAIL_ADDRESS": 5203099513371930963,
    "PHONE_NUMBER": 10184567158216375905,
    "PERSON": 14774446709011958673,
}

SAME = {
    "PHONE_NUMBER": [
        {"090-0000-1234", "０９０−００００−１２３４", "09000001234", "+81 90-0000-1234", "+81 (0)90 0000 1234", "0081-90-0000-1234",
         "9000001234"},
        {"03-0000-1234", "(03) 0000-1234", "03ー0000ー1234", "０３（００００）１２３４", "03-0000-1234 内線12", "+81-3-0000-1234"},
        {"(415) 555-0101", "+1 415 555 0101", "1-415-555-0101"},
        {"+44 20 7946 0000", "+442079460000"},
    ],
    "EMAIL_ADDRESS": [{"Taro@Example.JP", "taro@example.jp", "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", " taro@example.jp "}],
    "JP_POSTAL_CODE": [{"〒100-0013", "１００−００１３", "1000013", "100ー0013"}],
    "CREDIT_CARD": [{"4111 1111 1111 1111", "4111-1111-1111-1111", "４１１１１１１１１１１１１１１１"}],
    "JP_PASSPORT": [{"TK1234567", "tk 123-4567", "ＴＫ１２３４５６７"}],
    "PERSON": [
        {"山田太郎", "山田 太郎", "山田　太郎", "山田・太郎", "山田 太郎様", "山田太郎さん", "山田太郎 殿", "山田太郎氏", "山田太郎様様"},
        {"高橋花子", "髙橋 花子", "髙橋花子さま"},
        {"ヤマダタロウ", "ﾔﾏﾀﾞ ﾀﾛｳ", "やまだ たろう", "ヤマダ・タロウ"},
        {"渡辺一郎", "渡邊一郎", "渡邉 一郎"},
        {"葛城一郎", "葛\U000e0100城一郎"},
        {"Taro Yamada", "YAMADA Taro", "Yamada, Taro", "Mr. Taro Yamada", "Ｔａｒｏ Ｙａｍａｄａ"},
        {"José García", "Jose Garcia"},
    ],
    "ADDRESS": [
        {
            "東京都千代田区霞が関1丁目2番3号",
            "東京都千代田区霞ヶ関１−２−３",
            "〒100-0013 東京都千代田区霞ケ関1-2-3",
            "千代田区霞が関一丁目二番三号",
            "東京都 千代田区 霞が関 1-2-3",
            "東京都千代田区霞が関1丁目2番地3",
            "東京都千代田区霞が関1丁目2番地の3",
        },
        {"1-2-3 101号室", "1丁目2-3-101号室"},
        {"123 Main St., Springfield", "123 MAIN ST Springfield"},
    ],
    "DATE_OF_BIRTH": [
        {
            "1985-04-01", "1985/4/1", "1985.04.01", "1985年4月1日", "昭和60年4月1日", "S60.4.1", "昭60/4/1", "19850401",
            "１９８５年０４月０１日",
            "昭和六十年四月一日", "April 1, 1985", "1 Apr 1985", "1985-04-01 00:00:00", "1985-04-01T00:00:00Z", "04/01/1985",
            "1985年4月1日(月)",
        },
        {"平成元年1月8日", "H1.1.8", "1989-01-08"},
        {"13/2/1990", "1990-02-13"},
    ],
}  # fmt: skip

DIFFERENT = [
    ("PERSON", "斎藤一", "斉藤一"),
    ("PERSON", "山田 さくら", "山田 サクラ"),
    ("PHONE_NUMBER", "090-0000-1234", "090-0000-1235"),
    ("PHONE_NUMBER", "+44 90 0000 1234", "090-0000-1234"),
    ("ADDRESS", "霞が関1-23", "霞が関12-3"),
    ("ADDRESS", "霞が関1-2 3", "霞が関1-23"),
    ("DATE_OF_BIRTH", "1985-04-01", "1985-01-04"),
    ("DATE_OF_BIRTH", "1985-13-45", "1985-01-01"),
]


@pytest.mark.parametrize(("kind", "spellings"), [(kind, group) for kind, groups in SAME.items() for group in groups])
def test_spellings_of_one_value_share_a_plain_form(kind: str, spellings: set[str]) -> None:
    assert len({normalise(kind, value) for value in spellings}) == 1


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT)
def test_different_values_stay_different(kind: str, one: str, other: str) -> None:
    assert normalise(kind, one) != normalise(kind, other)


def test_plain_forms_read_as_documented() -> None:
    assert normalise("PHONE_NUMBER", "+81 90-0000-1234") == "09000001234"
    assert normalise("ADDRESS", "東京都千代田区霞が関一丁目2番3号 コーポ101") == "千代田区霞ケ関1-2-3コーポ101"
    assert normalise("ADDRESS", "東京都千代田区三番町1番地の2") == "千代田区三番町1-2"
    assert normalise("DATE_OF_BIRTH", "令和元年5月1日") == "2019-05-01"
    assert normalise("PERSON", "鵜殿") == normalise("PERSON", "鵜殿様") == "鵜殿"
    assert normalise("SENSITIVE_HEALTH", "Ｄｉａｂｅｔｅｓ  Type 2") == "diabetes type 2"


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("PHONE_NUMBER", "090-0000-1234", "###-####-####"),
        ("PHONE_NUMBER", "０９０ー００００ー１２３４", "###-####-####"),
        ("EMAIL_ADDRESS", "taro.yamada@example.co.jp", "****.******@*******.**.jp"),
        ("EMAIL_ADDRESS", "taro@corp.yamada", "****@****.******"),
        ("PERSON", "山田 太郎様", "○○ ○○様"),
        ("PERSON", "やまだ タロウ", "△△△ △△△"),
        ("PERSON", "様", "○"),
        ("ADDRESS", "千代田区霞が関1丁目2番3号", "○○○○○△○#丁目#番#号"),
        ("DATE_OF_BIRTH", "May 1, 1985", "*** #, ####"),
        ("DATE_OF_BIRTH", "昭和60年4月1日", "○○##年#月#日"),
        ("CREDIT_CARD", "4111 1111 1111 1111", "#### #### #### ####"),
    ],
)
def test_mask_shows_the_shape(kind: str, value: str, shown: str) -> None:
    assert mask(kind, value) == shown
    assert is_mask(shown)


def test_control_characters_never_reach_a_terminal() -> None:
    assert mask("PERSON", "a\x1b[31m\r\n\u202e\x00b") == "*··##*  ··*"


def test_long_values_are_cut() -> None:
    assert len(mask("ADDRESS", "東" * 5000)) == 80


@pytest.mark.parametrize("text", ["山田", "090-0000-1234", "a", "x@example.com", "○○さん", "東京都"])
def test_values_are_no_masks(text: str) -> None:
    assert not is_mask(text)


# --------------------------------------------------------------------------- the key


def test_key_is_made_once_private_and_whole(tmp_path: Path) -> None:
    first = load_key(environ={"XDG_CONFIG_HOME": str(tmp_path)})
    path = tmp_path / "strayscan" / "key"
    assert first.path == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert base64.b64decode(path.read_bytes()) == first.secret
    assert load_key(environ={"XDG_CONFIG_HOME": str(tmp_path)}) == first
    assert [p.name for p in path.parent.iterdir()] == ["key"]


def test_key_falls_back_to_the_home_folder(tmp_path: Path) -> None:
    assert key_path(environ={"HOME": str(tmp_path), "XDG_CONFIG_HOME": "relative"}) == tmp_path / ".config" / "strayscan" / "key"


def test_two_first_uses_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program makes the key between our look and our link: its key is used."""
    rival = base64.b64encode(bytes(32)) + b"\n"
    real = os.link

    def link(source: Path, target: Path) -> None:
        target.write_bytes(rival)
        target.chmod(0o600)
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    assert load_key(config_dir=tmp_path).secret == bytes(32)


def test_key_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert load_key(config_dir=tmp_path) == load_key(config_dir=tmp_path)


def test_key_from_text_is_stretched_and_base64_taken_as_it_is(tmp_path: Path) -> None:
    exact = load_key(environ={"STRAYSCAN_KEY": base64.b64encode(KEY.secret).decode()})
    assert exact == KEY and exact.path is None
    stretched = load_key(environ={"STRAYSCAN_KEY": "correct horse battery staple"})
    assert stretched.key_id == "e3e66cb323cda5fc"
    path = tmp_path / "k"
    path.write_text("correct horse battery staple\n")
    path.chmod(0o600)
    assert load_key(path, environ={"STRAYSCAN_KEY": "other"}) == stretched


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [(b"x", 0o644, "chmod 600"), (b"", 0o600, "empty"), (b" \n", 0o600, "empty"), (b"x" * 70_000, 0o600, "larger")],
)
def test_bad_key_files_are_refused_in_a_sentence(tmp_path: Path, content: bytes, mode: int, says: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=says):
        load_key(path)


def test_missing_key_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot read"):
        load_key(tmp_path / "none")
    with pytest.raises(KeyFileError, match="cannot read"):
        load_key(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_key_is_not_kept_beside_the_findings(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "link").symlink_to(out)
    for inside in (out / "key", out / "deep" / "key", tmp_path / "link" / "key"):
        with pytest.raises(KeyFileError, match="inside the findings folder"):
            check_key_apart(inside, out)
    check_key_apart(tmp_path / "key", out)
    check_key_apart(tmp_path / "output-key", out)
    check_key_apart(None, out)


def test_key_does_not_show_itself() -> None:
    key = Key.from_secret(b"s3cret-s3cret-s3cret-s3cret-s3cr")
    for text in (repr(key), str(key), f"{key}", repr(Fingerprinter(key)), repr([key])):
        assert "s3cret" not in text
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(ValueError, match="32 bytes"):
        Key.from_secret(b"short")


# --------------------------------------------------------------------------- fingerprints


def _siphash24(key: bytes, data: bytes) -> int:
    """SipHash-2-4 as its authors give it (https://www.aumasson.jp/siphash/siphash.pdf)."""
    full = 2**64 - 1
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotated(x: int, b: int) -> int:
        return ((x << b) | (x >> (64 - b))) & full

    def rounds(count: int) -> None:
        for _ in range(count):
            v[0] = (v[0] + v[1]) & full
            v[1] = rotated(v[1], 13) ^ v[0]
            v[0] = rotated(v[0], 32)
            v[2] = (v[2] + v[3]) & full
            v[3] = rotated(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & full
            v[3] = rotated(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & full
            v[1] = rotated(v[1], 17) ^ v[2]
            v[2] = rotated(v[2], 32)

    padded = data + b"\0" * (7 - len(data) % 8) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _mixed(x: int) -> int:
    """The bijection pandas applies after the hash (the finaliser of SplitMix64)."""
    full = 2**64 - 1
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & full
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & full
    return x ^ (x >> 31)


def test_reference_is_siphash() -> None:
    """First and last vector of the reference implementation: key 00..0f, data 00, 01, ... of length n."""
    key = bytes(range(16))
    assert _siphash24(key, b"") == 0x726FDB47DD0E0E31
    assert _siphash24(key, bytes(range(15))) == 0xA129CA6149BE45E5


@pytest.mark.parametrize("value", ["taro@example.jp", "", "a", "eight..8", "長い値" * 40])
def test_fingerprint_is_keyed_siphash_of_the_plain_form(value: str) -> None:
    sub_key = bytes(b & 0x7F for b in KEY.sub_key("SENSITIVE_HEALTH"))
    assert Fingerprinter(KEY).one("SENSITIVE_HEALTH", value) == _mixed(_siphash24(sub_key, normalise("SENSITIVE_HEALTH", value).encode()))


def test_fingerprints_are_pinned() -> None:
    """Stores on disk hold these numbers: a change here breaks every one of them."""
    fingerprinter = Fingerprinter(KEY)
    assert fingerprinter.key_id == PINNED["key_id"]
    for kind, value in (("EMAIL_ADDRESS", "taro@example.jp"), ("PHONE_NUMBER", "090-0000-1234"), ("PERSON", "山田 太郎")):
        assert fingerprinter.one(kind, value) == PINNED[kind]


def test_many_is_one_for_each() -> None:
    values = ["090-0000-1234", None, "０９０−００００−１２３４", "", "+81 90 0000 1234", "03-0000-1234"]
    many = Fingerprinter(KEY).many("PHONE_NUMBER", pa.array(values))
    assert many.dtype == "uint64"
    assert many.tolist() == [Fingerprinter(KEY).one("PHONE_NUMBER", value or "") for value in values]
    assert many[0] == many[2] == many[4] != many[5]
    assert Fingerprinter(KEY).many("PERSON", pa.array([], pa.string())).tolist() == []
    assert Fingerprinter(KEY).many("PERSON", pa.chunked_array([["山田"], ["田中"]])).tolist() == [
        Fingerprinter(KEY).one("PERSON", name) for name in ("山田", "田中")
    ]
    assert Fingerprinter(KEY).many("PERSON", pa.array(["x", "山田"], pa.large_string()).slice(1)).tolist() == [
        Fingerprinter(KEY).one("PERSON", "山田")
    ]


def test_fax_and_phone_share_fingerprints_and_other_kinds_do_not() -> None:
    fingerprinter = Fingerprinter(KEY)
    assert fingerprinter.one("FAX_NUMBER", "03-0000-1234") == fingerprinter.one("PHONE_NUMBER", "03-0000-1234")
    assert fingerprinter.one("JP_BANK_ACCOUNT", "0300001234") != fingerprinter.one("PHONE_NUMBER", "0300001234")
    assert Fingerprinter(Key.random()).one("PHONE_NUMBER", "03-0000-1234") != fingerprinter.one("PHONE_NUMBER", "03-0000-1234")


@pytest.mark.parametrize("kind", sorted(REGULATED))
def test_regulated_kinds_are_counted_and_never_fingerprinted(kind: str) -> None:
    values = pa.array(["123456789018", "1234 5678 9018", "123456789026"])
    with pytest.raises(ValueError, match=kind):
        Fingerprinter(KEY).many(kind, values)
    with pytest.raises(ValueError, match=kind):
        Fingerprinter(KEY).one(kind, "123456789018")
    one, other = Fingerprinter(KEY), Fingerprinter(KEY)
    counted = one.counting(kind, values)
    assert counted[0] == counted[1] != counted[2]
    assert counted[0] != other.counting(kind, values)[0]
