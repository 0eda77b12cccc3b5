"""What makes the disk keep it: files and folders synced."""

import os
from pathlib import Path

__all__ = ["sync"]


def sync(path: Path) -> None:
    """Return once the disk has a file's content, or a folder's names. Raises OSError when it refuses."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
