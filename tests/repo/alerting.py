"""The alert rules as the tests read them, and every series that the code tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from prometheus_client.metrics import MetricWrapperBase

from services.kit import telemetry

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
_SPOKEN = {"by", "on", "and", "unless", "or", "group_left", "max", "sum", "group", "rate", "increase", "changes"}
_NOT_OURS: dict[str, set[str]] = {"up": set(), "process_start_time_seconds": set()}


@dataclass(frozen=True)
class Alert:
    name: str
    expression: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def grouped(self) -> set[str]:
        """The labels it may be told with."""
        return {word for listed in re.findall(r"\bby \(([^)]*)\)", self.expression) for word in listed.split(", ")}

    @property
    def spoken_labels(self) -> set[str]:
        matched = re.findall(r"(\w+)(?:=~?|!=|!~)\"", self.expression)
        listed = re.findall(r"\b(?:by|on|group_left) \(([^)]*)\)", self.expression)
        return {*matched, *(word for words in listed for word in words.split(", ") if word)}

    @property
    def metrics(self) -> set[str]:
        bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|group_left) \([^)]*\)", " ", self.expression)
        return set(re.findall(r"\b[a-z]\w+", bare)) - _SPOKEN


@cache
def alerts() -> tuple[Alert, ...]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return tuple(Alert(rule["alert"], rule["expr"], rule["labels"], rule["annotations"]) for rule in rules)


@cache
def told() -> dict[str, set[str]]:
    """Every series our code tells, with its labels."""
    ours = [metric for metric in vars(telemetry).values() if isinstance(metric, MetricWrapperBase)]
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}
    return _NOT_OURS | {
        family.name + suffix: set(metric._labelnames)
        for metric in ours
        for family in metric.describe()
        for suffix in suffixes[family.type]
    }
