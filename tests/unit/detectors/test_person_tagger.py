"""The tagger finds the best sequence of labels under its weights, and sees tokens as far away as it says."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from detectors.person_en import EnglishPersonRecognizer
from detectors.person_ja import JapanesePersonRecognizer
from detectors.person_tagger import BEGIN, EDGE, INSIDE, LABELS, NEAR, LateTraits, Tagger, Traits, feature_key, pair_features, run_of
from scanner.model import DetectSettings

TAGGER = Tagger("names_en_prose.bin.gz")
ENGLISH = EnglishPersonRecognizer(DetectSettings())
JAPANESE = JapanesePersonRecognizer(DetectSettings())


def traits(line: str) -> list[Traits]:
    return [token.traits for token in ENGLISH.tokens(line)]


def score(seen: Sequence[Traits], first: int, path: Sequence[int]) -> float:
    """The score of a path, summed the plain way."""
    rows = TAGGER.scores(seen, first, first + len(path))
    total = sum((0.0, *row)[label] for row, label in zip(rows, path, strict=True))
    before = 0 if first else None
    for label in (*path, *([0] if first + len(path) < len(seen) else [])):
        total += TAGGER._transitions[label][before] if before is not None else 0.0
        before = label
    return total


@pytest.mark.parametrize("line", ["Yesterday Mary Smith said so", "he met John at Acme Corp", "Tokyo", "the Paris of Anna"])
def test_no_other_sequence_scores_better(line: str) -> None:
    seen = traits(line)
    for first, last in ((0, len(seen)), (0, max(1, len(seen) - 2)), (min(1, len(seen) - 1), len(seen))):
        best = TAGGER.tag(seen, first, last)
        every = list(itertools.product(range(len(LABELS)), repeat=last - first))
        likeliest = max(every, key=lambda path: score(seen, first, path))
        if BEGIN in best:
            assert score(seen, first, best) == pytest.approx(score(seen, first, likeliest))
        else:
            assert BEGIN not in likeliest


def test_a_name_never_continues_without_a_beginning() -> None:
    for line in ("and Smith of Johnson the Mary Anne", "Smith Smith Smith Smith"):
        labels = TAGGER.tag(traits(line), 0, len(traits(line)), 3.0)
        assert all(before in (BEGIN, INSIDE) for before, label in itertools.pairwise([0, *labels]) if label == INSIDE)


def test_favour_makes_names_likelier() -> None:
    seen = traits("we saw Quorbix and the others")
    assert sum(label == BEGIN for label in TAGGER.tag(seen, 0, len(seen), -9.0)) == 0
    assert sum(label == BEGIN for label in TAGGER.tag(seen, 0, len(seen), 20.0)) > 0


def test_what_stands_further_away_changes_nothing() -> None:
    middle = "met Mary Smith there on a very fine"
    one, other = traits(f"{middle} day"), traits(f"{middle} Thursday")
    reach = len(one) - 1 - NEAR
    assert TAGGER.scores(one, 0, reach) == TAGGER.scores(other, 0, reach)
    assert TAGGER.scores(one, 0, reach + 1) != TAGGER.scores(other, 0, reach + 1)


def found(recognizer: EnglishPersonRecognizer | JapanesePersonRecognizer, text: str) -> list[str]:
    return [text[r.start : r.end] for r in recognizer.analyze(text, ["PERSON"]) if r.score >= 0.5]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("昨日、山口は記者会見で辞任する意向を示した。", ["山口"]),
        ("この曲は中村が作詞し、編曲も担当した。", ["中村"]),
        ("会議では山田太郎が説明し、佐藤花子が質問した。", ["山田太郎", "佐藤花子"]),
        ("彼は長野で生まれ、広島で育った。", []),
        ("山口県は本州の西端に位置する。", []),
    ],
)
def test_japanese_context_decides(text: str, names: list[str]) -> None:
    assert found(JAPANESE, text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Yesterday Smith told reporters that he would resign.", ["Smith"]),
        ("She was born in Virginia and moved to Paris in 1990.", []),
        ("The company bought Jackson Motors for two million.", []),
    ],
)
def test_english_context_decides(text: str, names: list[str]) -> None:
    assert found(ENGLISH, text) == names


def test_many_runs_are_tagged_as_one_after_another() -> None:
    lines = [
        "Yesterday Mary Smith said so",
        "he met John at Acme Corp",
        "Tokyo",
        "the Paris of Anna",
        "x" * 100,
        "Mary" * 30 + " Smith",
        "Tokyo",
    ]
    runs = [run_of(seen, first, len(seen)) for line in lines for seen in (traits(line),) for first in range(len(seen))]
    alone = [Tagger("names_en_prose.bin.gz").tag_all([run], 0.3)[0] for run in runs[:12]]
    assert Tagger("names_en_prose.bin.gz").tag_all(runs, 0.3)[:12] == alone
    assert any(BEGIN in labels for labels in alone)


def test_keys_of_pairs_are_those_of_their_texts() -> None:
    tokens = [*traits("Mary met 鈴木 at the Café on 12 May"), EDGE]
    keys = TAGGER._tokens.pair_keys(TAGGER._tokens.ids(tokens))
    assert keys.tolist() == [[feature_key(text) for text in pair_features(*two)] for two in itertools.pairwise(tokens)]


@pytest.mark.parametrize("stop", ["。", "。\n"])
def test_sentences_of_a_line_are_read_as_lines_are(stop: str) -> None:
    text = stop.join(
        ["この曲は中村が作詞し、編曲も担当した", "会議では山田太郎が説明した", "\ud800昨日、山口は辞任する意向を示した", "以上"]
    )
    assert found(JAPANESE, text) == ["中村", "山田太郎", "山口"]
    assert found(JAPANESE, text) == ["中村", "山田太郎", "山口"]  # remembered


def test_traits_are_made_once_and_only_where_a_run_sees_them() -> None:
    made: list[str] = []

    def late(word: str) -> LateTraits:
        def make() -> tuple[tuple[str, ...], tuple[str, str, str]]:
            made.append(word)
            return (f"w{word}",), (word, "NNP", "Aa")

        return LateTraits(make)

    words = [late(word) for word in ["a", "b", "c", "d", "e", "f", "Mary", "g", "h", "i", "j", "k", "l"]]
    for _ in range(2):
        TAGGER.tag(words, 6, 7)
        assert made == ["d", "e", "f", "Mary", "g", "h", "i"]
    assert words[6].joined == ("Mary", "NNP", "Aa")
    assert not hasattr(words[0], "other")
