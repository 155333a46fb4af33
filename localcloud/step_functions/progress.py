"""How far a program came: the state it is in, with the input and variables that state was given.

It is what a redrive starts again from. Results of branches, iterations and map children that
succeeded stay with the state that waits for them. It decides nothing about who may be redriven.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from moto.stepfunctions.parser.asl.eval.environment import Environment

_ATTRIBUTE = "_localcloud_progress"


class Nested(Protocol):
    """What a Parallel or Map state has under way inside itself."""

    def resumed(self) -> Nested: ...


class Progress:
    """One program's position. `output` has a meaning once `ended` is true."""

    __slots__ = ("_first", "_former", "ended", "input", "nested", "output", "state", "variables")

    def __init__(self) -> None:
        self.state: str | None = None
        self.input: Any = None
        self.variables: dict[str, Any] = {}
        self.nested: Nested | None = None
        self.ended = False
        self.output: Any = None
        self._former: Nested | None = None
        self._first = True

    def resumed(self) -> Progress:
        """A position of its own for the next attempt: the former one may still have threads."""
        copy = Progress()
        copy.state, copy.input, copy.variables = self.state, self.input, dict(self.variables)
        copy.ended, copy.output = self.ended, self.output
        if self.nested is not None:
            copy.nested = copy._former = self.nested.resumed()
        return copy

    def enter(self, env: Environment, state: str) -> None:
        """`state` is next, with the input that `env` holds: kept by reference, never changed."""
        if not self._first:
            self.nested = self._former = None
        self._first = False
        self.state = state
        self.input = env.states._states_data["input"]
        self.variables = dict(env.variable_store._inner_scope)

    def restore(self, env: Environment) -> None:
        """Put `env` where this program stopped."""
        env.states.reset(input_value=self.input)
        for name, value in self.variables.items():
            env.variable_store.set(name, value)
        env.variable_store.reset_tracing()

    def end(self, env: Environment) -> None:
        self.ended = True
        self.output = env.states._states_data["input"]

    def take_former(self) -> Nested | None:
        """What the state had under way in the former attempt, once: a retry starts afresh."""
        former, self._former = self._former, None
        return former


class Branches:
    """Positions of the branches of a Parallel state, or of the iterations of an inline Map."""

    def __init__(self, positions: list[Progress]) -> None:
        self.positions = positions

    def resumed(self) -> Branches:
        return Branches([position.resumed() for position in self.positions])


def attach(env: Environment, progress: Progress) -> None:
    """Make `progress` the position of the program that `env` evaluates."""
    setattr(env, _ATTRIBUTE, progress)


def progress_of(env: Environment) -> Progress:
    """The position of the program that `env` evaluates; a new one at its first state."""
    progress = getattr(env, _ATTRIBUTE, None)
    if progress is None:
        progress = Progress()
        attach(env, progress)
    return cast("Progress", progress)


def branches_of(env: Environment, count: int) -> list[Progress]:
    """Positions for the `count` programs inside the state that `env` evaluates."""
    progress = progress_of(env)
    former = progress.take_former()
    resumable = isinstance(former, Branches) and len(former.positions) == count
    nested = former if resumable else Branches([Progress() for _ in range(count)])
    progress.nested = nested
    return cast("Branches", nested).positions
