"""The API's route for access logs beside the script's events."""

from datetime import date
from typing import Annotated, Any

from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from footfall.apps.console.api import ERRORS, From, To
from footfall.apps.console.room import AnyRequest, InRoom, kept_response
from footfall.core.reconcile.report import Reconciliation
from footfall.errors import BadQuery, NotReconcilable
from footfall.services.reconcile import Asked, reconcile, window_of
from footfall.services.wire import answer_json

__all__ = ["RECONCILE_ROUTES", "Lacking"]


class Lacking(Struct, frozen=True):
    """Why there is no report yet: what is lacking, and how to get it."""

    lacking: str


REPORT = {
    200: ResponseSpec(data_container=Reconciliation, description="The report; or Lacking."),
    **ERRORS,
}


@get("/api/reconcile", tags=["pages"], responses=REPORT)
async def read_reconciliation(
    request: AnyRequest,
    room: InRoom,
    from_: From = None,
    to: To = None,
    app: FromQuery[str | None] = None,
    window: Annotated[str, QueryParameter(description="How far an event may be from its load.")] = "10s",
) -> Response[Any]:
    """Join page loads of access logs with the script's events: who blocked it, how many came."""
    asked = Asked(app or None, _day(from_), _day(to), window_of(window))

    def work() -> Reconciliation | Lacking:
        try:
            return reconcile(asked, lambda text: answer_json(room.platform.sql(text)))
        except NotReconcilable as error:
            return Lacking(str(error))

    return await kept_response(request, room, ("reconcile", asked), work)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadQuery(cause=f"from and to are days, YYYY-MM-DD ({error})") from error


RECONCILE_ROUTES = [read_reconciliation]
