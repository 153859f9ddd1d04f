"""One file in, facts out: the unit of work everywhere (scan, watch, trace)."""
