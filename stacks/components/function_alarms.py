"""Alarms on one function, counted on the alias that everybody calls.

It decides when failures of a function are news. What answers HTTP requests is retried by nobody:
one failure is one lost request. What the workflow calls is retried by it, so single failures are
part of a healthy job; a job that fails in the end has an alarm of its own (job_alarms.py).
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.components.alarm import AnnouncedAlarm
from stacks.components.alarm_topic import AlarmTopic
from stacks.components.watched_function import WatchedFunction

_MINUTE = Duration.minutes(1)
_FIVE_MINUTES = Duration.minutes(5)

# A lost environment counts as an error, is tried again at most twice (invocation.py) and then fails
# its job: three in five minutes are more than one mishap, and one in a hundred is more than what
# wide maps meet.
_RETRIED_ERRORS = 3
_RETRIED_ERRORS_PERCENT = 1
# A map that starts all its children at once may be throttled until Lambda has scaled out, by 1,000
# environments in ten seconds. A child waits at most 121 s in its eight tries (invocation.py) before
# its failure is recorded. No burst that all get through is throttled in each of five minutes: then
# the width is more than there is for it.
# https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
_BURST_MINUTES = 5
# Target tracking adds environments after three minutes above its target; what still spills over
# after ten found the maximum reached.
# https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
_SPILL_OVER_MINUTES = 10


class FunctionAlarms(Construct):
    """Errors, throttles and, where there is provisioned concurrency, spill-over; in `alarms`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: WatchedFunction,
        topic: AlarmTopic,
    ) -> None:
        """Watch the alias of `function`."""
        super().__init__(scope, construct_id)
        self._name = function.name
        self._live = function.live
        self._topic = topic
        self.alarms = (
            [self._lost_requests(), self._throttled_requests()]
            if function.declared.routes
            else [self._many_errors(), self._lasting_throttles()]
        )
        kept = function.settings.provisioned
        # A map that is wider than what is kept warm spills over by design.
        if kept is not None and kept.maximum >= (function.map_width or 0):
            self.alarms.append(self._lasting_spill_over())

    def _lost_requests(self) -> cloudwatch.Alarm:
        return AnnouncedAlarm(
            self,
            "Errors",
            metric=self._live.metric_errors(period=_FIVE_MINUTES),
            threshold=1,
            topic=self._topic,
            meaning=f"{self._name} crashed, timed out or ran out of memory; a caller got a 5xx.",
            section="errors",
        )

    def _many_errors(self) -> cloudwatch.Alarm:
        return AnnouncedAlarm(
            self,
            "Errors",
            metric=cloudwatch.MathExpression(
                expression=f"IF(errors >= {_RETRIED_ERRORS}, 100 * errors / invocations, 0)",
                using_metrics={
                    "errors": self._live.metric_errors(),
                    "invocations": self._live.metric_invocations(),
                },
                label="% of invocations",
                period=_FIVE_MINUTES,
            ),
            threshold=_RETRIED_ERRORS_PERCENT,
            topic=self._topic,
            meaning=f"{self._name} fails more often than a lost environment now and then explains.",
            section="errors",
        )

    def _throttled_requests(self) -> cloudwatch.Alarm:
        return AnnouncedAlarm(
            self,
            "Throttles",
            metric=self._live.metric_throttles(period=_FIVE_MINUTES),
            threshold=1,
            topic=self._topic,
            meaning=f"Requests to {self._name} were refused for lack of concurrency (503).",
            section="throttles",
        )

    def _lasting_throttles(self) -> cloudwatch.Alarm:
        return AnnouncedAlarm(
            self,
            "Throttles",
            metric=self._live.metric_throttles(period=_MINUTE),
            threshold=1,
            evaluation_periods=_BURST_MINUTES,
            topic=self._topic,
            meaning=f"{self._name} is throttled for longer than the burst of a starting map.",
            section="throttles",
        )

    def _lasting_spill_over(self) -> cloudwatch.Alarm:
        return AnnouncedAlarm(
            self,
            "SpillOver",
            metric=self._live.metric(
                "ProvisionedConcurrencySpilloverInvocations", statistic="Sum", period=_MINUTE
            ),
            threshold=1,
            evaluation_periods=_SPILL_OVER_MINUTES,
            topic=self._topic,
            meaning=f"{self._name} needs more warm environments than its maximum.",
            section="spill-over",
        )
