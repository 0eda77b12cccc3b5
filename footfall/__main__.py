"""``python -m footfall``: the command line."""

from footfall.apps.cli import main

main()
