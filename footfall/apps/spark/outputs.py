"""``footfall spark``, the commands that bring something out: an answer, files, tables in a database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from footfall.apps.cli.metrics import Asked, print_answer
from footfall.apps.cli.output import Output, print_rows
from footfall.apps.spark.commands import Cluster, hours_of, rules_of
from footfall.apps.spark.etl import Etl, refine
from footfall.apps.spark.lakes import lake_address
from footfall.apps.spark.metrics import answer
from footfall.apps.spark.session import open_session
from footfall.services.wire import answer_json
from footfall.settings import load_settings

__all__ = ["etl", "metric", "mysql"]


def metric(
    name: str,
    /,
    *,
    lake: str,
    asked: Asked | None = None,
    show_sql: Annotated[bool, Parameter(negative="")] = False,
    cluster: Cluster | None = None,
    output: Output | None = None,
) -> None:
    """Answer one metric over a lake, in Spark SQL; the answer is that of "footfall metric".

    Example:
      footfall spark metric retention --lake /mnt/lake --set period=week --master spark://head:7077

    Parameters
    ----------
    name: str
        Which; "footfall metrics" lists them.
    lake: str
        The lake: a folder that all machines see, or s3://BUCKET/PREFIX.
    show_sql: bool
        Print the SQL behind the answer too.
    """
    output, cluster = output or Output(), cluster or Cluster()
    values = (asked or Asked()).values()
    with open_session(cluster.master, cluster.settings()) as spark:
        found = answer(spark, lake_address(lake), name, values)
    print_answer(name, answer_json(found), output, show_sql=show_sql)


def etl(
    raw: str,
    /,
    *,
    out: str,
    app: str = "default",
    cluster: Cluster | None = None,
    output: Output | None = None,
) -> None:
    """Turn raw JSON files into CSV files with country and continent; move the raw ones to processed/.

    Country codes, names and UN M49 location ids are understood. Masks are those of "footfall import".

    Examples:
      footfall spark etl /mnt/site/raw --out /mnt/site/tables --master spark://head:7077
      footfall spark etl s3://my-site/raw --out s3://my-site/tables

    Parameters
    ----------
    raw: str
        Raw files, one JSON event a line, .gz or not: a folder that all machines see, or s3://BUCKET/PREFIX.
    out: str
        Where results/ and rejected/ are: on the disk of raw, or in S3 as it is.
    app: str
        The app that the events belong to.
    """
    output, cluster = output or Output(), cluster or Cluster()
    rules = rules_of(load_settings(flags={"data": output.data}), app)
    wanted = Etl(raw=raw, out=out, rules=rules)
    with open_session(cluster.master, cluster.settings()) as spark:
        done = refine(spark, wanted, datetime.now(UTC).replace(tzinfo=None))
    told = msgspec.structs.asdict(done)
    print_rows(list(told), [list(told.values())], output.format, whole=told)


def mysql(
    *,
    lake: str,
    url: Annotated[str, Parameter(env_var="FOOTFALL_MART_URL")],
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    jdbc_driver: Path | None = None,
    cluster: Cluster | None = None,
    output: Output | None = None,
) -> None:
    """Write the tables of "footfall export mysql" from a lake, each day whole, in place of what is there.

    Examples:
      footfall spark mysql --lake /mnt/lake --url mysql://user:password@db/analytics --from 2026-10-01
      footfall spark mysql --lake s3://b/lake --url mysql://user:pw@db/x --jdbc-driver connector.jar

    Parameters
    ----------
    lake: str
        The lake: a folder that all machines see, or s3://BUCKET/PREFIX.
    url: str
        mysql://USER:PASSWORD@HOST:PORT/DATABASE, which all machines reach; its tables are made.
    from_: str
        A day with an hour from this one on is written, YYYY-MM-DD or YYYY-MM-DDTHH:00 (UTC).
    to: str
        The hour behind the last.
    jdbc_driver: Path
        Write through this JDBC driver's jar, which you bring, in place of a Python driver on each machine.
    """
    from footfall.apps.spark.jdbc import driver_class, export_by_jdbc, jdbc_address  # needs the extra mysql
    from footfall.apps.spark.mart import export_lake

    output, cluster = output or Output(), cluster or Cluster()
    hours, settings = hours_of(from_, to), cluster.settings()
    if jdbc_driver is not None:
        jdbc_address(url)  # what is no such address is told before a session is started
        driver = driver_class(jdbc_driver)
        settings = {"spark.jars": str(jdbc_driver.absolute())} | settings
    with open_session(cluster.master, settings) as spark:
        if jdbc_driver is not None:
            done = export_by_jdbc(spark, lake_address(lake), url, driver, hours)
        else:
            done = export_lake(spark, lake_address(lake), url, hours)
    told = msgspec.structs.asdict(done)
    print_rows(list(told), [list(told.values())], output.format, whole=told)
