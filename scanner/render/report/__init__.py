"""The report: one self-contained page from a findings store. Facts, the Friday list, pictures, packed rows, sections, page."""
