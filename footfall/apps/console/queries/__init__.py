"""The console's own questions, a file each; the metrics are in ``footfall.metrics``."""
