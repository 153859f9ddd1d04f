"""Excerpts of a store's documents: found with light changes, not found where only a form is shared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from scanner.config import StoreTracing
from scanner.copies.index import Index, SourceObject, store_folder, update
from scanner.copies.kinds import TEXT
from scanner.copies.texts import Excerpts
from scanner.findings.schema import VALUES
from scanner.model import CopyFact
from tests.unit.copies.conftest import FINGERPRINTS, KEY

WORDS = [
    "契約",
    "条件",
    "甲は",
    "乙は",
    "製品",
    "仕様",
    "納期",
    "検査",
    "支払",
    "期日",
    "変更",
    "協議",
    "秘密",
    "保持",
    "義務",
    "損害",
    "賠償",
    "解除",
    "通知",
    "書面",
    "承諾",
    "権利",
    "譲渡",
    "the",
    "party",
    "shall",
    "deliver",
    "notice",
]


def document(seed: int, words: int = 400) -> str:
    rng = np.random.default_rng(seed)
    return "".join(f"{rng.choice(WORDS)}{rng.integers(10)}" for _ in range(words))


def text_values(object_id: str, text: str) -> pa.Table:
    excerpts = Excerpts((), 300, FINGERPRINTS.texts)
    tags = [tags for _, tags in [*excerpts.feed(text, continues=False), *excerpts.end()]]
    distinct = np.unique(np.concatenate(tags)) if tags else np.empty(0, np.uint64)
    count = len(distinct)
    columns = {"object_id": [object_id] * count, "entity_type": [TEXT] * count, "fingerprint": pa.array(distinct, pa.uint64())}
    return pa.table({field.name: columns.get(field.name, pa.nulls(count, field.type)) for field in VALUES}, schema=VALUES)


class Documents:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []

    def update(self, texts: dict[str, str], versions: dict[str, str] | None = None) -> None:
        tables = {name: text_values(name, text) for name, text in texts.items()}

        def read(ids: object) -> object:
            self.asked += list(ids)  # type: ignore[call-overload]
            return iter([tables[name] for name in ids])  # type: ignore[attr-defined]

        sources = [SourceObject(name, f"/s/{name}", (versions or {}).get(name, "1")) for name in texts]
        update(self.folder, "documents", KEY, StoreTracing(), sources, read, self.folder)  # type: ignore[arg-type]

    def copies(self, *pieces: str, chars: int = 300) -> tuple[CopyFact, ...]:
        excerpts = Excerpts(Index.open(self.folder, KEY, ["documents"]).texts, chars, FINGERPRINTS.texts)
        for number, piece in enumerate(pieces):
            list(excerpts.feed(piece, continues=number > 0))
        list(excerpts.end())
        return excerpts.copies(3)


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    made = Documents(tmp_path)
    made.update({f"d{number}": document(number) for number in range(20)})
    return made


@pytest.mark.parametrize("start", [0, 137, 400, 900])
def test_an_excerpt_of_300_characters_is_found(documents: Documents, start: int) -> None:
    excerpt = document(7)[start : start + 300]
    (fact,) = documents.copies("議事のメモ。" + excerpt + "以上。")
    assert (fact.store, fact.source_path, fact.evidence, fact.object_records) == ("documents", "/s/d7", "text", 3)
    assert 0 < fact.score <= 1


def test_light_changes_do_not_hide_it(documents: Documents) -> None:
    for start in range(0, 800, 40):
        changed = list(document(7)[start : start + 300])
        changed[95], changed[200] = "猫", ""
        lines = "\n".join("".join(changed)[at : at + 37] for at in range(0, 300, 37))
        (fact,) = documents.copies(lines.upper())
        assert fact.source_path == "/s/d7"


def test_a_short_quotation_is_not_told(documents: Documents) -> None:
    assert documents.copies("見本の文章。" * 30 + document(7)[100:200] + "別の文章。" * 30) == ()


def test_a_longer_limit_can_be_asked_for(documents: Documents) -> None:
    assert documents.copies(document(7)[:400], chars=1_000) == ()


def test_an_excerpt_in_pieces(documents: Documents) -> None:
    text = document(7)[200:600]
    (fact,) = documents.copies("前文。" + text[:90], text[90:250], text[250:])
    assert fact.source_path == "/s/d7"


def test_a_form_that_all_documents_share_is_nobodys_text(tmp_path: Path) -> None:
    form = document(99, 100)
    made = Documents(tmp_path)
    made.update({f"d{number}": form + document(number, 200) for number in range(30)})
    assert made.copies(form) == ()
    (fact,) = made.copies(form + document(4, 200))
    assert fact.source_path == "/s/d4"


def test_only_changed_documents_are_read_again(documents: Documents) -> None:
    documents.asked.clear()
    texts = {f"d{number}": document(number + 50 if number == 3 else number) for number in range(1, 20)}
    documents.update(texts, {"d3": "2"})
    assert documents.asked.count("d3") >= 1
    for number in (1, 7, 19):
        assert documents.copies(document(number)[:300])[0].source_path == f"/s/d{number}"
    assert documents.copies(document(53)[:300])[0].source_path == "/s/d3"
    assert documents.copies(document(3)[:300]) == ()
    assert documents.copies(document(0)[:300]) == ()


def test_no_text_is_in_the_index(documents: Documents) -> None:
    data = b"".join(file.read_bytes() for file in store_folder(documents.folder, "documents").iterdir())
    assert "契約".encode() not in data
    assert b"shall" not in data
    texts = Index.open(documents.folder, KEY, ["documents"]).texts[0]
    unkeyed = {int(tag) for tag in texts.tags}
    from scanner.copies.winnow import Winnower

    winnower = Winnower()
    plain = {int(one) for _, hashes in [*winnower.feed(document(7)), *winnower.close()] for one in hashes}
    assert not plain & unkeyed
