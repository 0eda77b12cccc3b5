"""Clients of AWS for imports, and what their errors mean; they need the extra ``aws``."""

from collections.abc import Callable
from typing import Any

from footfall.errors import FootfallError, MissingExtra, ObjectsDenied, ObjectsLost, ObjectsRefused

__all__ = ["aws_client", "broke_off", "fault_of"]

POOL = 32  # connections: above the threads that fetch
ATTEMPTS = 6  # some 15 seconds of patience

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccountProblem",
        "AllAccessDisabled",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "403",
    }
)
FOR_NOW = frozenset(
    {
        "InternalError",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "500",
        "503",
    }
)
HINTS = {
    "NoSuchBucket": "Check the bucket's name, and AWS_ENDPOINT_URL if it is not at AWS",
    "PermanentRedirect": "Set AWS_REGION to the bucket's region",
    "AuthorizationHeaderMalformed": "Set AWS_REGION to the bucket's region",
    "IllegalLocationConstraintException": "Set AWS_REGION to the bucket's region",
    "InvalidObjectState": "It is archived (Glacier): restore it first",
    "InvalidBucketName": "Check the bucket's name",
}


def aws_client(service: str) -> Any:
    """Return a client that retries by itself and slows down when throttled.

    Address, region and rights come from AWS's own variables, files and roles: ``AWS_ENDPOINT_URL``,
    ``AWS_REGION``, ``AWS_PROFILE``, ... Raises MissingExtra without boto3, ObjectsDenied for a
    profile that isn't there, ObjectsRefused without a region.
    """
    try:
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra(feature=f"AWS ({service})", extra="aws") from error
    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        max_pool_connections=POOL,
        connect_timeout=5,
        read_timeout=60,
        tcp_keepalive=True,
    )
    try:
        return boto3.Session().client(service, config=config)
    except (BotoCoreError, ValueError) as error:
        raise fault_of(error, f"AWS ({service})", "the work") from error


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def broke_off(error: Exception) -> bool:
    """Say whether the connection went while an answer was read, which the client does not repeat."""
    from botocore import exceptions  # type: ignore[import-untyped]

    return isinstance(
        error,
        (exceptions.IncompleteReadError, exceptions.ResponseStreamingError, exceptions.ReadTimeoutError),
    )


def fault_of(
    error: Exception,
    place: str,
    action: str,
    known: Callable[[str], FootfallError | None] = lambda _: None,
) -> FootfallError:
    """Return our error for one of boto3's; ``known`` gives the caller's own for an error code."""
    from botocore import exceptions

    code = _code(error)
    if (own := known(code)) is not None:
        return own
    told = f"{code}: {message}" if code and (message := _message(error)) else str(error)
    denied = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.ProfileNotFound,
        exceptions.TokenRetrievalError,
        exceptions.SSOError,
    )
    if code in DENIED or isinstance(error, denied):
        return ObjectsDenied(place=place, cause=told, action=action)
    lost = (exceptions.HTTPClientError, exceptions.ConnectionError, ConnectionError, TimeoutError)
    if code in FOR_NOW or broke_off(error) or isinstance(error, lost):
        return ObjectsLost(place=place, cause=told)
    hint = HINTS.get(code, "Check the address, AWS_REGION and AWS_ENDPOINT_URL")
    return ObjectsRefused(place=place, cause=told, hint=hint)


def _message(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Message", ""))
