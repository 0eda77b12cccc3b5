"""List prices of us-east-1, in one table, as of ``AS_OF``: check them before you rely on a sum.

They were written down from the named pages from memory and from stored copies, not read live; no
free tier is counted but the one of data transfer, which is part of the list.
"""

from typing import NamedTuple

__all__ = ["AS_OF", "INSTANCES", "PRICES", "REGION", "SPARK_PRICES", "Price"]

AS_OF = "2026-11"
REGION = "us-east-1"


class Price(NamedTuple):
    """``usd`` for one ``unit``; ``page`` is below aws.amazon.com."""

    service: str
    usd: float
    unit: str
    page: str


PRICES: dict[str, Price] = {
    "lambda_request": Price("Lambda", 0.20e-6, "request", "lambda/pricing"),
    "lambda_gb_second": Price("Lambda", 13.3334e-6, "GB-second, arm64", "lambda/pricing"),
    "http_api": Price("API Gateway", 1.00e-6, "request of an HTTP API", "api-gateway/pricing"),
    "kinesis_shard": Price("Kinesis", 0.015, "shard-hour", "kinesis/data-streams/pricing"),
    "kinesis_put": Price("Kinesis", 0.014e-6, "PUT unit of 25 KB", "kinesis/data-streams/pricing"),
    "kinesis_extended": Price(
        "Kinesis", 0.020, "shard-hour kept longer than a day", "kinesis/data-streams/pricing"
    ),
    "kinesis_stream": Price("Kinesis", 0.040, "stream-hour on demand", "kinesis/data-streams/pricing"),
    "kinesis_in": Price(
        "Kinesis", 0.080, "GB in on demand, records rounded up to 1 KB", "kinesis/data-streams/pricing"
    ),
    "kinesis_out": Price(
        "Kinesis", 0.040, "GB out on demand, for each reader", "kinesis/data-streams/pricing"
    ),
    "kinesis_kept": Price(
        "Kinesis", 0.100, "GB-month kept longer than a day, on demand", "kinesis/data-streams/pricing"
    ),
    "firehose_in": Price("Firehose", 0.029, "GB in, records rounded up to 5 KB", "firehose/pricing"),
    "firehose_parquet": Price("Firehose", 0.018, "GB converted to Parquet", "firehose/pricing"),
    "s3_put": Price("S3", 5.0e-6, "PUT", "s3/pricing"),
    "s3_month": Price("S3", 0.023, "GB-month", "s3/pricing"),
    "s3_glacier": Price("S3", 0.004, "GB-month in Glacier Instant Retrieval", "s3/pricing"),
    "athena": Price("Athena", 5.0, "TB scanned", "athena/pricing"),
    "kms_key": Price("KMS", 1.0, "key and month", "kms/pricing"),
    "kms_request": Price("KMS", 3.0e-6, "request", "kms/pricing"),
    "secret": Price("Secrets Manager", 0.40, "secret and month", "secrets-manager/pricing"),
    "alarm": Price("CloudWatch", 0.10, "alarm and month", "cloudwatch/pricing"),
    "dashboard": Price("CloudWatch", 3.0, "dashboard and month", "cloudwatch/pricing"),
    "metric": Price("CloudWatch", 0.30, "metric and month", "cloudwatch/pricing"),
    "log_in": Price("CloudWatch", 0.50, "GB of logs", "cloudwatch/pricing"),
    "transfer": Price("Data transfer", 0.09, "GB out beyond the first 100", "ec2/pricing/on-demand"),
    "cloudfront": Price("CloudFront", 1.00e-6, "HTTPS request", "cloudfront/pricing"),
    "waf_fixed": Price("WAF", 1.0, "rule and month; the list itself counts as five", "waf/pricing"),
    "waf_request": Price("WAF", 0.60e-6, "request", "waf/pricing"),
    "endpoint": Price("VPC", 0.010, "endpoint-hour and zone", "privatelink/pricing"),
    "search_disk": Price("OpenSearch", 0.122, "GB-month of gp3", "opensearch-service/pricing"),
    "search_hour": Price("OpenSearch", 0.0, "instance-hour", "opensearch-service/pricing"),
    "mysql_hour": Price("RDS", 0.0, "instance-hour", "rds/mysql/pricing"),
    "mysql_disk": Price("RDS", 0.115, "GB-month of gp3", "rds/mysql/pricing"),
    "glue": Price("Glue", 0.44, "DPU-hour", "glue/pricing"),
    "redshift": Price("Redshift", 0.375, "RPU-hour", "redshift/pricing"),
    "quicksight": Price("QuickSight", 24.0, "author and month", "quicksight/pricing"),
    "fargate": Price("Fargate", 0.0233, "hour of half a vCPU and 1 GB, arm64", "fargate/pricing"),
    "balancer": Price("Load balancer", 0.0225, "hour", "elasticloadbalancing/pricing"),
}

# What runs Spark, for footfall spark plan.
SPARK_PRICES: dict[str, Price] = {
    "glue": PRICES["glue"],
    "glue_flex": Price("Glue", 0.29, "DPU-hour of a Flex job, which may wait", "glue/pricing"),
    "emr_vcpu": Price("EMR Serverless", 0.052624, "vCPU-hour, x86", "emr/pricing"),
    "emr_gb": Price("EMR Serverless", 0.0057785, "GB-hour, x86", "emr/pricing"),
}

# By the hour, single zone.
INSTANCES: dict[str, float] = {
    "t3.small.search": 0.036,
    "t3.medium.search": 0.073,
    "m7g.large.search": 0.135,
    "r7g.large.search": 0.167,
    "r7g.xlarge.search": 0.334,
    "t4g.micro": 0.016,
    "t4g.small": 0.032,
    "t4g.medium": 0.065,
    "m7g.large": 0.168,
}
