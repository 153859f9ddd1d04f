"""Strayscan: finds personal data in file shares, and says which of it lies outside the approved stores."""

__version__ = "0.1.0"
