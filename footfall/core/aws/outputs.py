"""How the stacks' outputs and the settings of ``[aws]`` are named after each other.

The templates say what an installation is made of, and commands read it where it is deployed: so nobody
copies the names of queues and buckets by hand.
"""

from collections.abc import Mapping

__all__ = ["SETTINGS", "output_of", "settings_in"]

SETTINGS = (
    "stream",
    "firehose",
    "search",
    "dead_letters",
    "raw_bucket",
    "lake_bucket",
    "results_bucket",
    "events_table",
    "key_secret",
    "workgroup",
    "database",
    "partitions",
    "replay_job",
)
"""What commands need to know of an installation."""

_BY_OUTPUT = {"Setting" + "".join(map(str.title, name.split("_"))): name for name in SETTINGS}
_BY_SETTING = {name: output for output, name in _BY_OUTPUT.items()}


def output_of(setting: str) -> str:
    """Return the output's name. Raises KeyError for a setting that no command asks for."""
    return _BY_SETTING[setting]


def settings_in(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return the settings among a stack's outputs."""
    return {_BY_OUTPUT[key]: value for key, value in outputs.items() if key in _BY_OUTPUT}
