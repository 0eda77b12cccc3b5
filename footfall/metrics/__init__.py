"""The questions that footfall answers: a catalogue of SQL files and their rendering; pure.

``catalogue()`` lists them, ``metric(name)`` gives one, ``render(...)`` makes the SQL to run.
"""

from footfall.metrics.catalogue import COMMON, STITCH, Metric, Output, Parameter, catalogue, metric
from footfall.metrics.reference import reference
from footfall.metrics.render import DIALECTS, ROLLUPS, VIEWS, render

__all__ = [
    "COMMON",
    "DIALECTS",
    "ROLLUPS",
    "STITCH",
    "VIEWS",
    "Metric",
    "Output",
    "Parameter",
    "catalogue",
    "metric",
    "reference",
    "render",
]
