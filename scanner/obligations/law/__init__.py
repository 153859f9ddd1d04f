"""Thresholds of the laws as YAML, one file a law: `scanner.obligations.thresholds` reads them."""
