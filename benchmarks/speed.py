"""Speed of a scan beside plain Presidio on the same input, on one core each: `make benchmark`, or `python benchmarks/speed.py`.

Presidio runs as shipped with its own recognizers (phone regions JP and US) over the same text, line by line, with the NLP engine that does
nothing: no model is on the package registry, and a model would only make it slower. It is given the first part of the text, since it takes
minutes a megabyte; its rate is from that part. Each figure is the median of the runs. `benchmarks/whole_scan.py` measures the command from
outside.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from material import LOADS, book_folder, extract_lines, office_folder, pdf_folder, prose_lines, write_lines
from page import write

from scanner.config import KnownContacts, PipelineConfig
from scanner.extract.budget import FileBudget
from scanner.model import Blob, DetectSettings, Finished, Limits, Location
from scanner.pipeline import Pipeline

PRESIDIO_BYTES = 60_000
WANTED = {"CSV": 40, "SQL": 15, "prose": 8, "log": 60, "Word": 15, "Excel": 15, "PDF": 100}
"""First word of a load -> the goal, in MB/s (PDF: pages/s) a core."""


def pipeline(staging: Path) -> Pipeline:
    return Pipeline(PipelineConfig("benchmark", Limits(), DetectSettings(), KnownContacts(), staging, bytes(32)))


def scan(worker: Pipeline, path: Path, temp: Path) -> int:
    """Hits found in one file."""
    blob = Blob(Location(str(path.parent), path.name), path.stat().st_size, lambda: path.open("rb"))
    events = worker.scan_file(blob, FileBudget(Limits(), temp))
    return sum(found.count for event in events if isinstance(event, Finished) for found in event.facts.found)


def timed(work: Callable[[], int], runs: int) -> tuple[float, int]:
    """Median seconds and the hits of the last run."""
    seconds, hits = [], 0
    for _ in range(runs):
        began = time.perf_counter()
        hits = work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), hits


def presidio() -> Callable[[str], int]:
    """Presidio as shipped, both languages, nothing of ours."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    nlp = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    nlp.load()
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("PhoneRecognizer")
    registry.remove_recognizer("SpacyRecognizer")
    registry.add_recognizer(PhoneRecognizer(supported_regions=("JP", "US")))
    engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
    return lambda text: sum(len(engine.analyze(line, "en")) for line in text.splitlines())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--mb", type=float, default=20, help="size of each text")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--files", type=int, default=8, help="Word documents and workbooks of each kind")
    options.add_argument("--write", type=Path, help="page to write the table into")
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        temp = Path(folder)
        worker, other = pipeline(temp), presidio()
        for name, (lines, encoding) in LOADS.items():
            path = write_lines(temp / "load", lines(1), int(asked.mb * 1e6), encoding)
            rows.append(row(name, path, encoding, worker, other, temp, asked.runs))
        words, books = office_folder(temp / "word", asked.files), book_folder(temp / "excel", asked.files)
        prose, people = list(islice(prose_lines(1), 400)), list(islice(extract_lines(1), 400))
        rows.append(office_row("Word documents of 1 MB text, half with data", words, prose, worker, other, temp, asked.runs))
        rows.append(office_row("Excel workbooks of 1 MB text, half with data", books, people, worker, other, temp, asked.runs))
        rows.append(pdf_row(temp, worker, asked.runs))
    told = report(rows, asked.json)
    print(told)
    if asked.write:
        write(asked.write, "speed.py", told)


def row(name: str, path: Path, encoding: str, worker: Pipeline, other: Callable[[str], int], temp: Path, runs: int) -> dict[str, object]:
    seconds, hits = timed(lambda: scan(worker, path, temp), runs)
    rate = path.stat().st_size / seconds / 1e6
    with path.open("rb") as stream:
        head = stream.read(PRESIDIO_BYTES)
    text = io.TextIOWrapper(io.BytesIO(head), encoding, errors="ignore").read()
    theirs, _ = timed(lambda: other(text), 1)
    their_rate = len(head) / theirs / 1e6
    return {"load": name, "mb_s": rate, "hits": hits, "presidio_mb_s": their_rate, "ratio": rate / their_rate}


def office_row(
    name: str, folder: Path, sample: list[str], worker: Pipeline, other: Callable[[str], int], temp: Path, runs: int
) -> dict[str, object]:
    """Files of 1 MB of text each; Presidio is given the text of one with data, already taken out of its file."""
    files = sorted(folder.iterdir())
    seconds, hits = timed(lambda: sum(scan(worker, path, temp) for path in files), runs)
    rate = len(files) / seconds
    theirs, _ = timed(lambda: other("\n".join(sample)), 1)
    their_rate = len("\n".join(sample).encode()) / theirs / 1e6
    return {"load": name, "mb_s": rate, "hits": hits, "presidio_mb_s": their_rate, "ratio": rate / their_rate}


def pdf_row(temp: Path, worker: Pipeline, runs: int) -> dict[str, object]:
    """Pages of 40 lines; beside it pypdfium2, which takes the text out and looks for nothing."""
    import pypdfium2

    files = sorted(pdf_folder(temp / "pdf", 4).iterdir())

    def text_alone() -> int:
        return sum(
            len(document[at].get_textpage().get_text_range())
            for path in files
            for document in [pypdfium2.PdfDocument(path)]
            for at in range(len(document))
        )

    seconds, hits = timed(lambda: sum(scan(worker, path, temp) for path in files), runs)
    alone, _ = timed(text_alone, runs)
    return {
        "load": "PDF, pages a second (beside it pypdfium2's text alone)",
        "mb_s": 100 / seconds,
        "hits": hits,
        "presidio_mb_s": 100 / alone,
        "ratio": alone / seconds,
    }


def report(rows: list[dict[str, object]], as_json: bool) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if as_json:
        return json.dumps({"rows": rows, "peak_rss_mb": peak, "python": platform.python_version()}, indent=1)
    lines = ["| load | MB/s a core | goal | hits | plain Presidio, MB/s | ratio |", "|---|---|---|---|---|---|"]
    for r in rows:
        goal = WANTED[str(r["load"]).partition(" ")[0].rstrip(",")]
        lines.append(f"| {r['load']} | {r['mb_s']:.1f} | {goal} | {r['hits']:,} | {r['presidio_mb_s']:.3f} | {r['ratio']:.1f} |")
    return "\n".join(lines) + f"\n\nPython {platform.python_version()}, peak resident memory of the whole benchmark {peak:.0f} MB."


if __name__ == "__main__":
    main()
