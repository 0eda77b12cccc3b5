"""identity: the key that encrypts everything, the installation's own secret, and the pool of people."""

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.installation import Installation
from infra.outputs import tell
from infra.permissions import acknowledge

__all__ = ["IdentityStack"]


class IdentityStack(cdk.Stack):
    """``key``, ``secret`` (hashes addresses; made once, never rotated) and, where asked for, ``pool``."""

    def __init__(self, scope: Construct, id_: str, installation: Installation) -> None:
        super().__init__(scope, id_, description="footfall: key, secret, people")
        self.key = self._key(installation)
        self.secret = secrets.Secret(
            self,
            "InstallationKey",
            secret_name=installation.named("installation-key"),
            description="Key of the hashes that stand for personal data; another one makes other hashes",
            encryption_key=self.key,
            generate_secret_string=secrets.SecretStringGenerator(
                password_length=64, exclude_characters="ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ",
                exclude_punctuation=True, exclude_uppercase=True, require_each_included_type=False,
            ),
            removal_policy=installation.removal,
        )  # fmt: skip
        acknowledge(
            self.secret, "AwsSolutions-SMG4", "rotating it would turn every known hash into a new person"
        )
        tell(self, key_secret=installation.named("installation-key"))
        self.edge: secrets.Secret | None = None
        if installation.profile.edge:
            self.edge = self._edge(installation)
        self.pool: cognito.UserPool | None = None
        if installation.profile.console or installation.profile.search_nodes:
            self.pool = self._pool(installation)

    def _edge(self, installation: Installation) -> secrets.Secret:
        """Return what CloudFront shows to collect, so that nobody walks around the firewall."""
        made = secrets.Secret(
            self,
            "EdgeSecret",
            secret_name=installation.named("edge-secret"),
            description="The header X-Footfall-Edge of requests that came through CloudFront",
            encryption_key=self.key,
            generate_secret_string=secrets.SecretStringGenerator(
                password_length=48, exclude_punctuation=True
            ),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        acknowledge(
            made, "AwsSolutions-SMG4", "both sides read it when they are deployed: deploy anew to change it"
        )
        return made

    def _key(self, installation: Installation) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=f"alias/{installation.name}",
            description="Everything of footfall is encrypted with this key",
            enable_key_rotation=True,
            pending_window=cdk.Duration.days(7),
            removal_policy=installation.removal,
        )
        regional_logs = iam.ServicePrincipal(f"logs.{cdk.Aws.REGION}.amazonaws.com")
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LogGroups",
                principals=[regional_logs],
                actions=[
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncrypt*",
                    "kms:GenerateDataKey*",
                    "kms:DescribeKey",
                ],
                resources=["*"],  # in a key's own policy this is the key
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": installation.arn("logs", "log-group:*")
                    }
                },
            )
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsAndEventsReachEncryptedTopics",
                principals=[
                    iam.ServicePrincipal(f"{service}.amazonaws.com")
                    for service in ("cloudwatch", "events", "budgets")
                ],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
            )
        )
        return key

    def _pool(self, installation: Installation) -> cognito.UserPool:
        """Return the pool; people are invited, nobody signs up."""
        pool = cognito.UserPool(
            self,
            "People",
            user_pool_name=installation.named("people"),
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_digits=True,
                require_lowercase=True,
                require_uppercase=True,
                require_symbols=True,
            ),
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            feature_plan=cognito.FeaturePlan.PLUS,
            standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION,
            deletion_protection=installation.profile.protected,
            removal_policy=installation.removal,
        )
        pool.add_domain(
            "SignIn",
            cognito_domain=cognito.CognitoDomainOptions(
                domain_prefix=f"{installation.name}-{cdk.Aws.ACCOUNT_ID}"
            ),
        )
        return pool
