"""How a scheduler is doing, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE: str = CONTENT_TYPE_LATEST


def metrics_of(standing: Mapping[str, Any] | None) -> bytes:
    """Write the metrics of a scheduler in the text format.

    Args:
        standing: what `standing_of` gives; None: it cannot be asked, and `actorsched_scheduler_up 0` is all.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Standing(standing))
    text: bytes = generate_latest(registry)
    return text


class _Standing(Collector):
    def __init__(self, standing: Mapping[str, Any] | None) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("actorsched_scheduler_up", "Whether the scheduler answers.")
        standing = self._standing
        if standing is None:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield _one("actorsched_scheduler_paused", "Whether no work is handed out.", standing["paused"])
        yield _many("actorsched_tasks", "Tasks that the scheduler knows.", "status", standing["tasks"])
        workers = standing["workers"]
        states = {state: workers[state] for state in ("active", "disabled")}
        yield _many("actorsched_workers", "Workers that have given a sign of life.", "state", states)
        yield _one("actorsched_slots", "Slots of active workers.", workers["slots"])
        yield _one("actorsched_slots_busy", "Slots in which a task runs.", workers["busy"])
        resources = standing["resources"]
        for kind, text in (("total", "How much there is."), ("used", "How much is in use.")):
            amounts = {name: each[kind] for name, each in resources.items()}
            yield _many(f"actorsched_resource_{kind}", text, "resource", amounts)


def _one(name: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, text)
    family.add_metric([], float(value))
    return family


def _many(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
