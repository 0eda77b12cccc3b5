"""What every error is: a message from its class, and whether a retry helps."""

import inspect
from typing import ClassVar

__all__ = ["FootfallError"]


class FootfallError(Exception):
    """Something in footfall failed: {what}."""

    retryable: ClassVar[bool] = False

    def __init__(self, **values: object) -> None:
        self.values = values
        template = " ".join((inspect.getdoc(type(self)) or "").split("\n\n")[0].split())
        super().__init__(template.format(**values))
