"""How many environments are busy at once, and how often all of them are.

Invocations come at random (a Poisson process) and one that finds every environment of a number busy
takes another one: it never waits for these. That is Erlang's loss model, whose formula B holds for
any distribution of durations. https://mmarzolla.github.io/queueing/erlangb.html

In the model an invocation that is turned away is gone, here it runs elsewhere: what the number of
environments carries is the same.
"""

from __future__ import annotations

from collections.abc import Iterator


def offered_load(arrivals_per_s: float, seconds: float) -> float:
    """Mean number of environments busy at once where there are enough: Little's law, L = λW.

    https://doi.org/10.1287/opre.9.3.383, and in Lambda's words
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html#calculating-concurrency
    """
    return arrivals_per_s * seconds


def blocking(load: float, servers: int) -> float:
    """Erlang B: the share of arrivals that find all `servers` busy, at an offered `load` > 0."""
    if servers < 0:
        raise ValueError(f"servers: {servers}; allowed: 0 or more")
    for number, share in enumerate(blockings(load)):
        if number == servers:
            return share
    raise AssertionError("there is always a next number")


def blockings(load: float) -> Iterator[float]:
    """Erlang B for 0, 1, 2, ... servers, by the recursion that neither overflows nor cancels.

    1/B(n) = 1 + n/load / B(n-1); B(0) = 1: nobody is served.
    """
    if not load > 0:
        raise ValueError(f"load: {load}; allowed: more than 0")
    inverse, servers = 1.0, 0
    while True:
        yield 1 / inverse
        servers += 1
        inverse = 1 + servers / load * inverse


def servers_for(load: float, *, share: float) -> int:
    """The least number of servers of which at most `share` of the arrivals find all busy."""
    if not 0 < share < 1:
        raise ValueError(f"share: {share}; allowed: more than 0 and less than 1")
    return next(number for number, lost in enumerate(blockings(load)) if lost <= share)


def servers_worth(load: float, *, utilisation: float) -> int:
    """How many servers are each busy for at least `utilisation` of the time.

    The n-th carries what n carry and n-1 do not, load * (B(n-1) - B(n)): less with every further.
    """
    if not 0 < utilisation < 1:
        raise ValueError(f"utilisation: {utilisation}; allowed: more than 0 and less than 1")
    worth, before = 0, 1.0
    for number, lost in enumerate(blockings(load)):
        if number and load * (before - lost) < utilisation:
            break
        worth, before = number, lost
    return worth
