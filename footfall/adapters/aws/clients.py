"""Clients of AWS services that ask once: who asks again, and how long, is said in ``piecemeal``.

Addresses, region and rights come from the environment, as AWS's SDKs read it: ``AWS_DEFAULT_REGION``,
``AWS_ENDPOINT_URL_KINESIS``, the function's role.
"""

from functools import cache
from typing import Any

from footfall.errors import MissingExtra

__all__ = ["client"]

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0


@cache
def client(service: str, endpoint: str = "", seconds: float = READ_SECONDS) -> Any:
    """Return the client of a service, one for the process, and for any thread. Raises MissingExtra.

    ``seconds`` is how long it waits for an answer to come on.
    """
    try:
        from botocore.config import Config  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra(feature="AWS", extra="aws") from error
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=seconds,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
    )
    return _session().create_client(service, config=config, endpoint_url=endpoint or None)


@cache
def _session() -> Any:
    """Return the session of all clients: it reads AWS's data files and finds the rights once."""
    from botocore.session import get_session  # type: ignore[import-untyped]

    return get_session()
