"""The doors of a private network: interface endpoints, each paid by the hour and zone."""

from typing import NamedTuple

from footfall.core.aws.profiles import Profile

__all__ = ["ENDPOINTS", "Endpoint", "endpoints_of"]


class Endpoint(NamedTuple):
    """An interface endpoint, its name in CDK, and the parts (rows of the profile) that call through it."""

    name: str
    service: str
    needed_by: tuple[str, ...]


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("Sqs", "SQS", ("search_nodes",)),
    Endpoint("Secrets", "SECRETS_MANAGER", ("logs", "console")),
    Endpoint("Logs", "CLOUDWATCH_LOGS", ("console",)),
    Endpoint("Athena", "ATHENA", ("console",)),
    Endpoint("Glue", "GLUE", ("console",)),
    Endpoint("EcrApi", "ECR", ("console",)),
    Endpoint("EcrDocker", "ECR_DOCKER", ("console",)),
)


def endpoints_of(profile: Profile) -> list[Endpoint]:
    """Return the endpoints that a profile's parts need."""
    return [each for each in ENDPOINTS if any(getattr(profile, part) for part in each.needed_by)]
