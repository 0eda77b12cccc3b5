"""Thin doors: they name parts and hand over."""
