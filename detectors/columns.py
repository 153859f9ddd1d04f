"""Judges tables column by column, from header and values together, over every row.

Whole values are judged by Arrow kernels on each batch's distinct values. What a column's kind does not explain (remarks, a second value
in a cell) goes cell by cell to the engine, where a cheap sign is seen. Slots are provisional: hits are fed as they come, and `close` says
which slots stand once all rows are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np

from detectors.cells import Cells, Mask
from detectors.header import UNKNOWN, HeaderMeaning, meaning
from detectors.names_data import EnglishNames, JapaneseNames
from detectors.near import Near, RowsOfPersons
from detectors.near_columns import NearColumn, near_columns
from detectors.rule_shapes import OwnRules, RuleShapes, rules_of
from scanner.model import Batch, Detection, DetectSettings, Hits, Slot

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

DETECTOR: Final = "column"
STRONG: Final = 0.8  # a header's confidence from which it needs no agreement of the values
PLAIN: Final = 0.95  # scores: header and values agree,
SHOWN: Final = 0.75  # the values alone
_CACHE: Final = 200_000  # distinct values remembered a table
_REMEMBERED: Final = 256  # characters of the longest value remembered: a million long remarks would fill the memory
_LABELS: Final = 2_000  # (column, label) pairs of a form that are judged apart
_TASTED: Final = 256  # distinct names a batch and column looked up where the header is plain
_CONSISTENT: Final = 0.5  # share of a batch's cells from which a column without a header is of that kind
_FORM_LABELS: Final = 500  # distinct values a batch up to which a column is searched for labels
_LABEL_LENGTH: Final = 16
_ID_TYPES: Final = frozenset({
    "JP_MY_NUMBER", "CREDIT_CARD", "JP_DRIVER_LICENSE", "JP_PENSION_NUMBER", "JP_HEALTH_INSURANCE", "JP_BANK_ACCOUNT", "JP_PASSPORT",
    "JP_RESIDENT_RECORD", "JP_EMPLOYMENT_INSURANCE", "JP_CARE_INSURANCE", "PASSPORT", "UK_NHS", "US_ITIN",
})  # fmt: skip

# Signs that a cell may hold something beside or instead of its column's kind (RE2, on NFKC text)
_SIGN: Final = (
    r"@|〒|[都道府県市区町村郡].*\d|\d{1,4}[-‐−–ー(). ]{1,2}\d{1,4}[-‐−–ー). ]{1,2}\d{3,4}|(?:^|\D)0\d{9,10}(?:\D|$)|\+\d{8}|[様氏殿]|"
    r"さん|先生|担当|氏名|名前|生年月日|"
    r"(?i)\b(?:mr|mrs|ms|dr|dear|attn|name|contact|phone|tel|fax|mail|address|dob|birth|ssn|passport)\b"
)
_PROSE: Final = r"[\p{Han}\p{Hiragana}\p{Katakana}].{9}|\p{Lu}\p{Ll}+ \p{Lu}|[\p{Han}][ 　][\p{Han}]"
_LETTERS: Final = r"\p{L}{2}|(?:\d.*){6}|[@〒]"
_JA: Final = r"[\p{Han}々ヶ\p{Hiragana}\p{Katakana}ー]"
_NAME_IN_CELL: Final = rf"^{_JA}{{3,8}}$|^{_JA}{{1,6}}[ 　・]{_JA}{{1,8}}$|^\p{{Lu}}\p{{L}}+ (?:\p{{Lu}}\.? )?\p{{Lu}}\p{{L}}+$"


_Lexicon = TypeVar("_Lexicon", JapaneseNames, EnglishNames)


class CellFinder(Protocol):
    """What this module asks of the engine."""

    settings: DetectSettings

    def find_cell(
        self, value: str, entity_types: frozenset[str] | None = None, context: Sequence[str] = (), *, settled: bool = True
    ) -> list[Detection]: ...

    def wants(self, entity_type: str) -> bool: ...

    def threshold(self, entity_type: str) -> float: ...


@dataclass
class Tally:
    """How often a slot's claim held: `hits` of `filled` cells; `known` of `tasted` distinct values in the dictionaries."""

    filled: int = 0
    hits: int = 0
    known: int = 0
    tasted: int = 0

    @property
    def share(self) -> float:
        return self.hits / self.filled if self.filled else 0.0

    @property
    def known_share(self) -> float:
        return self.known / self.tasted if self.tasted else 0.0


class NameJudge:
    """Whether single values are names, by the dictionaries; one for a table, its memory bounded."""

    def __init__(self, engine: object) -> None:
        self._engine = engine
        self._whole: dict[str, bool] = {}

    @cached_property
    def _ja(self) -> JapaneseNames:
        return _lexicon(self._engine, JapaneseNames)

    @cached_property
    def _en(self) -> EnglishNames:
        return _lexicon(self._engine, EnglishNames)

    def whole(self, value: str) -> bool:
        """A surname with a given name, in any script."""
        known = self._whole.get(value)
        if known is None:
            if len(self._whole) >= _CACHE:
                self._whole.clear()
            known = self._whole[value] = self._is_whole(value)
        return known

    def piece(self, value: str, part: str) -> bool:
        """A surname, a given name, or (`part` full) either or both."""
        if value.isascii():
            rank = {"surname": (self._en.surname_rank,), "given": (self._en.given_rank,)}
            checks = rank.get(part, (self._en.surname_rank, self._en.given_rank))
            romaji = self._ja.surname_romaji(value) or self._ja.given_romaji(value)
            return any(check(value) is not None for check in checks) or romaji
        surname, given = self._ja.surname(value), self._ja.given(value)
        if "surname" in part:
            return surname
        return given if "given" in part else surname or given or self.whole(value)

    def likely(self, value: str) -> bool:
        """Opens (or, in Latin letters, anywhere continues) like a name; for a column whose header says that it holds names."""
        if self.whole(value):
            return True
        parts = value.replace("　", " ").replace("・", " ").replace(",", " ").split()
        if value[:1] < "\u0250":
            return any(self.piece(part, "full") for part in parts if len(part) > 2)
        return bool(parts) and any(self._ja.surname(parts[0][:size]) for size in (3, 2, 1) if len(parts[0]) >= size)

    def _is_whole(self, value: str) -> bool:
        parts = value.replace("　", " ").replace("・", " ").replace("=", " ").replace(",", " ").split()
        if not parts or len(parts) > 5:
            return False
        if any(c < "\u0250" and c.isalpha() for c in value):
            return self._latin(parts, "," in value)
        if len(parts) == 1:
            return self._ja.splits(value)
        foreign = all("人名" in self._ja.kinds(part) for part in parts)
        return foreign or (len(parts) == 2 and self._ja.surname(parts[0]) and (self._ja.given(parts[1]) or not self._ja.kinds(parts[1])))

    def _latin(self, parts: list[str], reversed_: bool) -> bool:
        if len(parts) < 2:
            return False
        first, last = (parts[1], parts[0]) if reversed_ else (parts[0], parts[-1])
        if self._en.given_rank(first) and self._en.surname_rank(last):
            return True
        pairs = ((first, last), (last, first))
        return any(self._ja.surname_romaji(a) and self._ja.given_romaji(b) for a, b in pairs)


def _lexicon(engine: object, kind: type[_Lexicon]) -> _Lexicon:
    """The engine's person recognizers hold the dictionaries already."""
    held = (getattr(recognizer, "names", None) for recognizer in getattr(engine, "recognizers", ()))
    return next((names for names in held if isinstance(names, kind)), None) or kind()


class TableScan:
    """Implements `scanner.model.TableDetector` for one table."""

    def __init__(self, engine: CellFinder, header: Sequence[str] | None, place: str | None) -> None:
        del place
        self._engine = engine
        self._header = tuple(header) if header is not None else None
        self._judges: list[_Judge] | None = None
        self._names = NameJudge(engine)
        self._labelled: dict[tuple[int, str], _Column] = {}
        self._is_form = not any(meaning(title).entity_type for title in self._header or ())
        self._rows = RowsOfPersons(Near(rules_of(engine)), is_form=self._is_form)

    def feed(self, batch: Batch) -> list[Hits]:
        """Hits of one batch; every row is judged."""
        if self._judges is None:
            self._judges = self._plan(batch.columns.num_columns)
        cells = [Cells.of(column) for column in batch.columns.columns]
        found = self._feed_labelled(cells) if self._is_form else []
        found += [hits for judge in self._judges for hits in judge.feed(cells) if len(hits.positions)]
        return self._rows.settle(found, batch.columns.num_rows)

    def _feed_labelled(self, cells: list[Cells]) -> list[Hits]:
        """A form has its labels in cells, each left of its value: such a value is judged as if the label were its header.

        Takes the rows it judges out of `cells`."""
        found: list[Hits] = []
        for column in range(len(cells) - 1, 0, -1):
            labels = cells[column - 1]
            if len(labels.values) > _FORM_LABELS:
                continue
            for number, label in enumerate(labels.values.to_pylist()):
                meant = meaning(label) if len(label) <= _LABEL_LENGTH else UNKNOWN
                rows = labels.codes == number
                if (column, label) not in self._labelled and len(self._labelled) >= _LABELS:
                    continue
                if meant.entity_type is None or meant.confidence < STRONG or not (rows & (cells[column].codes >= 0)).any():
                    continue
                judge = self._labelled.setdefault((column, label), _Column(self._engine, self._names, column, label, meant, False, 200))
                found += judge.feed([replace(side, codes=np.where(rows, side.codes, -1)) for side in cells])
                cells[column] = replace(cells[column], codes=np.where(rows, -1, cells[column].codes))
        return found

    def close(self) -> Mapping[Slot, float]:
        """The slots that stand, with their final scores."""
        scores: dict[Slot, float] = {}
        for judge in (*(self._judges or ()), *self._labelled.values()):
            for slot, score in judge.close().items():
                scores[slot] = max(score, scores.get(slot, 0.0))
        return self._rows.close({slot: score for slot, score in scores.items() if score >= self._engine.threshold(slot.entity_type)})

    def _plan(self, width: int) -> list[_Judge]:
        header = self._header or ()
        means = [meaning(header[i]) if i < len(header) else UNKNOWN for i in range(width)]
        means = _with_given(means)
        names = self._names
        judges: list[_Judge] = []
        if self._engine.wants("PERSON"):
            judges += [_NamePair(self._engine, names, pair, kana) for pair, kana in _name_pairs(means)]
        if self._engine.wants("ADDRESS"):
            judges += [_AddressParts(self._engine, {i: means[i].part for i in group}) for group in _address_groups(means)]
        joined = {column for judge in judges for column in judge.columns}
        spoken_for = near_columns(rules_of(self._engine), header, self._engine)
        judges += [NearColumn(item, column) for column, items in spoken_for.items() for item in items]
        for column, meant in enumerate(means):
            title = header[column] if column < len(header) else ""
            judge = _Column(self._engine, names, column, title, meant, column in joined, width)
            judge.claimed_whole = frozenset(str(item.entity) for item in spoken_for.get(column, ()))
            judges.append(judge)
        return judges


class _Judge(Protocol):
    columns: tuple[int, ...]

    def feed(self, cells: Sequence[Cells]) -> list[Hits]: ...

    def close(self) -> Mapping[Slot, float]: ...


# --------------------------------------------------------------------------- columns that belong together


def _with_given(means: list[HeaderMeaning]) -> list[HeaderMeaning]:
    """`名` (or `name`) beside a surname's column is the given name."""
    parts = {meant.part for meant in means if meant.entity_type == "PERSON"}
    result = []
    for meant in means:
        if meant.part == "name" and "surname" in parts and "given" not in parts:
            meant = replace(meant, part="given", confidence=0.9)
        elif meant.part == "name_kana" and "surname_kana" in parts and "given_kana" not in parts:
            meant = replace(meant, part="given_kana", confidence=0.9)
        result.append(meant)
    return result


def _name_pairs(means: Sequence[HeaderMeaning]) -> Iterator[tuple[tuple[int, int], bool]]:
    """((surname column, given column), is kana) of neighbours up to three columns apart, in order."""
    for ending in ("", "_kana"):
        taken: set[int] = set()
        surnames = [i for i, meant in enumerate(means) if meant.part == "surname" + ending]
        given = [i for i, meant in enumerate(means) if meant.part == "given" + ending]
        for surname in surnames:
            near = [i for i in given if i not in taken and abs(i - surname) <= 3]
            if near:
                best = min(near, key=lambda i: abs(i - surname))
                taken.add(best)
                yield (surname, best), bool(ending)


_ORDER: Final = {"prefecture": 0, "city": 1, "town": 2, "street": 3, "full": 3, "building": 4}


def _address_groups(means: Sequence[HeaderMeaning]) -> Iterator[tuple[int, ...]]:
    """Columns that hold one address in parts: 都道府県 市区町村 番地 建物名, or 住所１ 住所２. A complete column stands for itself."""
    for group in _address_runs(means):
        parts = [means[i].part for i in group]
        full = [i for i in group if means[i].part == "full"]
        if len(full) > 1 and all(means[i].index for i in full[1:]):
            yield tuple(i for i in group if means[i].part in ("full", "building"))
        elif not full and {"town", "street"} & set(parts) and len(group) > 1:
            yield tuple(group)


def _address_runs(means: Sequence[HeaderMeaning]) -> Iterator[list[int]]:
    """Runs of address columns in falling size, at most two other columns between neighbours."""
    run: list[int] = []
    for column, meant in enumerate(means):
        if meant.entity_type != "ADDRESS":
            continue
        if run and not _continues(means[run[-1]], meant, column - run[-1]):
            yield run
            run = []
        run.append(column)
    if run:
        yield run


def _continues(before: HeaderMeaning, here: HeaderMeaning, distance: int) -> bool:
    if distance > 3:
        return False
    if before.part == here.part == "full":
        return (here.index or 0) > (before.index or 1) - (before.index is None)
    if here.part == "full" and before.part in ("prefecture", "city", "town", "street"):
        return False
    return _ORDER[before.part] < _ORDER[here.part]


def _text_columns(cells: Cells, mask: Mask) -> pa.Array:
    """The column row by row, null where the cell is empty or out of the mask."""
    import pyarrow as pa

    padded = np.append(mask, False)
    keep = padded[cells.codes]
    return (
        cells.values.take(pa.array(np.where(keep, cells.codes, 0), mask=~keep)) if len(cells.values) else pa.nulls(len(keep), pa.string())
    )


def _joined(sides: Sequence[pa.Array]) -> pa.Array:
    """The cells of each row with a blank between, empty ones left out. Arrow 26 gives no rows back where all of them are null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if all(side.null_count == len(side) for side in sides):
        return pa.repeat("", len(sides[0]))
    return pc.binary_join_element_wise(*sides, " ", null_handling="skip")


class _NamePair:
    """A surname's and a given name's column: one person's name."""

    def __init__(self, engine: CellFinder, names: NameJudge, pair: tuple[int, int], kana: bool) -> None:
        self.columns = tuple(sorted(pair))
        self._pair = pair
        self._names = names
        self._allow = _Allowed(engine)
        self._slot = Slot(self.columns, "PERSON", "column.person.kana" if kana else "column.person", DETECTOR)
        self._tally = Tally()

    def feed(self, cells: Sequence[Cells]) -> list[Hits]:
        import pyarrow as pa
        import pyarrow.compute as pc

        surnames, given = (cells[i] for i in self._pair)
        masks = surnames.name_shaped(), given.name_shaped()
        for side, mask, part in ((surnames, masks[0], "surname"), (given, masks[1], "given")):
            _taste(self._tally, side, mask, lambda value, part=part: self._names.piece(value, part))  # type: ignore[misc]
        left, right = _text_columns(surnames, masks[0]), _text_columns(given, masks[1])
        latin = pc.and_(pc.fill_null(pc.string_is_ascii(left), True), pc.fill_null(pc.string_is_ascii(right), True))
        eastern, western = _joined((left, right)), _joined((right, left))
        joined = pc.if_else(latin, western, eastern)
        keep = pc.and_(pc.is_valid(left), pc.greater(pc.binary_length(joined), 0)).to_numpy(zero_copy_only=False)
        keep |= pc.is_valid(right).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(keep).astype(np.int64)
        self._tally.filled += int(((surnames.codes >= 0) | (given.codes >= 0)).sum())
        self._tally.hits += len(rows)
        return self._allow.hits(self._slot, rows, joined.take(pa.array(rows)), PLAIN)

    def close(self) -> Mapping[Slot, float]:
        good = self._tally.share >= 0.4 and (self._tally.tasted < 6 or self._tally.known_share >= 0.2)
        return {self._slot: PLAIN} if good else {}


class _AddressParts:
    """One address over several columns; rows whose part below the municipality is empty are places, not addresses."""

    def __init__(self, engine: CellFinder, parts: Mapping[int, str]) -> None:
        self.columns = tuple(parts)
        self._parts = parts
        self._allow = _Allowed(engine)
        self._slot = Slot(self.columns, "ADDRESS", "column.address", DETECTOR)
        self._hits = 0

    def feed(self, cells: Sequence[Cells]) -> list[Hits]:
        import pyarrow as pa
        import pyarrow.compute as pc

        sides = [_text_columns(cells[i], ~cells[i].nothing()) for i in self.columns]
        joined = _joined(sides)
        keep = np.zeros(len(joined), dtype=np.bool_)
        for column, side in zip(self.columns, sides, strict=True):
            if self._parts[column] in ("town", "street", "full"):
                keep |= pc.is_valid(side).to_numpy(zero_copy_only=False)
        keep &= pc.match_substring_regex(joined, r"\p{L}").to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(keep).astype(np.int64)
        self._hits += len(rows)
        return self._allow.hits(self._slot, rows, joined.take(pa.array(rows)), PLAIN)

    def close(self) -> Mapping[Slot, float]:
        return {self._slot: PLAIN} if self._hits else {}


class _Allowed:
    """Leaves out the exact values that the policy never wants reported."""

    def __init__(self, engine: CellFinder) -> None:
        from detectors.fold import fold

        self._values = sorted({fold(value).strip().casefold() for value in engine.settings.allow})

    def hits(self, slot: Slot, rows: npt.NDArray[np.int64], values: pa.StringArray, score: float) -> list[Hits]:
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._values and len(rows):
            folded = pc.utf8_lower(pc.utf8_trim_whitespace(pc.utf8_normalize(values, "NFKC")))
            keep = pc.invert(pc.is_in(folded, pa.array(self._values))).to_numpy(zero_copy_only=False)
            rows, values = rows[keep], values.filter(pa.array(keep))
        return [Hits(slot, rows, values, score)] if len(rows) else []


def _taste(tally: Tally, cells: Cells, mask: Mask, known: Callable[[str], bool]) -> None:
    """Look up to 256 distinct values of the batch in the dictionaries, spread over all of it."""
    import pyarrow as pa

    chosen = np.flatnonzero(mask)
    if len(chosen) > _TASTED:
        chosen = chosen[np.linspace(0, len(chosen) - 1, _TASTED).astype(np.int64)]
    tally.tasted += len(chosen)
    tally.known += sum(known(value) for value in cells.plain.take(pa.array(chosen)).to_pylist())


# --------------------------------------------------------------------------- one column


@dataclass
class _Claim:
    """A slot in the making: when it stands is decided from its tally."""

    slot: Slot
    score: float
    stands: Callable[[Tally], bool]
    tally: Tally = field(default_factory=Tally)


class _Column:
    """Everything one column can hold: its kind by header or values, e-mail addresses, and what the engine finds in other cells."""

    def __init__(
        self, engine: CellFinder, names: NameJudge, column: int, title: str, meant: HeaderMeaning, joined: bool, width: int
    ) -> None:
        self.columns: tuple[int, ...] = (column,)
        self._engine = engine
        self._names = names
        self._meant = meant
        self._title = title
        self._joined = joined  # a judge of several columns has its values already
        self.claimed_whole: frozenset[str] = frozenset()  # kinds that the header makes of every cell: nothing of them is looked for inside
        self._allow = _Allowed(engine)
        self._own = OwnRules(engine)
        self._claims: dict[Slot, _Claim] = {}
        self._found: dict[str, tuple[tuple[Detection, str], ...]] = {}
        self._filled = 0
        self._room = max(1_000, _CACHE // width)

    def close(self) -> Mapping[Slot, float]:
        for claim in self._claims.values():
            claim.tally.filled = self._filled
        return {claim.slot: claim.score for claim in self._claims.values() if claim.stands(claim.tally)}

    def feed(self, cells: Sequence[Cells]) -> list[Hits]:
        here = cells[self.columns[0]]
        if not here.filled:
            return []
        self._filled += here.filled
        claimed = here.none()
        hits: list[Hits] = []
        for claim, mask, values in self._kinds(here):
            mask &= ~claimed
            claimed |= mask
            hits += self._emit(claim, here, mask, values)
        own = self._own.of(here)
        if not self._joined:
            mask = ~claimed
            if mask.any():
                rest = here.part(mask)
                hits += self._cells(rest, self._signed(rest) | own[mask])
            own &= claimed
        return hits + self._cells(here, own, self._own.ids)

    def _emit(self, claim: _Claim, here: Cells, mask: Mask, values: pa.StringArray | None) -> list[Hits]:
        rows = here.rows(mask)
        claim.tally.hits += len(rows)
        return self._allow.hits(claim.slot, rows, here.surfaces(rows, values), claim.score) if len(rows) else []

    def _claim(self, entity: str, rule: str, score: float, stands: Callable[[Tally], bool], detector: str = DETECTOR) -> _Claim:
        slot = Slot(self.columns, entity, rule, detector)
        if slot not in self._claims:
            self._claims[slot] = _Claim(slot, score, stands)
        return self._claims[slot]

    # ------------------------------------------------------------------ whole values

    def _kinds(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        """Claims with the distinct values they hold for, the first claim to a value wins."""
        if self._engine.wants("EMAIL_ADDRESS"):
            mask = here.email()
            if mask.any():
                yield self._claim("EMAIL_ADDRESS", "column.email", PLAIN, _any_hit), mask, None
        if self._joined:
            return
        entity = self._meant.entity_type
        if entity and not self._engine.wants(entity):
            return
        headed = _HEADED.get(entity or "")
        if headed is not None:
            yield from headed(self, here)
        elif entity is None and not self._meant.is_free_text:
            yield from self._by_values(here)

    def _score(self) -> float:
        return PLAIN if self._meant.confidence >= STRONG else SHOWN

    def _phone(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        entity = str(self._meant.entity_type)
        rule = "column.fax" if entity == "FAX_NUMBER" else "column.phone"
        mask = here.phone_headed()
        if self._meant.confidence < STRONG:
            mask &= here.phone_written() | here.phone_digits()
        yield self._claim(entity, rule, self._score(), _any_hit), mask, None

    def _email(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        del here
        yield from ()

    def _postal(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        mask = here.matches(r"^〒? ?\d{3}-?\d{4}$", here.dashed)
        yield self._claim("JP_POSTAL_CODE", "column.postal", self._score(), _half), mask, None

    def _birth(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        yield self._claim("DATE_OF_BIRTH", "column.birth", self._score(), _any_hit), here.date(), None

    def _my_number(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        shape, good = here.my_number()
        yield from self._checked("JP_MY_NUMBER", "column.my_number", here, shape, good)

    def _card(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        shape, good = here.card()
        yield from self._checked("CREDIT_CARD", "column.card", here, shape, good)

    def _checked(
        self, entity: str, rule: str, here: Cells, shape: Mask, good: Mask
    ) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        """One random number in ten passes a check digit: half of those shaped so must, over the whole column."""
        claim = self._claim(entity, rule, self._score(), lambda tally: tally.known_share >= 0.5)
        claim.tally.tasted += len(here.rows(shape))
        claim.tally.known += len(here.rows(good))
        yield claim, good, None

    def _address(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        if self._meant.part not in ("full", "street", "town"):
            return
        mask = here.address_headed()
        if self._meant.part == "street":  # "street" alone may be a bare house number
            mask &= here.matches(r"\p{L}") & here.matches(r"\d")
        elif self._meant.part == "town":
            mask &= here.matches(r"\d")
        yield self._claim("ADDRESS", "column.address", self._score(), _any_hit), mask, None

    def _person(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        part, sure = self._meant.part, self._meant.confidence >= STRONG
        if part.startswith("middle"):
            return
        kana = part.endswith("_kana")
        mask = here.kana() if kana and not sure else here.name_shaped()
        rule = "column.person.kana" if kana else "column.person"
        claim = self._claim("PERSON", rule, self._score(), _named if sure else _surely_named)
        if part.startswith(("surname", "given")):
            _taste(claim.tally, here, mask, lambda value: self._names.piece(value, part))
        else:
            _taste(claim.tally, here, mask, self._known_name())
        yield claim, mask, here.unhonored()

    def _known_name(self) -> Callable[[str], bool]:
        """The plainer the header, the less a value must prove: 氏名 a likely beginning, 担当 a surname, `name` a whole name."""
        if self._meant.confidence >= STRONG:
            return self._names.likely
        if self._meant.confidence > 0.5:
            return lambda value: self._names.whole(value) or self._names.piece(value, "surname")
        return self._names.whole

    def _by_values(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        """No header to go by: the values of this batch must agree among themselves; those that do not go to the engine cell by cell."""
        distinct = len(here.values)
        if distinct < 3:
            return
        if not self._meant.bars("PHONE_NUMBER") and self._engine.wants("PHONE_NUMBER"):
            yield from self._phone_by_values(here)
        if not self._meant.bars("ADDRESS") and self._engine.wants("ADDRESS"):
            mask = here.address_shaped()
            if mask.sum() >= _CONSISTENT * distinct:
                yield self._claim("ADDRESS", "column.address", SHOWN, _any_hit), mask, None
        if not self._meant.bars("PERSON") and self._engine.wants("PERSON"):
            mask = self._whole_names(here)
            if mask.sum() >= _CONSISTENT * distinct:
                yield self._claim("PERSON", "column.person", SHOWN, _any_hit), mask, here.unhonored()
        if not self._meant.is_code:
            yield from self._ids_by_values(here)

    def _phone_by_values(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        distinct = len(here.values)
        written = here.phone_written()
        digits = here.phone_digits()
        both = written | digits
        if both.sum() < _CONSISTENT * distinct or (digits.sum() > written.sum() and both.sum() < 0.9 * distinct):
            return
        if _valid_phones(here, both) >= 0.8:
            yield self._claim("PHONE_NUMBER", "column.phone", SHOWN, _half), both, None

    def _whole_names(self, here: Cells) -> Mask:
        """Values that are a surname with a given name; each distinct value looked up once."""
        import pyarrow as pa

        mask = here.name_shaped() & here.matches(_NAME_IN_CELL)
        chosen = np.flatnonzero(mask)
        if len(chosen) < _CONSISTENT * len(here.values):
            return here.none()
        plain = here.plain.take(pa.array(chosen)).to_pylist()
        mask[chosen] = [self._names.whole(value) for value in plain]
        return mask

    def _ids_by_values(self, here: Cells) -> Iterator[tuple[_Claim, Mask, pa.StringArray | None]]:
        """Numbers that nearly all pass a check digit, and enough of them, are no chance."""
        for entity, rule, (shape, good) in (
            ("JP_MY_NUMBER", "column.my_number", here.my_number()),
            ("CREDIT_CARD", "column.card", here.card()),
        ):
            if self._engine.wants(entity) and shape.sum() >= _CONSISTENT * len(here.values):
                claim = self._claim(entity, rule, SHOWN, lambda tally: tally.known >= 10 and tally.known_share >= 0.98)
                claim.tally.tasted += int(shape.sum())
                claim.tally.known += int(good.sum())
                yield claim, good, None

    # ------------------------------------------------------------------ cell by cell

    def _cells(self, here: Cells, signed: Mask, only: frozenset[str] | None = None) -> list[Hits]:
        """Values with a sign of something go to the engine, each distinct one once; `only`: finds of these rules alone count."""
        chosen = np.flatnonzero(signed)
        if not len(chosen):
            return []
        import pyarrow as pa

        gathered: dict[Slot, tuple[_Claim, list[tuple[int, str]]]] = {}
        for number, value in zip(chosen.tolist(), here.values.take(pa.array(chosen)).to_pylist(), strict=True):
            for item, surface in self._cell(value):
                if only is not None and item.rule_id not in only:
                    continue
                claim = self._cell_claim(item, is_alone=surface.strip() == value.strip())
                claim.score = max(claim.score, item.score)
                gathered.setdefault(claim.slot, (claim, []))[1].append((number, surface))
        return [hits for claim, items in gathered.values() for hits in self._spread(claim, here, items)]

    def _cell_claim(self, item: Detection, *, is_alone: bool) -> _Claim:
        """A rare find in a column stands. A number that stands alone and that a check digit vouches for needs the column's consent: half
        of its cells, and the claim is the column's then."""
        meant = self._meant
        expected = meant.is_free_text or meant.entity_type == item.entity_type or item.rule_id in self._own.ids
        if is_alone and item.entity_type in _ID_TYPES and not expected:
            return self._claim(item.entity_type, item.rule_id, item.score, _half, DETECTOR)
        return self._claim(item.entity_type, item.rule_id, item.score, _any_hit, item.detector)

    def _signed(self, here: Cells) -> Mask:
        """Values in which a rule or a recognizer may find something that the header does not bar; every value is asked."""
        meant = self._meant
        if meant.is_free_text:
            return here.matches(_LETTERS)
        if meant.is_code:
            return here.contains("@") | here.contains("＠")
        if meant.entity_type in _CELLWISE:
            return here.matches(r"\d")
        if here.is_numeric:
            return self._shapes.of(here) | here.phone_written() | here.phone_digits()
        number = here.number()
        mask = here.matches(_SIGN)
        if meant.entity_type is None:
            mask |= here.matches(r"^.{25}") if meant.bars("PERSON") else here.matches(_PROSE) | here.matches(_NAME_IN_CELL)
        mask &= ~number | here.phone_written() | here.phone_digits()
        left = np.flatnonzero(~mask)
        if len(left):
            mask[left] = self._shapes.of(here.part(~mask))
        return mask & (here.contains("@") | ~here.matches(r"^https?://[^\s]+$"))  # an address on the web names pages, not people

    @cached_property
    def _shapes(self) -> RuleShapes:
        return RuleShapes(self._engine, self._title or None)

    def _cell(self, value: str) -> tuple[tuple[Detection, str], ...]:
        known = self._found.get(value)
        if known is None:
            if len(self._found) >= self._room:
                self._found.clear()
            context = (self._title,) if self._title else ()
            items = self._engine.find_cell(value, None, context, settled=False)
            known = tuple((item, value[item.start : item.end]) for item in items if self._may_hold(item))
            if len(value) <= _REMEMBERED:
                self._found[value] = known
        return known

    def _may_hold(self, item: Detection) -> bool:
        if item.entity_type in self.claimed_whole:
            return False
        return item.rule_id in self._own.ids or not self._meant.bars(item.entity_type)

    def _spread(self, claim: _Claim, here: Cells, items: list[tuple[int, str]]) -> list[Hits]:
        """The finds of distinct values at all their rows, in order of rows."""
        import pyarrow as pa

        numbers = np.array([number for number, _ in items], dtype=np.int64)
        order = np.argsort(numbers, kind="stable")
        numbers = numbers[order]
        surfaces = pa.array([items[i][1] for i in order.tolist()], type=pa.string())
        first = np.searchsorted(numbers, np.arange(len(here.values)), "left")
        count = np.searchsorted(numbers, np.arange(len(here.values)), "right") - first
        mask = count > 0
        rows = here.rows(mask)
        codes = here.codes[rows]
        repeats = count[codes]
        positions = np.repeat(rows, repeats)
        starts = np.repeat(np.cumsum(repeats) - repeats, repeats)
        take = np.repeat(first[codes], repeats) + (np.arange(len(positions)) - starts)
        claim.tally.hits += len(rows)
        return self._allow.hits(claim.slot, positions, surfaces.take(pa.array(take)), claim.score)


_HEADED: Final[Mapping[str, Callable[[_Column, Cells], Iterator[tuple[_Claim, Mask, Any]]]]] = {
    "PHONE_NUMBER": _Column._phone,
    "FAX_NUMBER": _Column._phone,
    "EMAIL_ADDRESS": _Column._email,
    "JP_POSTAL_CODE": _Column._postal,
    "DATE_OF_BIRTH": _Column._birth,
    "JP_MY_NUMBER": _Column._my_number,
    "CREDIT_CARD": _Column._card,
    "ADDRESS": _Column._address,
    "PERSON": _Column._person,
}
_CELLWISE: Final = frozenset({  # kinds without a kernel: the engine's rules judge their cells, the header as context
    "JP_DRIVER_LICENSE", "JP_PASSPORT", "JP_PENSION_NUMBER", "JP_HEALTH_INSURANCE", "JP_RESIDENCE_CARD", "JP_BANK_ACCOUNT",
    "JP_RESIDENT_RECORD", "JP_EMPLOYMENT_INSURANCE", "JP_CARE_INSURANCE",
})  # fmt: skip


def _any_hit(tally: Tally) -> bool:
    return tally.hits > 0


def _half(tally: Tally) -> bool:
    return tally.hits > 0 and tally.share >= 0.5


def _named(tally: Tally) -> bool:
    """Under a plain header: most cells are shaped like names, and the dictionaries know some of them."""
    return tally.hits > 0 and tally.share >= 0.4 and (tally.tasted < 3 or tally.known_share >= 0.1)


def _surely_named(tally: Tally) -> bool:
    """Under a header that may mean anything's name: the dictionaries must know half."""
    return tally.hits > 0 and tally.share >= 0.5 and tally.known_share >= 0.5


def _valid_phones(here: Cells, mask: Mask) -> float:
    """Share of up to 64 of the values that are assigned numbers (libphonenumber), Japan taken where no country is given."""
    import phonenumbers
    import pyarrow as pa

    chosen = np.flatnonzero(mask)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(64, len(chosen))).astype(np.int64)]
    good = 0
    for value in here.dashed.take(pa.array(chosen)).to_pylist():
        good += any(_is_phone(phonenumbers, value, region) for region in ("JP", "US"))
    return good / max(len(chosen), 1)


def _is_phone(phonenumbers: Any, value: str, region: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(value, region)))
    except phonenumbers.NumberParseException:
        return False
