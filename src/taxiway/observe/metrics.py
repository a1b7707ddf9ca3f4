"""The observer that counts: moments become metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from taxiway.observe import catalogue
from taxiway.observe.instruments import Instrument, Metric, exposition
from taxiway.observe.observer import Moment


class Metrics:
    """Every metric of the catalogue, and the observer that keeps those that are counted."""

    def __init__(self, read: Mapping[Metric, Callable[[], float]] = MappingProxyType({})) -> None:
        """``read``: metrics that somebody else keeps, asked for when they are told."""
        self._read = read
        self._all = {metric.name: Instrument(metric) for metric in catalogue.CATALOGUE}
        self._count: Final[Mapping[Moment, Callable[[Mapping[str, Any]], None]]] = {
            Moment.RUN_CLAIMED: self._claimed,
            Moment.RUN_FINISHED: self._finished,
            Moment.RUN_STOPPING: lambda facts: self[catalogue.RUNS_STOPPED].add(cause=facts.get("cause")),
            Moment.RUN_SETTLED: lambda _: self[catalogue.RUNS_SETTLED].add(),
            Moment.RUNNER_LOST: lambda _: self[catalogue.RUNNERS_LOST].add(),
            Moment.LEASE_LOST: lambda _: self[catalogue.LEASES_LOST].add(),
            Moment.TREE_UNCERTAIN: lambda _: self[catalogue.TREES_UNCERTAIN].add(),
            Moment.SERVICE_FAILED: lambda facts: self[catalogue.SERVICE_FAILURES].add(service=facts.get("service")),
            Moment.STORE_FAILED: lambda _: self[catalogue.STORE_FAILURES].add(),
            Moment.TURN_ENDED: self._turn_ended,
            Moment.TOOL_CALLED: lambda facts: self[catalogue.TOOL_CALLS].add(agent=facts.get("agent")),
            Moment.TOOL_ANSWERED: self._tool_answered,
            Moment.LIMIT_MET: lambda facts: self[catalogue.LIMITS].add(kind=facts.get("kind")),
            Moment.REQUEST_SERVED: self._served,
            Moment.REQUEST_FAILED: lambda _: self[catalogue.REQUEST_FAILURES].add(),
        }

    def __getitem__(self, metric: Metric) -> Instrument:
        return self._all[metric.name]

    def __call__(self, moment: Moment, **facts: Any) -> None:
        """Count one moment."""
        count = self._count.get(moment)
        if count is not None:
            count(facts)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        for metric, ask in self._read.items():
            self[metric].set(ask())
        return exposition(self._all.values())

    def _claimed(self, facts: Mapping[str, Any]) -> None:
        if facts.get("waited_s") is not None:
            self[catalogue.CLAIM_WAIT].observe(facts["waited_s"], lane=facts.get("lane"))

    def _finished(self, facts: Mapping[str, Any]) -> None:
        work = facts.get("work")
        self[catalogue.RUNS_FINISHED].add(work=work, outcome=facts.get("outcome"), reason=facts.get("reason"))
        self[catalogue.RUN_SECONDS].observe(facts.get("seconds", 0.0), work=work)

    def _turn_ended(self, facts: Mapping[str, Any]) -> None:
        agent = facts.get("agent")
        self[catalogue.TURNS].add(agent=agent, end=facts.get("end"))
        self[catalogue.TURN_SECONDS].observe(facts.get("seconds", 0.0), agent=agent)
        for direction in ("input", "output", "cached"):
            tokens = facts.get(f"{direction}_tokens")
            if tokens:
                self[catalogue.TOKENS].add(tokens, agent=agent, direction=direction)
        if facts.get("usd"):
            self[catalogue.DOLLARS].add(facts["usd"], agent=agent)

    def _tool_answered(self, facts: Mapping[str, Any]) -> None:
        if facts.get("failed"):
            self[catalogue.TOOL_FAILURES].add()

    def _served(self, facts: Mapping[str, Any]) -> None:
        method, route = facts.get("method"), facts.get("route")
        self[catalogue.REQUESTS].add(method=method, route=route, status=facts.get("status"))
        self[catalogue.REQUEST_SECONDS].observe(facts.get("seconds", 0.0), method=method, route=route)
