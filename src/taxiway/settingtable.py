"""Which settings there are: the sections, and what reads the value of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from taxiway.core.accountfields import ACCOUNT_FIELDS
from taxiway.core.agent import Access
from taxiway.core.agentfields import AGENT_FIELDS
from taxiway.core.approval import Rule
from taxiway.core.fieldtypes import member
from taxiway.core.fieldtypes import name as checked_name
from taxiway.core.ladder import STUCK_FIELDS
from taxiway.core.limits import MAILBOX_COUNT_MAX, OPEN_TASKS_MAX
from taxiway.core.logging import LogFormat, LogLevel
from taxiway.core.policy import Drop, Mode
from taxiway.core.price import PRICE_FIELDS
from taxiway.settingtypes import SLOTS_MAX, clock, duration, lane_size, secret_source, tenant, text, texts, truth, whole

#: The sections, with the settings of each (``None``: any name).
SECTIONS: Final[Mapping[str, tuple[str, ...] | None]] = {
    "store": ("path", "tenant"),
    "runner": ("slots", "ask_grace", "term_grace"),
    "defaults": ("timeout", "idle_timeout", "agent", "agent_idle_timeout"),
    "lanes": None,
    "mailbox": ("mode", "cap", "drop", "debounce", "max_debounce_wait", "max_concurrent"),
    "limits": ("run_output_bytes", "processes"),
    "approvals": ("analysis", "write", "auto", "expires"),
    "stuck": tuple(STUCK_FIELDS),
    "server": ("host", "port", "hosts", "insecure", "metrics_open", "traces", "open_tasks"),
    "log": ("format", "level"),
    "secrets": None,
    "agents": None,
    "accounts": None,
    "prices": None,
}
#: Sections that hold a table for each name, with the readers of its fields.
TABLES: Final[Mapping[str, Mapping[str, Callable[[Any], Any]]]] = {
    "agents": AGENT_FIELDS,
    "accounts": ACCOUNT_FIELDS,
    "prices": PRICE_FIELDS,
}
READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "store.path": text,
    "store.tenant": tenant,
    "runner.slots": whole(1, SLOTS_MAX),
    "runner.ask_grace": duration,
    "runner.term_grace": duration,
    "defaults.timeout": clock,
    "defaults.idle_timeout": clock,
    "defaults.agent": checked_name,
    "defaults.agent_idle_timeout": clock,
    "mailbox.mode": member(Mode, "mode"),
    "mailbox.cap": whole(1, MAILBOX_COUNT_MAX),
    "mailbox.drop": member(Drop, "way to drop"),
    "mailbox.debounce": duration,
    "mailbox.max_debounce_wait": duration,
    "mailbox.max_concurrent": whole(1, MAILBOX_COUNT_MAX),
    "limits.run_output_bytes": whole(0, 1 << 40),
    "limits.processes": whole(1, SLOTS_MAX),
    **{f"approvals.{access}": member(Rule, "rule") for access in Access},
    "approvals.expires": clock,
    **{f"stuck.{name}": read for name, read in STUCK_FIELDS.items()},
    "server.host": text,
    "server.port": whole(0, 65_535),
    "server.hosts": texts,
    "server.insecure": truth,
    "server.metrics_open": truth,
    "server.traces": truth,
    "log.format": member(LogFormat, "format"),
    "log.level": member(LogLevel, "level"),
    "server.open_tasks": whole(1, OPEN_TASKS_MAX),
}
DEFAULTED: Final = tuple(READERS)
VARIABLES: Final = {
    "TAXIWAY_STORE": "store.path",
    **{f"TAXIWAY_{name.replace('.', '_').upper()}": name for name in READERS if name != "store.path"},
}


def reader_of(name: str) -> Callable[[Any], Any]:
    """What reads the value of a setting by its dotted name; raises ``Bad`` for a name that may not be one."""
    section, _, key = name.partition(".")
    if section in ("lanes", "secrets"):
        checked_name(key)
        return lane_size if section == "lanes" else secret_source
    if section in TABLES:
        table, field = table_setting(name)
        checked_name(table)
        return TABLES[section][field]
    return READERS[name]


def table_setting(name: str) -> tuple[str, str]:
    """Of ``agents.NAME.FIELD`` the name and the field; of ``accounts`` and ``prices`` likewise."""
    table, _, field = name.partition(".")[2].rpartition(".")
    return table, field
