"""footfall: a clickstream platform. The parts are in the floors below; nothing is loaded here."""

__version__ = "0.1.0"
