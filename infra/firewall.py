"""WAF's rules, one row each.

A clickstream carries addresses and markup in its bodies and queries, which the managed rules take for
attacks: where they look at what events consist of, they count instead of block.
"""

from aws_cdk import aws_wafv2 as waf

__all__ = ["COUNTED", "MANAGED", "OVER_ONE_MIB", "rules"]

Acl = waf.CfnWebACL
MANAGED = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
)
COUNTED = (
    "SizeRestrictions_BODY", "SizeRestrictions_QUERYSTRING", "GenericRFI_BODY", "GenericRFI_QUERYARGUMENTS",
    "GenericLFI_BODY", "GenericLFI_QUERYARGUMENTS", "CrossSiteScripting_BODY",
    "CrossSiteScripting_QUERYARGUMENTS", "EC2MetaDataSSRF_BODY", "EC2MetaDataSSRF_QUERYARGUMENTS",
    "NoUserAgent_HEADER",
)  # fmt: skip
# Content-Length above collector.max_body_bytes; WAF itself sees only a body's first 64 KB.
OVER_ONE_MIB = (
    r"^0*(104857[7-9]|10485[89][0-9]|1048[6-9][0-9]{2}|1049[0-9]{3}|10[5-9][0-9]{4}|1[1-9][0-9]{5}"
    r"|[2-9][0-9]{6}|[1-9][0-9]{7,})$"
)
REQUESTS_OF_ONE_ADDRESS = 3_000  # in five minutes: an office behind one address, and a busy day


def rules() -> list[waf.CfnWebACL.RuleProperty]:
    """Return the rules, the cheapest first."""
    size = Acl.RegexMatchStatementProperty(
        regex_string=OVER_ONE_MIB,
        field_to_match=Acl.FieldToMatchProperty(single_header={"Name": "content-length"}),
        text_transformations=[Acl.TextTransformationProperty(priority=0, type="NONE")],
    )
    rate = Acl.RateBasedStatementProperty(
        limit=REQUESTS_OF_ONE_ADDRESS, aggregate_key_type="IP", evaluation_window_sec=300
    )
    own = [
        _rule("too-large", 0, Acl.StatementProperty(regex_match_statement=size), status=413),
        _rule("too-fast", 1, Acl.StatementProperty(rate_based_statement=rate), status=429),
    ]
    return own + [_managed(name, number) for number, name in enumerate(MANAGED, start=len(own))]


def _rule(
    name: str, priority: int, statement: waf.CfnWebACL.StatementProperty, status: int
) -> waf.CfnWebACL.RuleProperty:
    answer = Acl.CustomResponseProperty(response_code=status)
    return Acl.RuleProperty(
        name=name,
        priority=priority,
        statement=statement,
        action=Acl.RuleActionProperty(block=Acl.BlockActionProperty(custom_response=answer)),
        visibility_config=_seen(name),
    )


def _managed(name: str, priority: int) -> waf.CfnWebACL.RuleProperty:
    counted = COUNTED if name.endswith("CommonRuleSet") else ()
    count = Acl.RuleActionProperty(count=Acl.CountActionProperty())
    return Acl.RuleProperty(
        name=name,
        priority=priority,
        override_action=Acl.OverrideActionProperty(none={}),
        statement=Acl.StatementProperty(
            managed_rule_group_statement=Acl.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    Acl.RuleActionOverrideProperty(name=rule, action_to_use=count) for rule in counted
                ],
            )
        ),
        visibility_config=_seen(name),
    )


def _seen(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return Acl.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
