"""``footfall settings``: what can be set, and what is in force."""

import msgspec

from footfall.apps.cli.output import Output, print_rows
from footfall.settings import load_settings, setting_rows

__all__ = ["settings"]

SECRET = ("console.token", "alerts.urls")


def settings(*, output: Output | None = None) -> None:
    """List every setting with its value in force, its default and its environment variable.

    Example: footfall settings --format json
    """
    output = output or Output()
    force = msgspec.to_builtins(load_settings(flags={"data": output.data}), enc_hook=str)
    rows = []
    for row in setting_rows():
        section, _, name = row.name.partition(".")
        if section == "apps" or not isinstance(force[section], str | dict):
            continue  # tables that there may be several of have no one value in force
        value = force[section][name] if name else force[section]
        if row.name in SECRET and value:
            value = "***"
        rows.append([row.name, _plain(value), _plain(row.default), row.variable, row.help])
    print_rows(["setting", "value", "default", "variable", "help"], rows, output.format)


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, int | float | bool) else str(value)
