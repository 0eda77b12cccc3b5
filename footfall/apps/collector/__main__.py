"""``python -m footfall.apps.collector``: reads the settings and runs the collector."""

import logging
import sys

from footfall.apps.collector.process import run
from footfall.errors import FootfallError
from footfall.settings import load_settings

__all__ = ["main"]


def main() -> int:
    """Run until told to stop; 0 after a clean stop, 2 when the settings can't be used."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="collector: %(levelname)s %(message)s"
    )
    try:
        return run(load_settings())
    except FootfallError as error:
        logging.getLogger(__name__).error("%s", error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
