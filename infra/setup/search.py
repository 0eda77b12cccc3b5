"""A custom resource of CloudFormation: brings OpenSearch into the state that the properties describe.

Runs inside the VPC with nothing but Lambda's own Python: index template, retention, a role that may
only write events, a role for people, and the saved dashboards. Every call sets a whole state, so that
a second one changes nothing.
"""

import json
import urllib.error
import urllib.request
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]

from .answer import answered

WRITE = ["crud", "create_index", "indices:admin/mapping/put"]
READ = ["read", "search", "indices:admin/get", "indices:admin/mappings/get"]


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation's Create, Update and Delete; what Delete would remove goes with the domain."""
    answered(event, set_up)


def set_up(wanted: dict[str, str]) -> None:
    """Make every call; raises RuntimeError with OpenSearch's own words at the first that is refused."""
    name = wanted["Index"]
    _call(wanted, "PUT", f"/_index_template/{name}", wanted["Template"])
    known, version = _call(wanted, "GET", f"/_plugins/_ism/policies/{name}", None, missing_is_fine=True)
    place = f"?if_seq_no={version['_seq_no']}&if_primary_term={version['_primary_term']}" if known else ""
    _call(wanted, "PUT", f"/_plugins/_ism/policies/{name}{place}", wanted["Policy"])
    for role, actions, who in (
        ("footfall_writer", WRITE, wanted["Writer"]),
        ("footfall_reader", READ, wanted["People"]),
    ):
        cluster = (
            ["cluster:monitor/main", "indices:data/write/bulk"]
            if actions is WRITE
            else ["cluster_composite_ops_ro"]
        )
        rights = {
            "cluster_permissions": cluster,
            "index_permissions": [{"index_patterns": [f"{name}*"], "allowed_actions": actions}],
        }
        _call(wanted, "PUT", f"/_plugins/_security/api/roles/{role}", json.dumps(rights))
        _call(
            wanted,
            "PUT",
            f"/_plugins/_security/api/rolesmapping/{role}",
            json.dumps({"backend_roles": [who]}),
        )
    people = {"backend_roles": [wanted["People"]]}
    _call(
        wanted, "PUT", "/_plugins/_security/api/rolesmapping/opensearch_dashboards_user", json.dumps(people)
    )
    for line in wanted["Dashboards"].splitlines():
        saved = json.loads(line)
        body = json.dumps({"attributes": saved["attributes"], "references": saved["references"]})
        path = f"/_dashboards/api/saved_objects/{saved['type']}/{saved['id']}?overwrite=true"
        _call(wanted, "POST", path, body)


def _call(
    wanted: dict[str, str], method: str, path: str, body: str | None, *, missing_is_fine: bool = False
) -> tuple[bool, dict[str, Any]]:
    """Send one signed request; return whether the thing was there, and what was answered."""
    session = boto3.Session()
    url = f"https://{wanted['Endpoint']}{path}"
    headers = {"Content-Type": "application/json", "osd-xsrf": "true"}
    request = AWSRequest(method, url, data=body, headers=headers)
    SigV4Auth(session.get_credentials(), "es", session.region_name).add_auth(request)
    data = body.encode() if body is not None else None
    sent = urllib.request.Request(url, data, dict(request.headers), method=method)
    try:
        with urllib.request.urlopen(sent, timeout=30) as answer:  # noqa: S310
            return True, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        if error.code == 404 and missing_is_fine:
            return False, {}
        raise RuntimeError(
            f"{method} {path}: {error.code} {error.read().decode(errors='replace')}"
        ) from error
