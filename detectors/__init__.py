"""Detectors of personal data: Presidio recognizers, regex rules, and the judging of whole columns."""
