"""edge: CloudFront on a name of your own, with WAF before it; us-east-1, where both must live."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.firewall import rules
from infra.installation import Installation
from infra.permissions import acknowledge
from infra.stacks.ingest import IngestStack
from infra.storage import log_group

__all__ = ["EdgeStack"]


class EdgeStack(cdk.Stack):
    """``/footfall.js`` is cached; everything else goes to collect as it came."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        installation: Installation,
        ingest: IngestStack,
        secret: secrets.ISecret,
    ) -> None:
        super().__init__(scope, id_, description="footfall: CloudFront and WAF")
        cdk.CfnRule(
            self,
            "Region",
            assertions=[
                cdk.CfnRuleAssertion(
                    assert_=cdk.Fn.condition_equals(cdk.Aws.REGION, "us-east-1"),
                    assert_description="CloudFront's WAF is in us-east-1: deploy there, or set edge=false",
                )
            ],
        )
        api = origins.HttpOrigin(
            ingest.host,
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            custom_headers={"X-Footfall-Edge": secret.secret_value.unsafe_unwrap()},
        )
        uncached, script = self._caching()
        https = cloudfront.ViewerProtocolPolicy.HTTPS_ONLY
        named = bool(installation.domain and installation.certificate)
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"{installation.name}: events in, SDK out",
            domain_names=[installation.domain] if named else None,
            certificate=certificates.Certificate.from_certificate_arn(
                self, "Certificate", installation.certificate
            )
            if named
            else None,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_ALL,
            web_acl_id=self._firewall(installation, ingest).attr_arn,
            default_behavior=cloudfront.BehaviorOptions(
                origin=api,
                viewer_protocol_policy=https,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                cache_policy=uncached,
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
            ),
            additional_behaviors={
                "/footfall.js": cloudfront.BehaviorOptions(
                    origin=api,
                    viewer_protocol_policy=https,
                    compress=True,
                    cache_policy=script,
                )
            },
        )
        self._acknowledge(named)
        address = installation.domain if named else self.distribution.distribution_domain_name
        cdk.CfnOutput(self, "Address", value=f"https://{address}", description="Where trackers send to")

    def _caching(self) -> tuple[cloudfront.CachePolicy, cloudfront.CachePolicy]:
        """Return how events pass and how the SDK is kept."""
        # A header of the cache's key is one that the origin gets: so collect learns who really sent.
        uncached = cloudfront.CachePolicy(
            self,
            "Uncached",
            comment="Nothing is kept; the origin is told the viewer's address",
            min_ttl=cdk.Duration.seconds(0),
            default_ttl=cdk.Duration.seconds(0),
            max_ttl=cdk.Duration.seconds(1),
            header_behavior=cloudfront.CacheHeaderBehavior.allow_list("CloudFront-Viewer-Address"),
        )
        script = cloudfront.CachePolicy(
            self,
            "Script",
            comment="The SDK, as long as collect says",
            min_ttl=cdk.Duration.seconds(0),
            default_ttl=cdk.Duration.hours(1),
            max_ttl=cdk.Duration.days(1),
            enable_accept_encoding_gzip=True,
            enable_accept_encoding_brotli=True,
        )
        return uncached, script

    def _acknowledge(self, named: bool) -> None:
        acknowledge(
            self.distribution,
            "AwsSolutions-CFR1",
            "who may send from where is the owner's to say, not ours",
        )
        acknowledge(
            self.distribution, "AwsSolutions-CFR3",
            "its log would hold full addresses of people, which footfall masks before anything is written",
        )  # fmt: skip
        if not named:
            acknowledge(
                self.distribution, "AwsSolutions-CFR4",
                "without a domain of one's own it has CloudFront's certificate, with its TLS version",
            )  # fmt: skip

    def _firewall(self, installation: Installation, ingest: IngestStack) -> waf.CfnWebACL:
        acl = waf.CfnWebACL(
            self,
            "Firewall",
            name=installation.name,
            scope="CLOUDFRONT",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow=waf.CfnWebACL.AllowActionProperty()),
            visibility_config=waf.CfnWebACL.VisibilityConfigProperty(
                cloud_watch_metrics_enabled=True,
                metric_name=installation.name,
                sampled_requests_enabled=False,
            ),
            rules=rules(),
        )
        group = log_group(
            Construct(self, "FirewallLog"), f"aws-waf-logs-{installation.name}", installation, ingest.key
        )
        blocked = {
            "DefaultBehavior": "DROP",
            "Filters": [
                {
                    "Behavior": "KEEP",
                    "Requirement": "MEETS_ANY",
                    "Conditions": [
                        {"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")
                    ],
                }
            ],
        }
        waf.CfnLoggingConfiguration(
            self,
            "FirewallLogging",
            resource_arn=acl.attr_arn,
            log_destination_configs=[installation.arn("logs", f"log-group:{group.log_group_name}")],
            logging_filter=blocked,
            redacted_fields=[
                waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": name})
                for name in ("authorization", "cookie", "x-write-key")
            ],
        )
        return acl
