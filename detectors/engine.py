"""All detectors of a run behind one door: rules and recognizers, screened, thresholded, overlaps resolved."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import detectors
from detectors import fax_columns, overlap, rule_files, rule_packs
from detectors.fold import encodable, fold
from detectors.gate import Finder, Gate, can_report, needed_words
from detectors.near import Near
from detectors.rule import CompiledRule, Rule
from detectors.windows import MAX_WINDOW, Window, windows
from scanner.model import Detection, DetectSettings, TableDetector

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

DEFAULT_THRESHOLD: Final = 0.5
BLOCK: Final = 40  # windows looked at together: some 64,000 characters
_LIBRARIES: Final = ("presidio-analyzer", "regex", "phonenumbers", "sudachipy", "sudachidict-core", "spacy")


class Engine:
    """All detectors of a run, as the pipeline gets them. Pure after loading but for `take_problems`, the detectors that failed."""

    def __init__(
        self, settings: DetectSettings, rules: tuple[Rule, ...], recognizers: Sequence[EntityRecognizer], *, screened: bool = True
    ):
        self.settings = settings
        self.rules = rules
        self.near = Near(rules)
        self.recognizers = tuple(recognizers)
        self._thresholds = dict(settings.thresholds)
        self._default = self._thresholds.get("default", DEFAULT_THRESHOLD)
        self._wanted = None if settings.entities is None else frozenset(settings.entities)
        self._allow = frozenset(_plain(value) for value in settings.allow)
        claiming = [self._rule_finder(item) for item in rules if item.entity is not None]
        self._finders = (*claiming, *(_recognizer_finder(item) for item in recognizers))
        self._subtracting = tuple((self._rule_finder(item), item) for item in rules if item.entity is None)
        self._covered = {item.id: None if "*" in item.subtracts else frozenset(item.subtracts) for _, item in self._subtracting}
        self._gate = Gate(self._finders) if screened else None
        self._subtracting_gate = Gate([finder for finder, _ in self._subtracting]) if screened else None
        self._problems: list[str] = []
        self.digest = _digest(settings, rules, recognizers)

    @property
    def unscreened(self) -> tuple[str, ...]:
        """Names of the rules and recognizers that no screen can speak for: they run on every window."""
        always = range(len(self._finders)) if self._gate is None else sorted(self._gate.always)
        return tuple(self._finders[number].name for number in always)

    def threshold(self, entity_type: str) -> float:
        """The least score at which a detection of this type is reported."""
        return self._thresholds.get(entity_type, self._default)

    def wants(self, entity_type: str) -> bool:
        """Whether this entity type is to be reported at all."""
        return self._wanted is None or entity_type in self._wanted

    def find(self, text: str) -> list[Detection]:
        """Detections of a text of any length, in order of start."""
        return [
            Detection(item.entity_type, window.offset + item.start, window.offset + item.end, item.score, item.rule_id, item.detector)
            for window, found in self.find_many(windows(text))
            for item in found
        ]

    def find_many(self, stream: Iterable[Window]) -> Iterator[tuple[Window, list[Detection]]]:
        """Every window of a stream, in order, with the detections it owns (offsets in the window's text). Windows that hold no sign of
        anything are passed over many at a time, so this is the quick way; it reads up to `BLOCK` windows ahead."""
        for block in _blocks(stream):
            if self._gate is not None and self._gate.idle(_joined(block)):
                yield from ((window, []) for window in block)
            else:
                yield from ((window, self.find_own(window)) for window in block)

    def find_own(self, window: Window) -> list[Detection]:
        """Detections that the window owns, with offsets in the window's text."""
        return [item for item in self.find_window(window.text) if window.owns(item.start)]

    def find_window(self, window_text: str) -> list[Detection]:
        """Detections of one window (at most 2,000 characters), overlaps resolved, in order of start."""
        return self._judge(window_text, None, None)

    def find_cell(
        self, value: str, entity_types: frozenset[str] | None = None, context: Sequence[str] = (), *, settled: bool = True
    ) -> list[Detection]:
        """Detections in one cell of a table; `context` are the words of its header, which count as context of every match in it.

        `entity_types`: look for these only (others still compete for the characters). `settled=False`: what counts only beside a person's
        data is given wherever it stands, for the row to settle.
        """
        header = tuple(context)
        if len(value) <= MAX_WINDOW:
            return self._judge(value, header, entity_types, settled)
        return [
            Detection(item.entity_type, window.offset + item.start, window.offset + item.end, item.score, item.rule_id, item.detector)
            for window in windows(value)
            for item in self._judge(window.text, header, entity_types, settled)
            if window.owns(item.start)
        ]

    def table(self, header: Sequence[str] | None, place: str | None) -> TableDetector:
        """A judge of one table, over all its rows."""
        from detectors.columns import TableScan

        return TableScan(self, header, place)

    def take_problems(self) -> list[str]:
        """Ids of rules and recognizers that raised or took too long since the last call: what they would have found is not known."""
        problems, self._problems = sorted(set(self._problems)), []
        return problems

    def _judge(self, text: str, header: tuple[str, ...] | None, only: frozenset[str] | None, settled: bool = True) -> list[Detection]:
        folded, data = encodable(fold(text))
        raw = self._raw(self._finders, self._gate, text, folded, data, header)
        good = [item for item in raw if self._counts(item, text)]
        if not good:
            return good
        claims = self._raw([finder for finder, _ in self._subtracting], self._subtracting_gate, text, folded, data, header)
        left = overlap.subtract(good, claims, self._covered) if claims else good
        standing = self.near.settle(left, text) if settled else overlap.resolve(left)
        if header is None and self.wants("FAX_NUMBER"):
            standing = fax_columns.told_apart(folded, standing)
        return standing if only is None else [item for item in standing if item.entity_type in only]

    def _raw(
        self, finders: Sequence[Finder], gate: Gate | None, text: str, folded: str, data: bytes, header: tuple[str, ...] | None
    ) -> list[Detection]:
        runs = [(number, None) for number in range(len(finders))] if gate is None else gate.open(folded, data, header is not None)
        return [item for number, ends in runs for item in self._run(finders[number], text, folded, header, ends)]

    def _run(self, finder: Finder, text: str, folded: str, header: tuple[str, ...] | None, ends: Sequence[int] | None) -> list[Detection]:
        try:
            return finder.run(text, folded, header, ends)
        except Exception:  # a plug-in's fault or a pattern's time-out costs that detector in this window, never the scan, and is told
            self._problems.append(finder.name)
            return []

    def _rule_finder(self, item: Rule) -> Finder:
        compiled = CompiledRule(item)
        entity = item.entity or ""
        least = 0.0 if item.entity is None else self.threshold(item.entity)

        def run(text: str, folded: str, header: tuple[str, ...] | None, ends: Sequence[int] | None) -> list[Detection]:
            del text
            return [
                Detection(entity, start, end, score, item.id, "rule") for start, end, score in compiled.finds(folded, header, ends, least)
            ]

        signs = (item.pattern,) if item.entity is None or can_report(item, least) else ()
        return Finder(item.id, signs, run, () if item.entity is None else needed_words(item, least), compiled.narrow, signs)

    def _counts(self, item: Detection, text: str) -> bool:
        if item.score < self.threshold(item.entity_type) or not self.wants(item.entity_type):
            return False
        if not 0 <= item.start < item.end <= len(text):  # a foreign recognizer's slip
            return False
        return not self._allow or _plain(text[item.start : item.end]) not in self._allow


def load(settings: DetectSettings, *, screened: bool = True) -> Engine:
    """The engine for these settings: shipped and user's rules, and every recognizer that a module of `detectors` offers.

    Raises RuleError. `screened=False` runs every detector on every window (the result is the same).
    """
    from detectors import presidio

    presidio.quiet()
    rules = _rules(settings)
    return Engine(settings, rules, _recognizers(settings), screened=screened)


def digest(settings: DetectSettings) -> str:
    """A hash of everything that decides what `load(settings)` would find, without loading dictionaries. Raises RuleError."""
    return _digest(settings, _rules(settings), ())


def pack_versions(settings: DetectSettings) -> Mapping[str, str]:
    """Pack of rules -> version and hash of what `load(settings)` uses of it. Raises RuleError."""
    return rule_packs.versions(_rules(settings), settings.packs)


def _rules(settings: DetectSettings) -> tuple[Rule, ...]:
    own = (rule_files.load_folder(Path(folder)) for folder in settings.rules)
    everything = rule_files.join_rules(rule_packs.load_shipped(settings.packs), *own)
    wanted = None if settings.entities is None else frozenset(settings.entities)
    return tuple(
        item
        for item in everything
        if item.id not in settings.disabled_rules and (wanted is None or item.entity is None or item.entity in wanted)
    )


def _recognizers(settings: DetectSettings) -> list[EntityRecognizer]:
    """The folder is the list: every module of `detectors` with `RECOGNIZERS`, classes made from the settings."""
    found = []
    for info in sorted(pkgutil.iter_modules(detectors.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"detectors.{info.name}")
        for kind in getattr(module, "RECOGNIZERS", ()):
            recognizer = kind(settings)
            known = set(recognizer.supported_entities)
            if known and (settings.entities is None or set(settings.entities) & known):
                found.append(recognizer)
    return found


def _blocks(stream: Iterable[Window]) -> Iterator[list[Window]]:
    waiting = iter(stream)
    while block := list(islice(waiting, BLOCK)):
        yield block


def _joined(block: Sequence[Window]) -> str:
    """The text that consecutive windows cover."""
    parts = [block[0].text]
    end = block[0].offset + len(block[0].text)
    for window in block[1:]:
        parts.append(window.text[end - window.offset :])
        end = window.offset + len(window.text)
    return "".join(parts)


def _recognizer_finder(recognizer: EntityRecognizer) -> Finder:
    """Optional extras of a recognizer: `SIGNS` (see `Finder`) and `CELL_SIGNS` for the screen, and `analyze_cell(value, header)` where a
    header helps it."""
    from detectors.presidio import detections
    from detectors.presidio_signs import signs_of

    entities = list(recognizer.supported_entities)
    analyze_cell: Callable[[str, tuple[str, ...]], list[Any]] | None = getattr(recognizer, "analyze_cell", None)

    def run(text: str, folded: str, header: tuple[str, ...] | None, ends: Sequence[int] | None) -> list[Detection]:
        del folded, ends
        if header is not None and analyze_cell is not None:
            return detections(analyze_cell(text, header), recognizer)
        return detections(recognizer.analyze(text, entities, None) or (), recognizer)

    signs = getattr(recognizer, "SIGNS", None) or signs_of(recognizer)
    return Finder(recognizer.name, signs, run, cell_signs=getattr(recognizer, "CELL_SIGNS", None) or signs)


def _plain(value: str) -> str:
    return fold(value).strip().casefold()


def _digest(settings: DetectSettings, rules: Sequence[Rule], recognizers: Sequence[EntityRecognizer]) -> str:
    """Of everything that decides the outcome: settings, rules, our own sources and data, foreign recognizers, library versions."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in _digest_parts(settings, rules, recognizers):
        hasher.update(part + b"\0")
    return hasher.hexdigest()


def _digest_parts(settings: DetectSettings, rules: Sequence[Rule], recognizers: Sequence[EntityRecognizer]) -> Iterator[bytes]:
    thresholds, models = sorted(settings.thresholds.items()), sorted(settings.spacy_models.items())
    yield repr((settings.entities, thresholds, settings.allow, models)).encode()
    yield repr(settings.dictionaries).encode()
    for item in rules:
        yield item.digest.encode()
    for recognizer in recognizers:
        kind = type(recognizer)
        yield f"{kind.__module__}.{kind.__qualname__} {recognizer.name} {recognizer.version} {getattr(recognizer, 'digest', '')}".encode()
    folder = Path(__file__).parent
    for file in sorted(path for path in (*folder.glob("*.py"), *folder.glob("data/*")) if path.is_file()):
        yield file.name.encode() + hashlib.blake2b(file.read_bytes(), digest_size=16).digest()
    for library in (*_LIBRARIES, *models_packages(settings)):
        yield f"{library} {library_version(library)}".encode()


def models_packages(settings: DetectSettings) -> tuple[str, ...]:
    """The distributions of the spaCy models asked for."""
    return tuple(sorted({name.replace("_", "-") for name in settings.spacy_models.values()}))


def library_version(library: str) -> str:
    """The installed version of a distribution, "none" without it."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


__all__ = ["DEFAULT_THRESHOLD", "Engine", "load"]
