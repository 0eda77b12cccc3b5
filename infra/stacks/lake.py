"""lake: where events lie and how they are asked: buckets, Glue tables, Athena, the dead letters."""

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.batch import Batch
from infra.function import Function
from infra.installation import Installation
from infra.outputs import tell
from infra.permissions import acknowledge, may
from infra.replay import Replay
from infra.schedule import schedule
from infra.stacks.identity import IdentityStack
from infra.storage import private_bucket, queue, table
from infra.tables import WHOLE, glue_columns, layout, named_queries

__all__ = ["LakeStack"]


class LakeStack(cdk.Stack):
    """``raw`` (immutable, scrubbed), ``lake`` (Parquet), ``results``; ``events``; ``dead_letters``."""

    def __init__(
        self, scope: Construct, id_: str, installation: Installation, identity: IdentityStack
    ) -> None:
        super().__init__(scope, id_, description="footfall: buckets, tables, queries")
        self.identity, self.installation = identity, installation
        self._buckets(installation)
        self.dead_letters = queue(self, "dead-letters", installation, identity.key)
        self.database = installation.name.replace("-", "_")
        self.layout = layout(installation.profile.partitions)
        self._tables()
        self.workgroup = self._workgroup(installation)
        self._queries()
        self.state = table(self, "state", installation, identity.key, partition="source")
        if installation.profile.ingest == "stream":
            self._integrity(installation)
            Replay(self, installation, self)
        if installation.profile.batch:
            Batch(self, installation, self)
        tell(
            self,
            dead_letters=self.dead_letters.queue_url,
            raw_bucket=self.raw.bucket_name,
            lake_bucket=self.lake.bucket_name,
            results_bucket=self.results.bucket_name,
            workgroup=installation.name,
            database=self.database,
            partitions=installation.profile.partitions,
        )

    def asks(self, role: iam.IGrantable) -> None:
        """Let a role ask Athena: its workgroup, our tables, the lake's objects, and where results go."""
        named = self.installation
        questions = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults",
                     "athena:StopQueryExecution"]  # fmt: skip
        may(role, questions, [named.arn("athena", f"workgroup/{named.name}")])
        catalog = [named.arn("glue", each) for each in ("catalog", f"database/{self.database}")]
        reads = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"]
        may(role, reads, [*catalog, named.arn("glue", f"table/{self.database}/*")])
        lake, results = (f"arn:{self.partition}:s3:::{named.bucket(part)}" for part in ("lake", "results"))
        may(role, ["s3:GetBucketLocation", "s3:ListBucket"], [lake, results])
        may(role, ["s3:GetObject"], [f"{lake}/events/*", f"{lake}/batch/*"])
        kept = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
        may(role, kept, [f"{results}/athena/*"])

    def _integrity(self, installation: Installation) -> None:
        """Compare the lake with the raw archive every day; what is missing is told to the alerts topic."""
        topic = installation.arn("sns", installation.named("alerts"))
        integrity = Function(
            self, "integrity", installation, self.identity.key, seconds=900,
            variables={
                "workgroup": installation.name, "database": self.database,
                "raw_bucket": self.raw.bucket_name, "alerts_topic": topic,
            },
        )  # fmt: skip
        self.asks(integrity)
        may(integrity, ["sns:Publish"], [topic])
        raw = f"arn:{self.partition}:s3:::{installation.bucket('raw')}"
        may(integrity, ["s3:ListBucket"], [raw])
        may(integrity, ["s3:GetObject"], [f"{raw}/raw/*"])
        schedule(
            self, installation, self.identity.key, integrity,
            when="cron(30 2 * * ? *)", failures=self.dead_letters.queue_arn,
            told={"partitions": installation.profile.partitions},
        )  # fmt: skip

    def _buckets(self, installation: Installation) -> None:
        profile, key = installation.profile, self.identity.key
        short = [s3.LifecycleRule(id="expire", expiration=cdk.Duration.days(profile.results_days))]
        tiering = s3.Transition(
            storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=cdk.Duration.days(0)
        )
        self.audit = private_bucket(
            self, "audit", installation, key=None, audit=None,
            rules=[s3.LifecycleRule(id="expire", expiration=cdk.Duration.days(90))],
        )  # fmt: skip
        acknowledge(
            self.audit, "AwsSolutions-S1", "the access logs of this bucket would be written into itself"
        )
        self.raw = private_bucket(
            self, "raw", installation, key=key, audit=self.audit, announces=True,
            rules=[
                s3.LifecycleRule(
                    id="old-raw-data-to-glacier",
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                            transition_after=cdk.Duration.days(profile.glacier_days),
                        )
                    ],
                )
            ],
        )  # fmt: skip
        self.lake = private_bucket(
            self, "lake", installation, key=key, audit=self.audit,
            rules=[
                s3.LifecycleRule(id="tiering", prefix="events/", transitions=[tiering]),
                s3.LifecycleRule(
                    id="errors", prefix="errors/", expiration=cdk.Duration.days(profile.log_days)
                ),
            ],
        )  # fmt: skip
        self.results = private_bucket(self, "results", installation, key=key, audit=self.audit, rules=short)

    def _tables(self) -> None:
        """Make ``events``, whose partitions are computed, so no crawler has to run; and it without any."""
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=self.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database, description="footfall: every accepted event"
            ),
        )
        projection = {
            "projection.enabled": "true",
            **self.layout.projection,
            "storage.location.template": f"s3://{self.lake.bucket_name}/{self.layout.template}",
        }
        told = "One row an event; times are UTC. Name the hours that you ask for, or ask " + WHOLE
        self.events = self._table("Events", "events", told, self.layout.keys, projection)
        self.whole = self._table("Whole", WHOLE, "events without partitions, for any question", (), {})
        for each in (self.events, self.whole):
            each.add_resource_dependency(database)

    def _table(
        self, id_: str, name: str, told: str, keys: tuple[str, ...], parameters: dict[str, str]
    ) -> glue.CfnTable:
        return glue.CfnTable(
            self,
            id_,
            catalog_id=self.account,
            database_name=self.database,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=told,
                table_type="EXTERNAL_TABLE",
                partition_keys=[
                    glue.CfnTable.ColumnProperty(name=key, type="string", comment="Of arrival, UTC")
                    for key in keys
                ],
                parameters={"classification": "parquet", **parameters},
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=f"s3://{self.lake.bucket_name}/events/",
                    columns=glue_columns(),
                    input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )

    def _workgroup(self, installation: Installation) -> athena.CfnWorkGroup:
        return athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=installation.name,
            description="Questions to footfall's lake; none may scan more than the profile's scan_gib",
            recursive_delete_option=not installation.profile.protected,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=installation.profile.scan_gib * 2**30,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self.results.bucket_name}/athena/",
                    expected_bucket_owner=self.account,
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=self.identity.key.key_arn
                    ),
                ),
            ),
        )

    def _queries(self) -> None:
        for name, question, sql in named_queries():
            saved = athena.CfnNamedQuery(
                self,
                f"Query-{name}",
                name=name,
                database=self.database,
                work_group=self.workgroup.name,
                description=question,
                query_string=sql,
            )
            saved.add_resource_dependency(self.workgroup)
