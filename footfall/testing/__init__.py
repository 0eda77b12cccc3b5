"""The public kit for tests: doubles that keep the ports' promises, and one contract suite per port.

Import from the modules: ``footfall.testing.event_log``, ``footfall.testing.warehouse``.
"""
