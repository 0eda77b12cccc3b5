"""The private pages and API."""
