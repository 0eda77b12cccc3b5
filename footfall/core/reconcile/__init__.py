"""Access logs against the script: what a page load is, the estimates with their sources, the report.

The joining itself is SQL (``services/reconcile_queries``); nothing here reads anything.
"""
