"""CloudFormation of one embedded cloud: puts the parts together.

Keeps no resources itself: those live in the services, which are called over HTTP so that they
validate what they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from localcloud.cloudformation.api.change_sets import ChangeSets
from localcloud.cloudformation.api.planner import Planner
from localcloud.cloudformation.api.protocol import QueryProtocol
from localcloud.cloudformation.api.reading import Reading
from localcloud.cloudformation.api.stacks import StackActions
from localcloud.cloudformation.api.targets import Targets
from localcloud.cloudformation.engine.operations import Operations
from localcloud.cloudformation.engine.registry import StackRegistry
from localcloud.cloudformation.engine.roles import HandlersByRole
from localcloud.cloudformation.errors import validation_error
from localcloud.cloudformation.resources.catalogue import handlers_for
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.context import CloudContext

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class CloudFormationService:
    """The CloudFormation API of one cloud."""

    def __init__(
        self,
        context: CloudContext,
        handlers: Mapping[str, ResourceHandler] | None = None,
        linger_s: float = 2.0,
    ) -> None:
        """`handlers`: resource types by name; by default all that are modelled.

        `linger_s`: how long a call that starts an operation waits for its end before it answers.
        """
        by_role = HandlersByRole(
            context, lambda c: handlers_for(c) if handlers is None else handlers
        )
        self._registry = StackRegistry(context)
        self._operations = Operations(context, self._registry, by_role, linger_s)
        targets = Targets(context, by_role)
        planner = Planner(context, self._registry, by_role.of(None))
        change_sets = ChangeSets(self._registry, planner, targets, self._operations)
        stacks = StackActions(self._registry, planner, targets, self._operations)
        reading = Reading(context, self._registry, targets, change_sets)
        self._actions = {**change_sets.actions(), **stacks.actions(), **reading.actions()}
        self._protocol = QueryProtocol(self.handle)

    def handle(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call of the API: parameters and answer in botocore's shapes.

        Raises CloudFormationError for everything that a caller can get wrong.
        """
        implementation = self._actions.get(action)
        if implementation is None:
            modelled = ", ".join(sorted(self._actions))
            raise validation_error(
                f"Action {action} is not modelled by this embedded cloud; modelled: {modelled}"
            )
        return implementation(params)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The API over HTTP, in the query protocol."""
        return self._protocol(environ, start_response)

    def live_stacks(self) -> list[str]:
        """Names of the stacks that exist."""
        return sorted(stack.name for stack in self._registry.live())

    def join(self) -> None:
        """Wait until no operation is running."""
        self._operations.join()

    def stop(self) -> None:
        """Let running operations end; call it while the services still answer."""
        self.join()
