"""Clients of AWS services that ask once: who asks again, and how long, is said in ``piecemeal``.

Addresses, region and rights come from the environment, as AWS's SDKs read it: ``AWS_REGION``,
``AWS_ENDPOINT_URL_KINESIS``, the function's role.
"""

from functools import cache
from typing import Any

from footfall.errors import MissingExtra

__all__ = ["client"]

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0


@cache
def client(service: str, endpoint: str = "") -> Any:
    """Return the client of a service, one for the process, and for any thread. Raises MissingExtra."""
    try:
        from botocore.config import Config  # type: ignore[import-untyped]
        from botocore.session import get_session  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra(feature="AWS", extra="aws") from error
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
    )
    return get_session().create_client(service, config=config, endpoint_url=endpoint or None)
