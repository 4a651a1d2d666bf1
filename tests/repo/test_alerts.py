"""The alert rules read what the code tells, and whoever is woken finds a runbook."""

from __future__ import annotations

import re

import pytest
import yaml

from deploy.local.roles import ALL_ROLES
from tests.repo.alerting import PROMETHEUS, ROOT, RUNBOOKS, Alert, alerts, told

SCRAPED = {"job", "instance", "service", "role"}  # given where a process is scraped
# What a label may tell: each has few values. Think before adding one: no id, number, name or free text.
KINDS = {"state", "kind", "grpc_code", "result", "outcome", "status", "payee"}
BOUNDED = KINDS | {"consumer", "topic", "partition", "grpc_service", "grpc_method", "source", "office"}
BOUNDED |= {"path"}  # the public page's, as they are declared
BOUNDED |= {"account"}  # a name of ours for an account of ours
BOUNDED |= {"fund", "county", "year", "reason"}  # of budgets that somebody has opened, and of held orders
BOUNDED |= {"what"}  # kinds of what an erasure takes away
BOUNDED |= {"parameter"}  # limits that the city may set

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)


@each_alert
def test_every_metric_and_label_of_a_rule_is_one_that_the_code_tells(alert: Alert) -> None:
    assert alert.metrics
    assert alert.metrics - told().keys() == set()
    assert alert.spoken_labels <= SCRAPED.union(*(told()[metric] for metric in alert.metrics))


def test_no_label_has_values_without_end() -> None:
    assert len(told()) > 30
    assert set().union(*told().values()) - BOUNDED == set()
    assert {alert.name for alert in alerts() if not alert.grouped <= BOUNDED | {"service", "role"}} == set()


@each_alert
def test_an_alert_says_what_it_is_in_both_languages_and_what_to_do(alert: Alert) -> None:
    runbook = ROOT / alert.annotations["runbook_url"]

    assert alert.annotations.keys() == {"summary", "summary_zh", "description", "runbook_url"}
    assert all(text.isascii() is (name != "summary_zh") for name, text in alert.annotations.items())
    assert alert.labels in ({"severity": "page"}, {"severity": "ticket"})
    assert set(re.findall(r"\$labels\.(\w+)", str(alert.annotations))) <= alert.grouped
    assert runbook in RUNBOOKS
    assert f"`{alert.name}`" in runbook.read_text("utf-8")


def test_every_alert_has_a_test_in_which_it_comes_and_one_in_which_it_does_not() -> None:
    files = [yaml.safe_load(path.read_text("utf-8")) for path in (PROMETHEUS / "tests").glob("*.yaml")]
    cases = [case for file in files for test in file["tests"] for case in test["alert_rule_test"]]

    names = sorted(alert.name for alert in alerts())
    for comes in (False, True):
        assert sorted({case["alertname"] for case in cases if bool(case["exp_alerts"]) is comes}) == names


def test_the_sample_scrapes_every_role() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))["scrape_configs"]

    scraped = [config["labels"] for job in jobs for config in job["static_configs"]]
    assert [job["job_name"] for job in jobs] == ["cradle"]
    assert sorted(f"{one['service']}-{one['role']}" for one in scraped) == sorted(role.name for role in ALL_ROLES)
