"""Least privilege: what every role may do, read from the templates, against the list of wildcards."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from infra_templates import ROOT, VARIANTS, need_cdk, resources, synthesized

AWS_OWN = (
    "CustomS3AutoDelete",
)  # CDK's emptying of a bucket whose stack is deleted; unprotected profiles only


def statements(variant: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield who and what of each statement that a role holds."""
    for each in resources(variant, "AWS::IAM::"):
        if each.id.startswith(AWS_OWN):
            continue
        policies = [each.properties.get("PolicyDocument", {})]
        policies += [policy["PolicyDocument"] for policy in each.properties.get("Policies", [])]
        for policy in policies:
            for statement in policy.get("Statement", []):
                yield f"{each.stack}/{each.id}", statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_role_has_an_action_with_a_star(variant: str) -> None:
    for who, statement in statements(variant):
        assert statement["Effect"] == "Allow"
        assert not [action for action in listed(statement["Action"]) if "*" in action], who


def test_every_wildcard_is_on_the_list_with_its_reason_and_every_row_is_needed() -> None:
    need_cdk()
    from infra.permissions import WILDCARDS, allowed, flat

    used = defaultdict(set)
    for variant in VARIANTS:
        for who, statement in statements(variant):
            for resource in map(flat, listed(statement["Resource"])):
                if "*" in resource:
                    for action in listed(statement["Action"]):  # CDK joins statements of one resource
                        row = allowed(resource, {action})
                        assert row is not None, f"{who} may {action} on {resource}"
                        used[row].add(who)
    assert set(used) == set(WILDCARDS), [row.resource for row in WILDCARDS if row not in used]
    assert all(len(row.reason) > 20 for row in WILDCARDS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_function_has_a_role_of_its_own(variant: str) -> None:
    roles = [
        str(each.properties["Role"])
        for each in resources(variant, "AWS::Lambda::Function")
        if not each.id.startswith(AWS_OWN)
    ]
    assert roles
    assert len(set(roles)) == len(roles)


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_managed_policy_of_aws_is_attached(variant: str) -> None:
    for each in resources(variant, "AWS::IAM::Role"):
        if not each.id.startswith(AWS_OWN):
            assert not each.properties.get("ManagedPolicyArns"), each.id


def test_a_wildcard_that_is_not_on_the_list_is_refused() -> None:
    need_cdk()
    from infra.permissions import allowed

    assert allowed("*", {"s3:GetObject"}) is None
    assert allowed("arn:aws:s3:::bucket/*", {"s3:GetObject"}) is None
    assert allowed("arn:aws:s3:::bucket/raw/*", {"s3:GetObject"}) is not None
    assert allowed("arn:aws:s3:::bucket/raw/*", {"s3:GetObject", "s3:PutBucketPolicy"}) is None


def test_the_page_of_rights_is_what_the_templates_say() -> None:
    need_cdk()
    from infra.picture import page

    written = (ROOT / "docs" / "reference" / "aws-security.md").read_text(encoding="utf-8")
    made = page(synthesized("small"), synthesized("everything"))
    assert written == made, "run: python -m infra.picture SMALL EVERYTHING docs/reference/aws-security.md"
