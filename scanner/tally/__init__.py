"""Counts of one object in bounded memory: distinct values, where each stands, and how many persons they belong to."""
