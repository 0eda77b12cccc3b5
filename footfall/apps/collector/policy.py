"""What the settings say of who may send and how, and why that could not be served on a host."""

import ipaddress

from footfall.apps.collector.routes import path_problems
from footfall.core.access import Access, AppAccess, access_problems
from footfall.core.record import AppId
from footfall.settings import Settings

__all__ = ["access_of", "setting_problems"]


def access_of(settings: Settings) -> Access:
    """Return the rules of the configured apps."""
    return Access({AppId(n): AppAccess(app.write_keys, app.origins) for n, app in settings.apps.items()})


def setting_problems(settings: Settings, access: Access, host: str) -> list[str]:
    """Return why these settings can't be served to whoever reaches the host; empty when they can."""
    problems = access_problems(access, host)
    problems += path_problems(settings.collector)
    for network in settings.collector.trusted_proxies:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            problems.append(f"collector.trusted_proxies: {error}")
    return problems
