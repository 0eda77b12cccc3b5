"""Enrichment: one file per concern; each maps distinct values, never row by row.

``enrich`` is what callers need; the concerns' own functions are for tests and explanations.
"""

from footfall.core.enrich.table import enrich

__all__ = ["enrich"]
