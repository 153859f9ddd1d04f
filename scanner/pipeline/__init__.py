"""One file in, facts out: the unit of work everywhere (scan, watch, trace)."""

from scanner.pipeline.walk import Pipeline

__all__ = ["Pipeline"]
