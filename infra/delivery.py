"""Firehose, made our way: 64 MB or 60 s, into the lake as Parquet."""

from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.installation import Installation
from infra.permissions import may
from infra.stacks.lake import LakeStack
from infra.storage import log_group

__all__ = ["RAW_PREFIX", "Delivery"]

Stream = firehose.CfnDeliveryStream
RAW_PREFIX = "raw/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
RAW_ERRORS = "errors/raw/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/"
ROW_ERRORS = "errors/rows/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/"
BUFFER = Stream.BufferingHintsProperty(size_in_m_bs=64, interval_in_seconds=60)


class Delivery(Construct):
    """A delivery stream named ``part``, with a role that may write where it delivers, and nowhere else."""

    def __init__(self, scope: Construct, part: str, installation: Installation, lake: LakeStack) -> None:
        super().__init__(scope, f"{part.title()}Delivery")
        self.installation, self.lake, self.key = installation, lake, lake.identity.key
        self.name = installation.named(part)
        self.arn = installation.arn("firehose", f"deliverystream/{self.name}")
        self.role = iam.Role(
            self,
            "Role",
            role_name=f"{self.name}-delivery",
            assumed_by=iam.ServicePrincipal("firehose.amazonaws.com"),
            description=f"What Firehose may do to deliver {part}",
        )
        may(self.role, ["kms:Decrypt", "kms:GenerateDataKey"], [self.key.key_arn])
        self.log = log_group(self, f"/aws/kinesisfirehose/{self.name}", installation, self.key)
        may(self.role, ["logs:PutLogEvents", "logs:CreateLogStream"], [self.log.log_group_arn])

    def rows(self, transform: lambda_.IFunction | None = None) -> None:
        """Deliver JSON rows as Parquet by the columns of the Glue table ``events``.

        With ``transform`` what comes in are raw records; they are then kept in the raw bucket as they came.
        """
        self._writes(self.lake.lake, "events", "errors")
        table = f"table/{self.lake.database}/events"
        glue = [
            self.installation.arn("glue", each)
            for each in ("catalog", f"database/{self.lake.database}", table)
        ]
        may(self.role, ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], glue)
        more: dict[str, Any] = {}
        if transform:
            may(
                self.role,
                ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
                [self.installation.arn("lambda", f"function:{self.installation.named('transform')}:*")],
            )
            more["processing_configuration"] = Stream.ProcessingConfigurationProperty(
                enabled=True, processors=[_processor(
                    "Lambda", LambdaArn=f"{transform.function_arn}:$LATEST",
                    BufferSizeInMBs="1", BufferIntervalInSeconds="60", NumberOfRetries="3")],
            )  # fmt: skip
            more["s3_backup_mode"] = "Enabled"
            more["s3_backup_configuration"] = self._backup()
        else:
            more["s3_backup_mode"] = "Disabled"
        made = Stream(
            self,
            "Stream",
            delivery_stream_name=self.name,
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=Stream.DeliveryStreamEncryptionConfigurationInputProperty(
                key_type="CUSTOMER_MANAGED_CMK", key_arn=self.key.key_arn
            ),
            extended_s3_destination_configuration=Stream.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=self.lake.lake.bucket_arn,
                role_arn=self.role.role_arn,
                prefix=self.lake.layout.prefix,
                error_output_prefix=ROW_ERRORS,
                buffering_hints=BUFFER,
                compression_format="UNCOMPRESSED",
                encryption_configuration=self._encryption(),
                cloud_watch_logging_options=self._logged("rows"),
                data_format_conversion_configuration=self._parquet(),
                **more,
            ),
        )
        made.node.add_dependency(self.role)

    def _writes(self, bucket: s3.IBucket, *prefixes: str) -> None:
        place = f"arn:{self.lake.partition}:s3:::{self.installation.bucket(bucket.node.id.lower())}"
        listing = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        may(self.role, listing, [place])
        may(
            self.role,
            ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
            [f"{place}/{prefix}/*" for prefix in prefixes],
        )

    def _backup(self) -> firehose.CfnDeliveryStream.S3DestinationConfigurationProperty:
        self._writes(self.lake.raw, "raw", "errors")
        return Stream.S3DestinationConfigurationProperty(
            bucket_arn=self.lake.raw.bucket_arn,
            role_arn=self.role.role_arn,
            prefix=RAW_PREFIX,
            error_output_prefix=RAW_ERRORS,
            buffering_hints=BUFFER,
            compression_format="GZIP",
            encryption_configuration=self._encryption(),
            cloud_watch_logging_options=self._logged("raw"),
        )

    def _parquet(self) -> firehose.CfnDeliveryStream.DataFormatConversionConfigurationProperty:
        return Stream.DataFormatConversionConfigurationProperty(
            enabled=True,
            input_format_configuration=Stream.InputFormatConfigurationProperty(
                deserializer=Stream.DeserializerProperty(open_x_json_ser_de=Stream.OpenXJsonSerDeProperty())
            ),
            output_format_configuration=Stream.OutputFormatConfigurationProperty(
                serializer=Stream.SerializerProperty(
                    parquet_ser_de=Stream.ParquetSerDeProperty(compression="SNAPPY")
                )
            ),
            schema_configuration=Stream.SchemaConfigurationProperty(
                catalog_id=self.lake.account,
                database_name=self.lake.database,
                table_name="events",
                region=self.lake.region,
                role_arn=self.role.role_arn,
                version_id="LATEST",
            ),
        )

    def _encryption(self) -> firehose.CfnDeliveryStream.EncryptionConfigurationProperty:
        return Stream.EncryptionConfigurationProperty(
            kms_encryption_config=Stream.KMSEncryptionConfigProperty(awskms_key_arn=self.key.key_arn)
        )

    def _logged(self, part: str) -> firehose.CfnDeliveryStream.CloudWatchLoggingOptionsProperty:
        return Stream.CloudWatchLoggingOptionsProperty(
            enabled=True, log_group_name=self.log.log_group_name, log_stream_name=part
        )


def _processor(kind: str, **parameters: str) -> firehose.CfnDeliveryStream.ProcessorProperty:
    return Stream.ProcessorProperty(
        type=kind,
        parameters=[
            Stream.ProcessorParameterProperty(parameter_name=name, parameter_value=value)
            for name, value in parameters.items()
        ],
    )
