"""20,000 events and a day of access logs through the emulated AWS and the embedded path: the same rows.

What ``footfall aws emulate`` runs. Emulated: API Gateway, the event source, Firehose, Lambda's API and
Glue's runs (ours), Kinesis (kinesis-local), S3, SQS, Secrets Manager and Step Functions (moto), DynamoDB
(DynamoDB Local), RDS (MariaDB). Real: the bundles that are deployed, under awslambdaric; AWS's SDK; a node
of OpenSearch; the job's file.
"""

from pathlib import Path

import pytest
from conftest import missing

from footfall.errors import AwsNotReady
from footfall.testing.aws.bundles import IMPORT_LIMIT_MS, LIMITS_MIB
from footfall.testing.aws.parts import find_parts
from footfall.testing.aws.servers import own_environment

EVENTS = 20_000


@pytest.mark.slow
def test_the_same_input_gives_the_same_rows_on_both_paths(tmp_path: Path) -> None:
    try:
        parts = find_parts()
    except AwsNotReady as error:
        missing(str(error))
    from footfall.testing.aws.emulation import emulation
    from footfall.testing.aws.sample import make_sample

    sample = make_sample(EVENTS)
    assert len(sample.accepted) >= EVENTS
    stages: list[str] = []
    with (
        own_environment(),
        emulation(parts, tmp_path, sample, lambda stage, *_: stages.append(stage)) as made,
    ):
        assert [each for each in made.compared if not each.equal] == []
        assert {each.store for each in made.compared if each.expected > len(sample.logs)} == {
            "lake", "OpenSearch", "DynamoDB", "MySQL", "dead letters"
        }  # fmt: skip
        assert made.again, "instances died, and no batch came again"
        sizes, imported = made.deployment.sizes, made.deployment.imported
        assert all(0 < sizes[name] <= limit for name, limit in LIMITS_MIB.items())
        assert imported.work < IMPORT_LIMIT_MS
    assert stages[-1].startswith("Comparing")
