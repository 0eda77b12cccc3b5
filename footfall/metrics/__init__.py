"""The catalogue of metrics and their rendering; pure."""
