"""Charts of an analyst's answers: drawn in this process, without a script from anywhere."""

from __future__ import annotations

import builtins
import json
from typing import Any

import pandas as pd
import pytest

from scanner.render import charts

DEPARTMENTS = pd.DataFrame({"department": ["Sales", "総務", None], "objects": [5, 2, 1], "critical": [2, 0, 1], "high": [1, 2, 0]})
EXPOSURE = pd.DataFrame({"exposure": ["everyone", "private"], "severity": ["critical", "low"], "objects": [2, 3], "persons": [40, 7]})
TREND = pd.DataFrame({"outcome": ["complete", "stopped"], "stray": [5, 2], "unread": [1, 0]})


def drawn(chart: Any) -> str:
    charts.offline()
    made = chart._repr_mimebundle_(None, None)
    bundle: dict[str, str] = made[0] if isinstance(made, tuple) else made
    assert set(bundle) == {"image/svg+xml"}
    return bundle["image/svg+xml"]


def rows(chart: Any) -> list[dict[str, Any]]:
    (data,) = json.loads(chart.to_json())["datasets"].values()
    return list(data)


def test_shares_add_up_and_nobodys_is_shown() -> None:
    chart = charts.shares(DEPARTMENTS)
    told = pd.DataFrame(rows(chart))
    assert told.groupby("department")["stray objects"].sum().to_dict() == {"Sales": 5, "総務": 2, "-": 1}
    assert told.groupby("severity")["stray objects"].sum().to_dict() == {"critical": 3, "high": 3, "other": 2}
    picture = drawn(chart)
    assert "総務" in picture and "<script" not in picture and "http" not in picture.replace("http://www.w3.org", "")


def test_persons_by_who_can_read_them() -> None:
    chart = charts.exposure(EXPOSURE)
    assert sum(row["persons"] for row in rows(chart)) == 47
    assert "everyone" in drawn(chart)


def test_a_run_that_is_not_complete_is_told_apart() -> None:
    chart = charts.trend(TREND)
    told = rows(chart)
    assert {(row["run"], row["what"], row["objects"], row["complete"]) for row in told} == {
        (1, "stray", 5, True), (2, "stray", 2, False), (1, "unread", 1, True), (2, "unread", 0, False),
    }  # fmt: skip
    assert 'fill-opacity="0"' in drawn(chart)


def test_an_empty_answer_is_an_empty_picture() -> None:
    assert "<svg" in drawn(charts.shares(DEPARTMENTS[:0]))
    assert "<svg" in drawn(charts.trend(TREND[:0]))


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "vl_convert":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match="strayscan\\[notebook\\]"):
        charts.offline()
