"""What roles may do: exact actions on exact resources, and the few wildcards with their reasons.

``WILDCARDS`` is the whole list. ``may`` refuses a wildcard that is not on it; the tests read every
synthesized policy against it, and fail on a row that nothing needs. ``acknowledge`` is for the other
findings of cdk-nag.
"""

from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import IConstruct

__all__ = ["WILDCARDS", "Wildcard", "acknowledge", "allowed", "flat", "may"]


class Wildcard(NamedTuple):
    """``resource`` is a pattern over the flattened resource; ``actions`` are all that may stand beside it."""

    resource: str
    actions: frozenset[str]
    reason: str


def _row(resource: str, actions: str, reason: str) -> Wildcard:
    return Wildcard(resource, frozenset(actions.split()), reason)


WILDCARDS: tuple[Wildcard, ...] = (
    _row("[*]", "xray:PutTraceSegments xray:PutTelemetryRecords", "X-Ray has no resources to name"),
    _row(
        "[*]",
        "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery "
        "logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups",
        "how Step Functions writes its history: these actions have no resources to name",
    ),
    _row(
        "[*]",
        "ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:DeleteNetworkInterface "
        "ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses",
        "a function in a VPC makes network interfaces whose names nobody knows before",
    ),
    _row(
        "[*]",
        "ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets "
        "ec2:DescribeSecurityGroups ec2:DescribeVpcEndpoints ec2:DescribeRouteTables ec2:DescribeVpcAttribute "
        "ec2:CreateTags",
        "a Glue job in a VPC, likewise",
    ),
    _row("[*]", "redshift-data:DescribeStatement", "statements have no names that a policy could say"),
    _row("[*]", "ecr:GetAuthorizationToken", "a token for the whole registry; what may be pulled is named"),
    _row(
        "arn:*:s3:::*/?*[*]",
        "s3:PutObject s3:GetObject s3:DeleteObject s3:AbortMultipartUpload s3:ListMultipartUploadParts",
        "the objects below one prefix of one bucket of ours",
    ),
    _row("arn:*:s3:::*-logs-*/[*]", "s3:GetObject", "a bucket that holds access logs and nothing else"),
    _row(
        "arn:*:lambda:*:function:*:[*]",
        "lambda:InvokeFunction lambda:GetFunctionConfiguration",
        "the versions of one function of ours",
    ),
    _row(
        "arn:*:es:*:domain/*[*]",
        "es:ESHttpGet es:ESHttpPost es:ESHttpPut es:ESHttpDelete",
        "the paths of one OpenSearch domain, which checks again by role",
    ),
    _row(
        "arn:*:glue:*:table/*/[*]",
        "glue:GetDatabase glue:GetTable glue:GetTables glue:GetPartitions",
        "the tables of our own database",
    ),
    _row(
        "arn:*:logs:*:log-group:/aws-glue/[*]",
        "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents logs:AssociateKmsKey",
        "Glue makes the log groups of its jobs by itself",
    ),
)


def allowed(resource: str, actions: set[str]) -> Wildcard | None:
    """Return the row that allows these actions on a resource with a wildcard, or None."""
    return next(
        (row for row in WILDCARDS if fnmatchcase(resource, row.resource) and actions <= row.actions), None
    )


def flat(resource: Any) -> str:
    """Return a resolved resource as one text, references in angle brackets, as cdk-nag writes them."""
    match resource:
        case str():
            return resource
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [between, parts]}:
            return str(between).join(flat(part) for part in parts)
        case {"Fn::ImportValue": name}:
            return str(name)
        case {"Fn::Sub": str(text)}:
            return text
    raise ValueError(f"a policy names a resource in a way that nobody here reads: {resource}")


def may(role: iam.IGrantable, actions: list[str], resources: list[str], conditions: Any = None) -> None:
    """Allow these actions on these resources. Raises ValueError for a wildcard that is not on the list."""
    principal = role.grant_principal
    starred = [action for action in actions if "*" in action]
    if starred:
        raise ValueError(f"name the actions that {', '.join(starred)} stands for")
    for resource in resources:
        text = flat(cdk.Stack.of(principal).resolve(resource))
        if "*" not in text:
            continue
        row = allowed(text, set(actions))
        if row is None:
            raise ValueError(f"no row of WILDCARDS allows {', '.join(actions)} on {text}")
        acknowledge(principal, f"AwsSolutions-IAM5[Resource::{text}]", row.reason)
    principal.add_to_principal_policy(
        iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions)
    )


def acknowledge(scope: IConstruct, rule: str, reason: str) -> None:
    """Tell cdk-nag why a finding at ``scope`` and below it is right as it is."""
    cdk.Validations.of(scope).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
