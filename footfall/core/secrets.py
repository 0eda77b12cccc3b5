"""Secrets in a command line: found by where they stand, and masked wherever the command is shown.

What a job prints can hold them too (a database's error names its address), so the same values are
masked there.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

__all__ = ["masked_command", "masked_text"]

MASK = "***"
SHORTEST = 4
"""A shorter secret is masked where it stands, and not all over a text, which it would make unreadable."""

NAMES = r"[\w.-]*(?:pass|pwd|token|secret|key|sig|auth|credential)[\w.-]*"
IN_TEXT = (
    re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)(?P<secret>\S*)(?=@)", re.IGNORECASE),
    re.compile(rf"(?P<before>[?&]{NAMES}=)(?P<secret>[^&#\s]+)", re.IGNORECASE),
    re.compile(rf"(?P<before>--{NAMES}[= ])(?P<secret>\S+)", re.IGNORECASE),
)
OPTION = re.compile(rf"--{NAMES}", re.IGNORECASE)


def masked_command(command: Sequence[str]) -> str:
    """Return the command line as a shell would take it, with each secret as three stars."""
    shown = [argument if argument in ("", MASK) else shlex.quote(argument) for argument in _masked(command)]
    return " ".join(shown)


def masked_text(text: str, command: Sequence[str] = ()) -> str:
    """Mask what looks like a secret in a text, and each secret of the command that printed it."""
    for secret in sorted(_secrets(command), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern in IN_TEXT:
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return text


def _masked(command: Sequence[str]) -> Iterator[str]:
    before = ""
    for argument in command:
        yield MASK if OPTION.fullmatch(before) else masked_text(argument)
        before = argument


def _secrets(command: Sequence[str]) -> set[str]:
    found: set[str] = set()
    before = ""
    for argument in command:
        if OPTION.fullmatch(before):
            found.add(argument)
        found.update(match["secret"] for pattern in IN_TEXT for match in pattern.finditer(argument))
        before = argument
    return {each for secret in found for each in (secret, unquote(secret)) if len(each) >= SHORTEST}
