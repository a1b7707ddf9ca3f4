"""The order in which a graph without cycles is made: parents before children."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def parents_first(parents: Mapping[Node, Collection[Node]]) -> list[Node]:
    """Every key, each behind those of its parents that are keys too, otherwise in the mapping's order.

    Linear, and without recursion: one chain may be as long as a plan. Raises ``ValueError`` where a node waits for
    itself in a circle, which checked plans never hold.
    """
    begun: set[Node] = set()
    done: set[Node] = set()
    order: list[Node] = []
    for node in parents:
        stack = [node]
        while stack:
            top = stack[-1]
            waiting = [] if top in done else [one for one in parents[top] if one in parents and one not in done]
            if waiting:
                if top in begun:
                    raise ValueError(f"{top!r} waits for itself in a circle")
                begun.add(top)
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            if top not in done:
                done.add(top)
                order.append(top)
    return order
