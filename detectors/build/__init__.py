"""Scripts that build the compact data files of `detectors.data`; run by hand, their results are kept."""
