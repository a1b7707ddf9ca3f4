"""What is asked of the system: tasks, plans, and how the programs in them behave, all drawn from the seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from taxiway.agents.protocol import Launch, SpawnFailure
from taxiway.core.plan import Plan
from taxiway.core.specs import checked_spec
from taxiway.testing.agent import Die, Exit, Flood, Hang, LoseGuardian, Say, Script, Wait
from taxiway.testing.simulator.dice import Dice
from taxiway.testing.simulator.turns import AGENT

if TYPE_CHECKING:
    from taxiway.testing.simulator.world import World

PROJECT: Final = "/project"
LANES: Final = ("main", "narrow")
QUEUES: Final = ("default", "second")
PLANS: Final = ("plan-a", "plan-b")
SESSIONS: Final = ("talk", "build", "both")
MODES: Final = ("queue", "followup", "collect", "steer", "interrupt")
BUSY: Final = SpawnFailure("no memory", 12, passing=True)
MISSING: Final = SpawnFailure("no such program", 2)

Behaviour = Callable[[int], Script]  #: what the n-th launch of a task does


def _plain(dice: Dice) -> Behaviour:
    wait = Wait(dice.about(dice.pick((0.05, 0.6, 3.0))))
    script = Script(steps=(Say("begins"), wait, Say("done"), Exit(0)))
    return lambda _: script


def _takes_turns(dice: Dice) -> Behaviour:
    script = Script(steps=(Say("thinks"), Wait(dice.between(0.5, 5)), Say("answers"), Exit(0)))
    return lambda _: script


def _fails(dice: Dice) -> Behaviour:
    times = dice.pick((1, 1, 2, 99))
    end: Exit | Die = Exit(3) if dice.hit(0.5) else Die(11)
    wait = Wait(dice.about(0.3))
    return lambda n: Script(steps=(wait, end if n < times else Exit(0)))


def _chatty(dice: Dice) -> Behaviour:
    said = tuple(step for _ in range(dice.whole(2, 6)) for step in (Say("line"), Wait(dice.about(0.4))))
    return lambda _: Script(steps=(*said, Flood(dice.pick((0, 150_000))), Exit(0)))


def _hangs(dice: Dice) -> Behaviour:
    script = Script(steps=(Say("waiting"), Hang()), term_s=dice.pick((0.0, 0.4, None)), kill_s=dice.between(0, 0.5))
    return lambda _: script


def _slow_to_die(dice: Dice) -> Behaviour:
    script = Script(steps=(Wait(dice.about(2.0)), Exit(0)), term_s=None, kill_s=dice.between(0.1, 2.5))
    return lambda _: script


def _leaves_something(dice: Dice) -> Behaviour:
    first = Script(steps=(Wait(dice.about(0.5)), Exit(0)), left_s=dice.between(0.2, 5.0))
    return lambda _: first


def _not_made(dice: Dice) -> Behaviour:
    times, gone = dice.whole(1, 3), dice.hit(0.3)
    if gone:
        return lambda _: dice.pick((Script(refused=MISSING), Script(not_executed=MISSING)))
    return lambda n: Script(refused=BUSY) if n < times else Script(steps=(Exit(0),))


def _loses_guardian(dice: Dice) -> Behaviour:
    times, certain = dice.pick((1, 1, 99)), dice.hit(0.5)
    lost = Script(steps=(Wait(dice.about(0.5)), LoseGuardian(certain)))
    return lambda n: lost if n < times else Script(steps=(Wait(0.1), Exit(0)))


def _takes_long(dice: Dice) -> Behaviour:
    script = Script(steps=(Say("begins"), Wait(dice.between(15, 45)), Exit(0)), term_s=dice.pick((0.0, 0.3)))
    return lambda _: script


ODD: Final = (
    _takes_long,
    _takes_long,
    _takes_long,
    _fails,
    _fails,
    _chatty,
    _hangs,
    _slow_to_die,
    _leaves_something,
    _not_made,
    _loses_guardian,
)


class Workload:
    """Draws what doors ask for, and remembers how each program behaves."""

    def __init__(self, world: World, dice: Dice) -> None:
        self._world = world
        self._dice = dice
        self._behaviours: dict[str, Behaviour] = {}
        self._launches: dict[str, int] = {}
        self._keys = 0
        self._plans: dict[str, list[dict[str, Any]]] = {}

    def script_of(self, launch: Launch) -> Script:
        """What this launch of a program does."""
        task = launch.env["TAXIWAY_TASK"]
        count = self._launches[task] = self._launches.get(task, -1) + 1
        return self._behaviours[launch.argv[1]](count)

    def task(self) -> dict[str, Any]:
        """Fields of one task, as a door gets them."""
        dice = self._dice
        fields = {**self._work(), "lane": dice.pick(LANES), "priority": dice.whole(0, 3)}
        if dice.hit(0.6):
            self._keys += 1
            fields["idempotency_key"] = f"key-{self._keys}"
        if dice.hit(0.2):
            fields["delay"] = dice.about(4.0)
        if dice.hit(0.15):
            fields["expires"] = dice.between(0.5, 20)
        return fields

    def batch(self) -> list[dict[str, Any]]:
        """A few tasks, later ones waiting for earlier ones."""
        dice, prefix = self._dice, self._keys
        many: list[dict[str, Any]] = []
        queue = dice.pick(QUEUES)
        for number in range(dice.whole(1, 6)):
            fields = {**self.task(), "queue": queue}
            if dice.hit(0.5):
                fields["name"] = f"t{prefix}-{number}"
            names = [other["name"] for other in many if "name" in other]
            if names and dice.hit(0.6):
                fields["after"] = self._after(names)
            many.append(fields)
        return many

    def burst(self) -> list[dict[str, Any]]:
        """Messages to one session, each with a key."""
        dice = self._dice
        session, many = dice.pick(("talk", *SESSIONS)), dice.pick((1, 1, 2, 3, 5))
        prompts = session == "talk" or (session == "both" and dice.hit(0.3))
        mode, lane = dice.pick((None, None, None, *MODES, "collect", "steer")), dice.pick(LANES)
        together = {"expires": dice.between(2, 9)} if dice.hit(0.2) else {}
        return [{**self._message(session, prompts, mode, lane), **together} for _ in range(many)]

    def _message(self, session: str, prompts: bool, mode: str | None, lane: str) -> dict[str, Any]:
        dice = self._dice
        self._keys += 1
        fields = {**self._work(), "session": session, "lane": lane, "idempotency_key": f"key-{self._keys}"}
        if prompts:
            for work in ("job", "command"):
                fields.pop(work, None)
            fields |= {"prompt": f"{self._program(dice, _plain, _takes_turns)} and words", "agent": AGENT}
            if mode == "collect":  # what goes together has more in common than this
                fields = {name: fields[name] for name in ("session", "lane", "idempotency_key", "prompt", "agent")}
                fields["timeout"] = 12.0
        if mode is not None:
            fields["mailbox"] = {"mode": mode}
        elif dice.hit(0.1):
            fields["mailbox"] = {"max_concurrent": dice.whole(1, 3)}
        if dice.hit(0.2):
            fields["delay"] = dice.between(0, 1.9)
        elif dice.hit(0.1):
            fields["queue"] = dice.pick(QUEUES)
        return fields

    def policy(self) -> dict[str, Any]:
        """Fields of a mailbox policy."""
        dice = self._dice
        change: dict[str, Any] = {"max_concurrent": dice.whole(1, 3)}
        if dice.hit(0.5):
            change |= {"mode": dice.pick(MODES), "debounce": dice.pick((0, 0, 0.5, 2.0))}
        if dice.hit(0.5):
            change |= {"cap": dice.pick((1, 2, 3, 100)), "drop": dice.pick(("old", "new", "summarize"))}
        return change

    def plan(self) -> Plan:
        """A plan to run: a new one, the one from before, or that one with something changed."""
        dice, queue = self._dice, self._dice.pick(PLANS)
        tasks = self._plans.get(queue)
        if tasks is None:
            tasks = self._graph(queue)
        elif dice.hit(0.5):
            tasks = [dict(fields) for fields in tasks]
            dice.pick(tasks).update(self._work())
        self._plans[queue] = tasks
        lanes: dict[str, int | None] = {"wide": 4, "narrow": 1}
        specs = tuple(checked_spec(fields) for fields in tasks)
        slots = dice.pick((None, None, 2))
        return Plan(queue=queue, project=PROJECT, source=f"{queue}.yaml", tasks=specs, slots=slots, lanes=lanes)

    def jobs(self) -> Mapping[str, str]:
        """The in-process jobs that every runner knows, by name."""
        return {"quick": "ends soon", "slow": "takes its time"}

    def _graph(self, queue: str) -> list[dict[str, Any]]:
        dice = self._dice
        tasks: list[dict[str, Any]] = []
        for number in range(dice.whole(2, 9)):
            lane = dice.pick(("main", "wide", "narrow"))
            fields = {**self._work(), "name": f"{queue}-{number}", "queue": queue, "lane": lane}
            if tasks and dice.hit(0.7):
                fields["after"] = self._after([other["name"] for other in tasks])
            if dice.hit(self._world.rates.sessions / 3):
                fields["session"] = dice.pick(SESSIONS[1:])
            tasks.append(fields)
        return tasks

    def _after(self, names: list[str]) -> dict[str, str]:
        dice = self._dice
        chosen = dice.shuffled(names)[: dice.whole(1, 3)]
        return {name: dice.pick(("completed", "completed", "completed", "finished", "failed")) for name in chosen}

    def _work(self) -> dict[str, Any]:
        dice = self._dice
        retries = {"retries": dice.whole(0, 3), "backoff": {"first": dice.between(0.1, 1.5), "max": 5}}
        if dice.hit(0.2):
            return {"job": dice.pick(("quick", "slow")), "timeout": dice.between(0.5, 9), **retries}
        name = self._program(dice, _plain)
        timeout_s = dice.pick((dice.between(2, 15), 100.0))
        fields: dict[str, Any] = {"command": ["program", name], "timeout": timeout_s, **retries}
        if dice.hit(0.15):
            fields["idle_timeout"] = dice.between(0.5, 4)
        return fields

    def _program(self, dice: Dice, *usual: Callable[[Dice], Behaviour]) -> str:
        odd = dice.hit(self._world.rates.odd_program)
        make = dice.pick(ODD if odd else usual)
        name = f"b{len(self._behaviours)}"
        self._behaviours[name] = make(dice)
        return name
