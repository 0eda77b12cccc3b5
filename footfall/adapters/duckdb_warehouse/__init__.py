"""The warehouse on DuckDB: one file, one writer, many readers."""

from footfall.adapters.duckdb_warehouse.warehouse import DuckDBWarehouse

__all__ = ["DuckDBWarehouse"]
