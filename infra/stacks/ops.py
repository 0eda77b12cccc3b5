"""ops: the alarms, who is told, what it may cost, and one page to look at."""

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from footfall.core.aws.alarms import Alarm, alarms_of
from infra.installation import Installation
from infra.stacks.identity import IdentityStack
from infra.stacks.ingest import IngestStack

__all__ = ["OpsStack"]


class OpsStack(cdk.Stack):
    """``topic`` is told by every alarm; the e-mail address confirms once."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        installation: Installation,
        identity: IdentityStack,
        ingest: IngestStack,
    ) -> None:
        super().__init__(scope, id_, description="footfall: alarms, budget, dashboard")
        self.installation = installation
        self.places = {
            "api": ingest.api_id,
            "account": self.account,
            "workflow": installation.arn("states", f"stateMachine:{installation.named('workflow')}"),
            "batch": installation.arn("states", f"stateMachine:{installation.named('batch')}"),
        }
        self.topic = sns.Topic(
            self,
            "Alerts",
            topic_name=installation.named("alerts"),
            master_key=identity.key,
            enforce_ssl=True,
        )
        for service in ("cloudwatch", "budgets", "events"):
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"{service.title()}MayTell",
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["sns:Publish"],
                    resources=[self.topic.topic_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": self.account}},
                )
            )
        if installation.email:
            sns.CfnSubscription(
                self, "Mail", topic_arn=self.topic.topic_arn, protocol="email", endpoint=installation.email
            )
        wanted = alarms_of(installation.profile)
        for alarm in wanted:
            self._alarm(alarm)
        self._budget()
        if installation.profile.dashboard:
            self._dashboard(wanted)

    def _dimensions(self, alarm: Alarm) -> dict[str, str]:
        return {
            name: self.places.get(value.strip("{}"), value.replace("{}", self.installation.name))
            for name, value in alarm.dimensions.items()
        }

    def _alarm(self, alarm: Alarm) -> None:
        cloudwatch.CfnAlarm(
            self,
            alarm.name,
            alarm_name=self.installation.named(alarm.name),
            alarm_description=f"{alarm.question} {alarm.then}"[:1_024],
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)
                for name, value in self._dimensions(alarm).items()
            ],
            statistic=alarm.statistic,
            period=alarm.minutes * 60,
            evaluation_periods=alarm.periods,
            threshold=alarm.threshold,
            comparison_operator="LessThanThreshold" if alarm.below else "GreaterThanThreshold",
            treat_missing_data=alarm.silent,
            alarm_actions=[self.topic.topic_arn],
            ok_actions=[self.topic.topic_arn],
        )

    def _budget(self) -> None:
        told = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=self.topic.topic_arn)
        rings = [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self.installation.name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=self.installation.profile.budget_usd, unit="USD"
                ),
                cost_filters={"TagKeyValue": [f"user:application${self.installation.name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind, threshold=share, threshold_type="PERCENTAGE",
                        comparison_operator="GREATER_THAN",
                    ),
                    subscribers=[told],
                )
                for kind, share in rings
            ],
        )  # fmt: skip

    def _dashboard(self, wanted: list[Alarm]) -> None:
        """Show what each alarm watches, with the line at which it rings."""
        widgets = [
            cloudwatch.GraphWidget(
                title=alarm.question,
                width=8,
                left=[
                    cloudwatch.Metric(
                        namespace=alarm.namespace,
                        metric_name=alarm.metric,
                        dimensions_map=self._dimensions(alarm),
                        statistic=alarm.statistic,
                        period=cdk.Duration.minutes(alarm.minutes),
                    )
                ],
                left_annotations=[cloudwatch.HorizontalAnnotation(value=alarm.threshold, label=alarm.name)],
            )
            for alarm in wanted
            if not alarm.name.endswith("-throttles")
        ]
        board = cloudwatch.Dashboard(self, "Board", dashboard_name=self.installation.name)
        for start in range(0, len(widgets), 3):
            board.add_widgets(*widgets[start : start + 3])
