"""Who may do what, drawn from synthesized templates: a picture of one profile, a table of everything.

Usage: python -m infra.picture PICTURE_FOLDER TABLE_FOLDER docs/reference/aws-security.md
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from infra.permissions import WILDCARDS, flat

__all__ = ["Right", "page", "rights"]

HEAD = """<!-- Made by infra/picture.py from the templates. -->

# Who may do what on AWS

Every function, job, stream and step has a role of its own, with exact actions on exact resources. No role
has an action with a star or a managed policy of AWS. Everything is encrypted with one key of yours, which
rotates; every bucket and queue refuses what comes without TLS; the network, where there is one, has no
way to the internet. Left out below: each role may use the key, and write its own log.

Events come in through one door, which anyone may call: write keys and origins are checked by collect,
addresses are cut and personal data is masked before anything is written. Behind CloudFront, collect
refuses what does not show the edge's secret.

## The profile `small`, drawn

"""
# The verbs that a picture tells apart.
VERBS = {
    "Put": "writes", "Send": "writes", "Publish": "tells", "BatchWrite": "writes", "Invoke": "calls",
    "Start": "starts", "ES": "asks", "Delete": "writes", "Update": "writes", "Create": "writes",
}  # fmt: skip
QUIET = ("kms:", "logs:", "xray:", "ec2:")


class Right(NamedTuple):
    """What one role may do on one resource."""

    who: str
    actions: tuple[str, ...]
    resource: str


def rights(folder: Path) -> Iterator[Right]:
    """Yield what the templates of a folder allow, without the key, logs, traces and interfaces."""
    for path in sorted(folder.glob("*.template.json")):
        resources = json.loads(path.read_text(encoding="utf-8"))["Resources"]
        names = {
            name: each["Properties"].get("RoleName", re.sub(r"[0-9A-F]{8}$", "", name))
            for name, each in resources.items()
            if each["Type"] == "AWS::IAM::Role"
        }
        for each in resources.values():
            if each["Type"] != "AWS::IAM::Policy":
                continue
            (role,) = each["Properties"]["Roles"]
            for statement in each["Properties"]["PolicyDocument"]["Statement"]:
                actions = tuple(sorted(_listed(statement["Action"])))
                if not all(action.startswith(QUIET) for action in actions):
                    for resource in _listed(statement["Resource"]):
                        yield Right(names[role["Ref"]], actions, _short(flat(resource)))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _short(resource: str) -> str:
    """Return a resource as a reader knows it: its last name, without accounts, regions and CDK's hashes."""
    text = re.sub(r"<AWS::\w+>|\$\{AWS::\w+\}", "", resource)
    text = re.sub(r"^[\w-]+:ExportsOutputFnGetAtt(\w+?)[0-9A-F]{8}(?:Arn\w*|\w+)$", r"\1", text)
    text = re.sub(r"^[\w-]+:ExportsOutputRef(\w+?)[0-9A-F]{8,}$", r"\1", text)
    text = re.sub(r"^<(\w+?)[0-9A-F]{8}(?:\.\w+)*>", r"\1", text)
    text = re.sub(r"^arn::?(\w[\w-]*):*", r"\1 ", text)
    text = re.sub(r"--(?=/|$)", "", text)
    return re.sub(r"[0-9a-f]{64}", "asset", text).strip()


def _place(resource: str) -> str:
    """Return where a resource lies: of a bucket's prefixes only the bucket is drawn."""
    return re.sub(r"[/:]\*$", "", re.sub(r"^(s3 [^/]+)/.*$", r"\1", resource))


def _verb(actions: tuple[str, ...]) -> str:
    for action in actions:
        name = action.partition(":")[2]
        for start, verb in VERBS.items():
            if name.startswith(start):
                return verb
    return "reads"


def _drawing(found: list[Right]) -> str:
    edges = sorted({(right.who, _verb(right.actions), _place(right.resource)) for right in found})
    nodes = {
        name: f"n{number}"
        for number, name in enumerate(sorted({e[0] for e in edges} | {e[2] for e in edges}))
    }
    lines = [
        "```mermaid",
        "flowchart LR",
        "    anyone((anyone)) -->|calls| " + nodes.get("footfall-collect", "door"),
    ]
    roles = {edge[0] for edge in edges}
    for name, node in nodes.items():
        lines.append(f'    {node}["{name}"]' if name in roles else f'    {node}[("{name}")]')
    lines += [f"    {nodes[who]} -->|{verb}| {nodes[what]}" for who, verb, what in edges]
    return "\n".join([*lines, "```", ""])


def page(picture: Path, everything: Path) -> str:
    """Return the page."""
    held: dict[tuple[str, str], list[str]] = defaultdict(list)
    for right in rights(everything):
        held[right.who, right.resource] += [
            action for action in right.actions if not action.startswith(QUIET)
        ]
    rows = [f"| {who} | {', '.join(sorted(set(held[who, on])))} | `{on}` |" for who, on in sorted(held)]
    wildcards = [
        f"| {', '.join(sorted(row.actions))} | `{row.resource}` | {row.reason} |" for row in WILDCARDS
    ]
    return (
        HEAD
        + _drawing(list(rights(picture)))
        + "\n## Every role of everything that can be built\n\n| role | may | on |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n\n## Every wildcard, and why\n\n| actions | pattern of the resource | why |\n|---|---|---|\n"
        + "\n".join(wildcards)
        + "\n"
    )


if __name__ == "__main__":
    one, all_of_it, target = map(Path, sys.argv[1:])
    target.write_text(page(one, all_of_it), encoding="utf-8")
