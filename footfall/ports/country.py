"""Where an address lies."""

from typing import Protocol

__all__ = ["CountryLookup"]


class CountryLookup(Protocol):
    """Country of an address: alpha-2 in upper case, or None when unknown or not an address."""

    def __call__(self, ip: str, /) -> str | None: ...  # noqa: D102
