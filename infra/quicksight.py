"""QuickSight: one data set a metric, asked in Athena's words every hour, and a page of five charts."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_quicksight as quicksight
from constructs import Construct

from footfall.errors import BadSettings
from footfall.metrics import metric
from infra.installation import Installation
from infra.tables import named_queries

__all__ = ["CHARTS", "Quicksight"]

TYPES = {
    "date": "DATETIME",
    "time": "DATETIME",
    "text": "STRING",
    "integer": "INTEGER",
    "number": "DECIMAL",
}
# Metric, chart, and what stands on its axes.
CHARTS: tuple[tuple[str, str, str, str], ...] = (
    ("daily_active_users", "line", "day", "visitors"),
    ("retention", "pivot", "cohort", "visitors"),
    ("funnel", "bar", "event", "visitors"),
    ("countries", "map", "country", "visitors"),
    ("average_age", "number", "", "average_age"),
)
WHO_MAY_READ = [
    "quicksight:DescribeDataSet", "quicksight:DescribeDataSetPermissions", "quicksight:PassDataSet",
    "quicksight:DescribeIngestion", "quicksight:ListIngestions",
]  # fmt: skip
DASHBOARD_READ = [
    "quicksight:DescribeDashboard", "quicksight:ListDashboardVersions", "quicksight:QueryDashboard",
]  # fmt: skip


class Quicksight(Construct):
    """Needs the ARN of a QuickSight user, who sees the dashboard and shares it on."""

    def __init__(self, scope: Construct, installation: Installation) -> None:
        super().__init__(scope, "Quicksight")
        if not installation.quicksight_user:
            raise BadSettings(
                problems="quicksight is on but nobody is named: give --quicksight-user, the ARN that "
                "aws quicksight list-users prints"
            )
        self.installation = installation
        self.account = cdk.Stack.of(self).account
        self.source = quicksight.CfnDataSource(
            self,
            "Source",
            aws_account_id=self.account,
            data_source_id=installation.name,
            name=installation.name,
            type="ATHENA",
            data_source_parameters=quicksight.CfnDataSource.DataSourceParametersProperty(
                athena_parameters=quicksight.CfnDataSource.AthenaParametersProperty(
                    work_group=installation.name
                )
            ),
            ssl_properties=quicksight.CfnDataSource.SslPropertiesProperty(disable_ssl=False),
        )
        sql = {name: query for name, _, query in named_queries()}
        self.sets = {name: self._data_set(name, sql[name]) for name, *_ in CHARTS}
        self._dashboard()

    def _data_set(self, name: str, sql: str) -> quicksight.CfnDataSet:
        columns = [
            quicksight.CfnDataSet.InputColumnProperty(name=column.name, type=TYPES[column.kind])
            for column in metric(name).columns
        ]
        identity = self.installation.named(name.replace("_", "-"))
        made = quicksight.CfnDataSet(
            self,
            f"Set-{name}",
            aws_account_id=self.account,
            data_set_id=identity,
            name=identity,
            import_mode="SPICE",
            permissions=[
                quicksight.CfnDataSet.ResourcePermissionProperty(
                    actions=WHO_MAY_READ, principal=self.installation.quicksight_user
                )
            ],
            physical_table_map={
                name.replace("_", "-"): quicksight.CfnDataSet.PhysicalTableProperty(
                    custom_sql=quicksight.CfnDataSet.CustomSqlProperty(
                        data_source_arn=self.source.attr_arn, name=name, sql_query=sql, columns=columns
                    )
                )
            },
        )
        quicksight.CfnRefreshSchedule(
            self,
            f"Refresh-{name}",
            aws_account_id=self.account,
            data_set_id=made.ref,
            schedule=quicksight.CfnRefreshSchedule.RefreshScheduleMapProperty(
                schedule_id=f"{identity}-hourly",
                refresh_type="FULL_REFRESH",
                schedule_frequency=quicksight.CfnRefreshSchedule.ScheduleFrequencyProperty(
                    interval="HOURLY"
                ),
            ),
        ).add_resource_dependency(made)
        return made

    def _dashboard(self) -> None:
        sheet = {
            "sheetId": "people",
            "name": "People",
            "visuals": [_visual(*chart) for chart in CHARTS],
        }
        quicksight.CfnDashboard(
            self,
            "Dashboard",
            aws_account_id=self.account,
            dashboard_id=self.installation.name,
            name=self.installation.name,
            permissions=[
                quicksight.CfnDashboard.ResourcePermissionProperty(
                    actions=DASHBOARD_READ, principal=self.installation.quicksight_user
                )
            ],
            definition={
                "dataSetIdentifierDeclarations": [
                    {"identifier": name, "dataSetArn": made.attr_arn} for name, made in self.sets.items()
                ],
                "sheets": [sheet],
            },
        )


def _visual(name: str, kind: str, by: str, value: str) -> dict[str, Any]:
    """Return one chart as CloudFormation describes it."""
    known = {column.name: column.kind for column in metric(name).columns}
    field = {"columnName": value, "dataSetIdentifier": name}
    values = [{"numericalMeasureField": {
        "fieldId": f"{name}.{value}", "column": field,
        "aggregationFunction": {"simpleNumericalAggregation": "AVERAGE" if kind == "number" else "SUM"},
    }}]  # fmt: skip
    title = {"formatText": {"plainText": metric(name).question}}
    shared = {"visualId": name.replace("_", "-"), "title": {"visibility": "VISIBLE", **title}}
    across = [_dimension(name, by, known[by])] if by else []
    match kind:
        case "line":
            wells = {"lineChartAggregatedFieldWells": {"category": across, "values": values}}
            return {"lineChartVisual": {**shared, "chartConfiguration": {"fieldWells": wells}}}
        case "bar":
            wells = {"barChartAggregatedFieldWells": {"category": across, "values": values}}
            return {"barChartVisual": {**shared, "chartConfiguration": {"fieldWells": wells}}}
        case "map":
            wells = {"filledMapAggregatedFieldWells": {"geospatial": across, "values": values}}
            return {"filledMapVisual": {**shared, "chartConfiguration": {"fieldWells": wells}}}
        case "pivot":
            columns = [_dimension(name, "period", known["period"])]
            wells = {
                "pivotTableAggregatedFieldWells": {"rows": across, "columns": columns, "values": values}
            }
            return {"pivotTableVisual": {**shared, "chartConfiguration": {"fieldWells": wells}}}
    return {"kpiVisual": {**shared, "chartConfiguration": {"fieldWells": {"values": values}}}}


def _dimension(name: str, column: str, kind: str) -> dict[str, Any]:
    form = {"date": "dateDimensionField", "time": "dateDimensionField", "text": "categoricalDimensionField"}
    field = {"fieldId": f"{name}.{column}", "column": {"columnName": column, "dataSetIdentifier": name}}
    return {form.get(kind, "numericalDimensionField"): field}
