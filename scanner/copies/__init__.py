"""Whose records and texts are these: the index of the approved stores, and what of it is found in other objects."""
