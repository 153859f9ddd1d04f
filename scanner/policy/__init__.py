"""The policy: approved stores, departments, what is left out and what is excused (docs/reference/policy.md)."""

from scanner.policy.document import PolicyError
from scanner.policy.entities import RETENTION, is_sensitive, known_entities, weighs_most
from scanner.policy.loading import load
from scanner.policy.policy import Combination, Department, Example, ExampleFailure, Excuse, Placement, Policy, Store
from scanner.policy.severity import SEVERITIES, SeverityRule

__all__ = [
    "RETENTION",
    "SEVERITIES",
    "Combination",
    "Department",
    "Example",
    "ExampleFailure",
    "Excuse",
    "Placement",
    "Policy",
    "PolicyError",
    "SeverityRule",
    "Store",
    "is_sensitive",
    "known_entities",
    "load",
    "weighs_most",
]
