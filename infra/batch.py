"""The batch ETL: a Glue job of ``glue/batch_etl.py``, its step chain, and the table of its results."""

import tempfile
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.countries import write_countries
from infra.installation import Installation
from infra.job import job_role, spark_job
from infra.machine import Machine
from infra.permissions import may

__all__ = ["Batch"]

HERE = Path(__file__).parent
RESULT = {
    "event_id": "string", "event": "string", "user_id": "string", "anonymous_id": "string",
    "created_at": "string", "url": "string", "element": "string", "time_spent": "double", "value": "double",
    "currency": "string", "age": "int", "country": "string", "country_name": "string",
    "continent": "string",
}  # fmt: skip


class Batch(Construct):
    """From ``batch/raw/`` of the raw bucket to ``batch/csv/`` of the lake; what was read moves away."""

    def __init__(self, scope: Construct, installation: Installation, lake: "cdk.Stack") -> None:
        super().__init__(scope, "Batch")
        key = lake.identity.key
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "countries.csv"
            write_countries(table)
            known = assets.Asset(self, "Countries", path=str(table))
        script = assets.Asset(self, "Script", path=str(HERE / "glue" / "batch_etl.py"))
        role = job_role(self, "batch", installation, key, [known, script])
        raw = f"arn:{lake.partition}:s3:::{installation.bucket('raw')}"
        results = f"arn:{lake.partition}:s3:::{installation.bucket('lake')}"
        may(role, ["s3:ListBucket"], [raw, results])
        objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        may(role, objects, [f"{raw}/batch/*", f"{results}/batch/*"])
        self.job = spark_job(
            self,
            "batch",
            installation,
            key,
            role,
            script.s3_object_url,
            {
                "--source": f"s3://{installation.bucket('raw')}/batch/raw/",
                "--done": f"s3://{installation.bucket('raw')}/batch/processed/",
                "--target": f"s3://{installation.bucket('lake')}/batch/csv/",
                "--countries": known.s3_object_url,
            },
        )
        self._table(installation, lake)
        self._chain(installation, lake)

    def _table(self, installation: Installation, lake: "cdk.Stack") -> None:
        table = glue.CfnTable(
            self,
            "Results",
            catalog_id=lake.account,
            database_name=lake.database,
            table_input=glue.CfnTable.TableInputProperty(
                name="batch_events",
                description="The batch ETL's results",
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "csv", "skip.header.line.count": "1"},
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=f"s3://{installation.bucket('lake')}/batch/csv/",
                    columns=[
                        # OpenCSVSerde knows numbers only as plain text; who asks casts them
                        glue.CfnTable.ColumnProperty(name=name, type="string", comment=kind)
                        for name, kind in RESULT.items()
                    ],
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.apache.hadoop.hive.serde2.OpenCSVSerde"
                    ),
                ),
            ),
        )
        table.add_resource_dependency(lake.node.find_child("Database"))

    def _chain(self, installation: Installation, lake: "cdk.Stack") -> None:
        topic = installation.arn("sns", installation.named("alerts"))
        machine = Machine(
            self,
            "batch",
            installation,
            lake.identity.key,
            definition=HERE / "asl" / "batch.asl.json",
            values={
                "Job": installation.named("batch"),
                "Workgroup": installation.name,
                "Database": lake.database,
                "Alerts": topic,
            },
        )
        runs = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
        may(machine.role, runs, [installation.arn("glue", f"job/{installation.named('batch')}")])
        lake.asks(machine.role)
        may(machine.role, ["sns:Publish"], [topic])
