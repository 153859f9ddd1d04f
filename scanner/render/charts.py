"""Pictures of the answers of `scanner.findings.questions`, for notebooks; they need the extra `notebook`.

Charts are drawn to SVG in the process (vl-convert), so that no notebook loads a script from the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_SEVERITIES = {"critical": "#b30021", "high": "#e8590c", "medium": "#f2b705", "low": "#74a9cf", "info": "#b8b8b8"}

_PADDING = {"left": 24, "right": 8, "top": 6, "bottom": 6}  # pixels: a page may set a wider font than the one that was measured


def offline() -> None:
    """Draw Altair's charts as SVG, in this process. Raises ModuleNotFoundError saying what to install."""
    _altair().renderers.enable("svg")


def shares(frame: pd.DataFrame, by: str = "department") -> Any:
    """Bars of stray objects by `by` (an answer of by_department, by_store or by_folder), those that are critical or high set off."""
    alt = _altair()
    told = frame.assign(**{by: frame[by].astype(object).where(frame[by].notna(), "-")})
    told["other"] = told["objects"] - told["critical"] - told["high"]
    long = told.melt(id_vars=[by], value_vars=["critical", "high", "other"], var_name="severity", value_name="stray objects")
    colours = alt.Scale(domain=["critical", "high", "other"], range=[_SEVERITIES["critical"], _SEVERITIES["high"], _SEVERITIES["low"]])
    return (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X("sum(stray objects):Q", title="stray objects"),
            y=alt.Y(f"{by}:N", sort="-x", title=None),
            color=alt.Color("severity:N", scale=colours),
        )
        .properties(width=420, title=f"by {by}", padding=_PADDING)
    )


def exposure(frame: pd.DataFrame) -> Any:
    """Bars of persons by who can read them (an answer of exposure)."""
    alt = _altair()
    order = list(_SEVERITIES)
    colours = alt.Scale(domain=order, range=[_SEVERITIES[name] for name in order])
    ranks = ["everyone", "group", "unknown", "private"]
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("sum(persons):Q", title="persons, counted in each object"),
            y=alt.Y("exposure:N", sort=ranks, title=None),
            color=alt.Color("severity:N", scale=colours, sort=order),
        )
        .properties(width=420, title="by who can read them", padding=_PADDING)
    )


def trend(frame: pd.DataFrame) -> Any:
    """Lines of stray and unread objects over the runs, in order (an answer of trend); runs that are not complete are hollow."""
    alt = _altair()
    told = frame[["outcome", "stray", "unread"]].assign(run=range(1, len(frame) + 1), complete=frame["outcome"] == "complete")
    long = told.melt(id_vars=["run", "outcome", "complete"], value_vars=["stray", "unread"], var_name="what", value_name="objects")
    base = alt.Chart(long).encode(x=alt.X("run:O", axis=alt.Axis(labelAngle=0)), y="objects:Q", color=alt.Color("what:N", title=None))
    points = base.mark_point(size=70, filled=True, strokeWidth=2).encode(
        stroke=alt.Stroke("what:N", legend=None), fillOpacity=alt.condition("datum.complete", alt.value(1), alt.value(0))
    )
    return (base.mark_line() + points).properties(width=420, height=200)


def _altair() -> Any:
    try:
        import altair
        import vl_convert  # noqa: F401  # what draws without a browser
    except ModuleNotFoundError:
        raise ModuleNotFoundError("charts need Altair and vl-convert: pip install 'strayscan[notebook]'") from None
    return altair
