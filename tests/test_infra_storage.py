"""Where data lies: encrypted with our key, private, versioned, over TLS, and with an end."""

import json
from typing import Any

import pytest
from infra_templates import VARIANTS, resources

# S3 writes its access logs only where its own keys encrypt.
LOG_TARGETS = ("Audit", "Logs")


@pytest.mark.parametrize("variant", VARIANTS)
def test_buckets_are_private_versioned_and_have_a_lifecycle(variant: str) -> None:
    buckets = list(resources(variant, "AWS::S3::Bucket"))
    buckets = [each for each in buckets if each.type == "AWS::S3::Bucket"]
    assert len(buckets) >= 4
    for each in buckets:
        p = each.properties
        assert set(p["PublicAccessBlockConfiguration"].values()) == {True}, each.id
        assert p["VersioningConfiguration"]["Status"] == "Enabled"
        assert p["LifecycleConfiguration"]["Rules"]
        assert p["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        (rule,) = p["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        way = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        assert way == ("AES256" if each.id.startswith(LOG_TARGETS) else "aws:kms"), each.id


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_bucket_refuses_what_comes_without_tls(variant: str) -> None:
    refusing = set()
    for each in resources(variant, "AWS::S3::BucketPolicy"):
        for statement in each.properties["PolicyDocument"]["Statement"]:
            secure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
            if statement["Effect"] == "Deny" and secure == "false":
                refusing.add(each.properties["Bucket"]["Ref"])
    buckets = {each.id for each in resources(variant, "AWS::S3::Bucket") if each.type == "AWS::S3::Bucket"}
    assert refusing == buckets


def test_raw_data_grows_old_in_glacier_and_the_lake_tiers_by_use() -> None:
    rules = {
        each.id[:4]: json.dumps(each.properties["LifecycleConfiguration"])
        for each in resources("small", "AWS::S3::Bucket")
        if each.type == "AWS::S3::Bucket"
    }
    assert '"StorageClass": "GLACIER_IR", "TransitionInDays": 90' in rules["Raw7"]
    assert '"StorageClass": "INTELLIGENT_TIERING"' in rules["Lake"]


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("AWS::SQS::Queue", "KmsMasterKeyId"),
        ("AWS::Kinesis::Stream", "StreamEncryption"),
        ("AWS::DynamoDB::Table", "SSESpecification"),
        ("AWS::Logs::LogGroup", "KmsKeyId"),
        ("AWS::SNS::Topic", "KmsMasterKeyId"),
        ("AWS::SecretsManager::Secret", "KmsKeyId"),
        ("AWS::RDS::DBInstance", "KmsKeyId"),
        ("AWS::OpenSearchService::Domain", "EncryptionAtRestOptions"),
        ("AWS::RedshiftServerless::Namespace", "KmsKeyId"),
        ("AWS::Lambda::Function", "KmsKeyArn"),
        ("AWS::StepFunctions::StateMachine", "EncryptionConfiguration"),
        ("AWS::Events::EventBus", "KmsKeyIdentifier"),
    ],
)
def test_everything_is_encrypted_with_our_key(kind: str, key: str) -> None:
    found = [each for each in resources("everything", kind) if each.type == kind]
    if kind == "AWS::Lambda::Function":  # the rest have no variables to encrypt
        found = [each for each in found if "Environment" in each.properties]
    assert found
    for each in found:
        assert "ExportsOutput" in str(each.properties[key]) or "Key" in str(each.properties[key]), each.id


def test_log_groups_end_and_firehose_waits_no_longer_than_a_minute() -> None:
    groups = list(resources("everything", "AWS::Logs::LogGroup"))
    assert all(each.properties["RetentionInDays"] >= 90 for each in groups)
    (rows,) = resources("everything", "AWS::KinesisFirehose::DeliveryStream")
    place: dict[str, Any] = rows.properties["ExtendedS3DestinationConfiguration"]
    assert place["BufferingHints"] == {"IntervalInSeconds": 60, "SizeInMBs": 64}
    assert place["Prefix"].startswith("events/year=!{timestamp:yyyy}/month=")
    assert place["ErrorOutputPrefix"].startswith("errors/")
    assert place["DataFormatConversionConfiguration"]["Enabled"] is True


def test_salts_have_no_backups_and_the_rest_has() -> None:
    for each in resources("small", "AWS::DynamoDB::Table"):
        backed_up = each.properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        assert backed_up is (each.properties["TableName"] != "footfall-salts")


def test_protected_profiles_keep_their_data() -> None:
    for kind in ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Kinesis::Stream"):
        for each in resources("small", kind):
            if each.type == kind and each.properties.get("TableName") != "footfall-salts":
                assert each.whole["DeletionPolicy"] == "Retain", each.id
    for each in resources("dev", "AWS::S3::Bucket"):
        if each.type == "AWS::S3::Bucket":
            assert each.whole["DeletionPolicy"] == "Delete"
