"""Enrichment: one file per concern; each maps distinct values, never row by row."""
