"""The audit binder: what a store recorded in a period, gathered for an auditor, each section as a table, every piece hashed."""
