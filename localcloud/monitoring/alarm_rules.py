"""The rules of composite alarms: `ALARM("name") AND NOT (OK(name) OR TRUE)`.

Reads a rule into a function of the states of alarms, and refuses what is not one, naming the place.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

# Name of an alarm -> OK, ALARM or INSUFFICIENT_DATA; raises KeyError where there is no such alarm.
States = Callable[[str], str]
_Test = Callable[[States], bool]

_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])|(?P<word>AND|OR|NOT|TRUE|FALSE)(?![\w-])"
    r'|(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<plain>[^\s"()]+))\s*\))'
)


class InvalidRuleError(ValueError):
    """It is no rule; the text says where it stops being one."""


@dataclass(frozen=True)
class AlarmRule:
    """A rule that was read; `alarms` are the names it asks for."""

    alarms: frozenset[str]
    holds: _Test

    @classmethod
    def read(cls, text: str) -> AlarmRule:
        """Raises InvalidRuleError."""
        reader = _Reader(text)
        test = reader.either()
        reader.end()
        return cls(frozenset(reader.names), test)


class _Reader:
    """NOT binds closer than AND, AND closer than OR."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.names: set[str] = set()

    def either(self) -> _Test:
        tests = [self._both()]
        while self._take("OR"):
            tests.append(self._both())
        return lambda states: any(test(states) for test in tests)

    def end(self) -> None:
        if self._text[self._position :].strip():
            raise self._error()

    def _both(self) -> _Test:
        tests = [self._one()]
        while self._take("AND"):
            tests.append(self._one())
        return lambda states: all(test(states) for test in tests)

    def _one(self) -> _Test:
        token = _TOKEN.match(self._text, self._position)
        if token is None:
            raise self._error()
        self._position = token.end()
        if token["state"]:
            return self._state(token["state"], token["quoted"] or token["plain"])
        if token["word"] == "NOT":
            test = self._one()
            return lambda states: not test(states)
        if token["word"] in ("TRUE", "FALSE"):
            value = token["word"] == "TRUE"
            return lambda states: value
        if token["mark"] == "(":
            test = self.either()
            if not self._take(")"):
                raise self._error()
            return test
        raise self._error()

    def _state(self, state: str, alarm: str) -> _Test:
        name = alarm.rpartition(":alarm:")[2] if alarm.startswith("arn:") else alarm
        self.names.add(name)
        return lambda states: states(name) == state

    def _take(self, wanted: str) -> bool:
        token = _TOKEN.match(self._text, self._position)
        if token is None or wanted not in (token["mark"], token["word"]):
            return False
        self._position = token.end()
        return True

    def _error(self) -> InvalidRuleError:
        rest = self._text[self._position :].strip() or "its end"
        return InvalidRuleError(f"AlarmRule is invalid at {rest[:60]!r}; allowed: {_ALLOWED}")


_ALLOWED = f"{', '.join(f'{state}(name)' for state in _STATES)}, TRUE, FALSE, AND, OR, NOT, ( )"
