"""What CDK's own tool does before a deployment, for those without it: assets as files under their keys."""

import json
import shutil
from pathlib import Path

__all__ = ["gather"]


def gather(out: Path) -> None:
    """Fill ``out/assets`` with what the templates name; ``out/bundles.json`` says what functions run."""
    target = out / "assets"
    target.mkdir(exist_ok=True)
    for listing in out.glob("*.assets.json"):
        for asset in json.loads(listing.read_text(encoding="utf-8"))["files"].values():
            source = out / asset["source"]["path"]
            (place,) = asset["destinations"].values()
            made = target / place["objectKey"]
            if made.exists() or source.name.endswith(".template.json"):
                continue
            if asset["source"]["packaging"] == "zip":
                shutil.make_archive(str(made.with_suffix("")), "zip", source)
            else:
                shutil.copyfile(source, made)
    bundles = {}
    for template in out.glob("*.template.json"):
        for each in json.loads(template.read_text(encoding="utf-8"))["Resources"].values():
            if each["Type"] == "AWS::Lambda::Function":
                handler, code = each["Properties"].get("Handler", ""), each["Properties"]["Code"]
                if handler.startswith("footfall."):
                    part = "door" if handler.endswith(".collect.handler") else "columns"
                    bundles[part] = code["S3Key"]
    (out / "bundles.json").write_text(json.dumps(bundles), encoding="utf-8")
