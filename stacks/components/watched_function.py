"""A function as those see it that watch it. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_

from settings.stage import FunctionSettings
from workloads.catalogue import Function


@dataclass(frozen=True, kw_only=True)
class WatchedFunction:
    """`live` is its alias; `map_width` how many of it a map runs at once, if one calls it."""

    declared: Function
    live: lambda_.Alias
    settings: FunctionSettings
    map_width: int | None

    @property
    def name(self) -> str:
        """Its name in the catalogue."""
        return self.declared.name
