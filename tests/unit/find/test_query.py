"""What is asked: refused in one sentence that quotes nothing, read from YAML and JSON, expanded into forms with their worth."""

from __future__ import annotations

import pytest

from scanner.find import places
from scanner.find.query import MEDIUM, STRONG, WEAK, QueryError, Subject, phone_forms, read_person, terms
from scanner.redact import normalise
from tests.unit.find.samples import PRINTS


@pytest.mark.parametrize(
    ("query", "written"),
    [
        (
            "〒100-0005 東京都千代田区丸の内一丁目2番3号 青山ビル101号室",
            [
                "千代田区丸の内1-2-3",
                "千代田区丸ノ内1丁目2-3-101",
                "東京都千代田区丸の内１－２－３　青山ビル１０１",
                "千代田区丸の内1-2-3青山ビル",
            ],
        ),
        ("札幌市北区北一条西2丁目3-4-501", ["北海道札幌市北区北1条西2-3-4".replace("北1条", "北一条")]),
        ("三重県津市大字一色12番地3", ["津市一色12-3"]),
        ("123 Main Street, Springfield, IL 62701", ["123 Main St., Springfield, IL 62701", "123 main street springfield IL"]),
        ("10 Downing St., London SW1A 2AA, UK", ["10 Downing Street, London SW1A 2AA", "10 Downing Street, London"]),
    ],
)
def test_addresses_as_people_write_them(query: str, written: list[str]) -> None:
    forms = places.forms(query)
    assert not [one for one in written if normalise("ADDRESS", one) not in forms]


def test_a_neighbours_address_is_none_of_the_forms() -> None:
    forms = places.forms("東京都千代田区丸の内1-2-3 青山ビル101号室")
    for other in (
        "千代田区丸の内1-2-4",
        "千代田区丸の内1-2",
        "千代田区丸の内1-2-3-102",
        "千代田区丸の内1-2-3 青山ビル102号室",
        "千代田区丸の内",
    ):
        assert normalise("ADDRESS", other) not in forms


def test_phones_of_other_countries_are_also_dialled_at_home() -> None:
    assert phone_forms("+81 90-0000-1234") == ["09000001234"]
    assert phone_forms("+44 20 7946 0958") == ["+442079460958", "02079460958"]


def test_what_a_hit_is_worth_alone() -> None:
    def worth(**given: str) -> set[str | None]:
        return {term.alone for term in terms(Subject(**given), PRINTS)}

    assert worth(name="山田花子") == {WEAK}
    assert worth(phone="+81 90 0000 1234") == worth(email="hanako@example.jp") == {STRONG}
    assert worth(phone="03-0000-0001") == worth(email="INFO@example.jp") == worth(address="千代田区丸の内1-2-3") == {MEDIUM}


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (Subject(), "nothing to look for"),
        (Subject(name=" 様 ".replace("様", "")), "the name is empty"),
        (Subject(phone="1234-5678"), "area code"),
        (Subject(email="hanako"), "no @"),
        (Subject(address="東京都千代田区丸の内"), "house number"),
    ],
)
def test_what_cannot_be_looked_for(person: Subject, said: str) -> None:
    with pytest.raises(QueryError, match=said) as fault:
        person.check()
    assert not any(word in str(fault.value) for word in ("1234", "hanako", "丸の内"))


def test_a_person_does_not_show_what_is_asked() -> None:
    person = Subject("山田花子", "090-0000-1234", "hanako@example.jp", "千代田区丸の内1-2-3")
    assert repr(person) == str(person) == "Subject()"


@pytest.mark.parametrize(
    "text",
    [
        "name: 山田花子\nphone: 09000001234\n",
        '\ufeffname: "山田花子"\nphone: "09000001234"',
        '{"name": "山田花子", "phone": "09000001234", "email": ""}',
        "phone: '09000001234'\r\nname:   山田花子  \r\n",
    ],
)
def test_a_query_is_read_from_yaml_and_json(text: str) -> None:
    assert read_person(text.encode()) == Subject(name="山田花子", phone="09000001234")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"secret", b"- secret", b"name: [secret]", b"nom: secret", b"name: 'secret", b"{", b'{"phone": 5}', b"\xff\xfe", b"a" * 70_000,
        b"&a [*a, secret]", b"name: !!python/object/apply:os.system [secret]",
    ],
)  # fmt: skip
def test_a_query_that_is_none_is_refused_without_being_quoted(data: bytes) -> None:
    with pytest.raises(QueryError) as fault:
        read_person(data).check()
    assert "secret" not in str(fault.value)
