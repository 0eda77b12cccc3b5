"""Which lake a job works on: one in a folder that all machines see, or one in S3."""

from pathlib import Path

from footfall.adapters.addresses import address_of, in_bucket
from footfall.adapters.lake_bucket import BucketLake
from footfall.adapters.lake_folder import FolderLake
from footfall.errors import LakeOwned
from footfall.ports.lakes import HourLake

__all__ = ["job_lake", "lake_address", "open_lake"]

WAREHOUSE = "warehouse.duckdb"


def open_lake(address: str) -> HourLake:
    """Return the lake at an address."""
    return BucketLake(address) if in_bucket(address) else FolderLake(address)


def lake_address(given: str) -> str:
    """Return the address of a lake, which is the same wherever it is read."""
    return address_of(given).rstrip("/")


def job_lake(given: str) -> str:
    """Return the address of a lake that a job may write to. Raises LakeOwned when a platform keeps it."""
    address = lake_address(given)
    folder = Path(address)
    if not in_bucket(address) and folder.name == "lake" and (folder.parent / WAREHOUSE).exists():
        raise LakeOwned(lake=folder, data=folder.parent)
    return address
