"""Addresses of continental Europe: the kind of street before or behind its name, flats, countries, records; and prose that is none."""

from __future__ import annotations

import pytest

from detectors import engine
from detectors.address_eu import AddressEuRecognizer
from detectors.fold import encodable, fold
from detectors.gate import Finder, Gate
from scanner.model import DetectSettings

READER = AddressEuRecognizer()


def found(text: str) -> list[str]:
    return [text[item.start : item.end] for item in READER.analyze(text, ["ADDRESS"])]


@pytest.mark.parametrize(
    "address",
    [
        "Musterstraße 8",
        "Muster Strasse 89",
        "Willem Voorbeeldstraat 12",
        "Via del Esempio 17",
        "ul. Przykładowa 112",
        "Rua do Exemplo 254",
        "Calle de Ejemplo, 9",
        "104 Rue de Exemple",
        "Exempelgatan 5",
        "Postfach 1234",
        "28245 Esimerkkikatu 82 Apt. 595",
        "3247 Rua Exemplo 25\n Apt. 236\n Lisboa\n Portugal 30971",
        "5638 Vzorova 43\nLyon, FR 78618",
        "Musterstraße 8, 10115 Berlin, Germany",
        "Calle de Ejemplo 9\n28001 Madrid",
        "760 Muster Strasse 33, Linz, Austria",
    ],
)
def test_exact_spans(address: str) -> None:
    assert found(address) == [address]
    assert found(f"Please write to {address}, thank you")[0].rstrip(".") == address
    assert Gate([Finder("eu", READER.SIGNS, lambda *_: [])]).open(*encodable(fold(address)))


def test_a_corner_counts_whole_though_one_of_its_streets_has_a_number() -> None:
    assert found("meet at the corner of Muster Strasse 14 and Beispiel Bridge, then") == [
        "the corner of Muster Strasse 14 and Beispiel Bridge"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The 2008 Summer Olympics, Beijing, China",
        "Spring 2026 and Brigade 5",
        "Flight via Paris 3 times",
        "He lives in Berlin since 1990",
        "She lives in March 2 months",
        "In 1890, the United Kingdom",
        "3rd place winners",
        "a 2 bedroom Apt. 5 was free",
        "Windows 11 and Suite 2016",
        "on the corner of Main and Broad",
        "ISO 8601 dates, RFC 5322",
        "Flight 447, Paris, France",
        "Pump 12,Bearing,,1234,steel",
    ],
)
def test_no_address(text: str) -> None:
    assert found(text) == []


def test_where_somebody_lives_a_name_and_a_number_are_enough() -> None:
    assert found("Anna lives on Vzorova 129 street") == ["Vzorova 129"]
    assert found("Anna works on Vzorova 129 street") == []


def test_a_field_of_a_persons_record() -> None:
    assert found("7,Jana,Vzorova 5,Praha,,110 00,Czechia,jana@example.com") == ["Vzorova 5"]
    assert found("7,Jana,Vzorova 5,Praha,,110 00,Czechia") == []


def test_the_engine_finds_it_too() -> None:
    (item,) = engine.load(DetectSettings(entities=("ADDRESS",))).find("Anschrift: Musterstraße 8 in Linz")
    assert item.rule_id == "eu.address.typed"
