"""What Lambda's Python brings by itself, as a folder of links into this environment: boto3 and its client.

Beside an asset on the path it stands in for /var/runtime, so that an asset that lacks a package fails
here as it would there.
"""

import importlib.metadata
import re
from pathlib import Path

from footfall.errors import AwsNotReady

__all__ = ["PACKAGES_HINT", "link_runtime"]

BROUGHT = ("awslambdaric", "boto3")
PACKAGES_HINT = 'Run: pip install "awslambdaric>=4" "moto[server]>=5.1"'


def link_runtime(folder: Path) -> Path:
    """Fill a folder with links to the packages, and what they need; return it. Raises AwsNotReady."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted, seen = list(BROUGHT), set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            raise AwsNotReady(what=f"the package {name}", hint=PACKAGES_HINT) from None
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            source, link = Path(str(found.locate_file(top))), folder / top
            if source.exists() and not link.exists():
                link.symlink_to(source)
        for requirement in found.requires or ():
            begin = re.match(r"[\w.-]+", requirement)
            wanted += [begin[0]] if begin and "extra ==" not in requirement else []
    return folder
