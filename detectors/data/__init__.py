"""Compact data files that the recognizers read; each opens with its source and licence."""
