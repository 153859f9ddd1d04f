"""The constructed documents: what is kept is what the script makes, spans stand where they say, the halves share nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

DOCUMENTS = Path(__file__).parents[2] / "benchmarks" / "documents"
FILES = ("ja.development", "ja.checking", "en.development", "en.checking")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DOCUMENTS / f"{name}.jsonl").read_text(encoding="utf-8").split("\n") if line]


@pytest.mark.parametrize("name", FILES)
def test_every_span_stands_where_it_says(name: str) -> None:
    for row in rows(name):
        last = 0
        for span in row["spans"]:
            assert row["text"][span["start"] : span["end"]] == span["surface"] != ""
            assert span["start"] >= last
            last = span["end"]
        assert row["persons"] == len({span["person"] for span in row["spans"] if "person" in span})
        assert "{" not in row["text"] and "[[" not in row["text"]


def test_the_halves_share_no_text_template_or_name() -> None:
    for language in ("ja", "en"):
        one, two = rows(f"{language}.development"), rows(f"{language}.checking")
        assert not {row["text"] for row in one} & {row["text"] for row in two}
        bodies = [(DOCUMENTS / "templates" / f"{language}.{half}.txt").read_text(encoding="utf-8") for half in ("development", "checking")]
        lines = [{line for line in body.split("\n") if len(line) > 30} for body in bodies]
        assert not lines[0] & lines[1]
        lists = [
            tomllib.loads((DOCUMENTS / "values" / f"{language}.{half}.toml").read_text("utf-8")) for half in ("development", "checking")
        ]
        for key in ("given", "organisations"):
            names = [
                set(re.split(r"\||\n" if key == "organisations" and language == "en" else r"\s+", each[key].strip())) for each in lists
            ]
            assert not names[0] & names[1]
        assert not set(lists[0]["surnames"].split()) & set(lists[1]["surnames"].split()) - {"Van", "De"}
        assert len({row["text"] for row in one}) == len(one) and len({row["text"] for row in two}) == len(two)


def test_the_script_makes_the_same_bytes(tmp_path: Path) -> None:
    made = "import make, pathlib, sys; make.write(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", made, str(tmp_path)], check=True, cwd=DOCUMENTS)
    for name in FILES:
        assert (tmp_path / f"{name}.jsonl").read_bytes() == (DOCUMENTS / f"{name}.jsonl").read_bytes()
