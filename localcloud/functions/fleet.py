"""All execution environments of a cloud: a pool for each function version that was invoked.

A version whose configuration, code or very existence has changed loses its environments: idle
ones at once, busy ones after their invocation. Nothing of it is decided by names alone, so that a
function made again under its old name never meets an old process.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localcloud.context import CloudContext
from localcloud.functions.code import CodeStore
from localcloud.functions.concurrency import ScalingRate
from localcloud.functions.configuration import DeployedFunctions, FunctionConfiguration, Target
from localcloud.functions.environment import Environment
from localcloud.functions.errors import (
    ResourceNotFoundError,
    ResourceNotReadyError,
    ServiceError,
    ServiceFailureError,
)
from localcloud.functions.invocation import EnvironmentSpec
from localcloud.functions.limits import ServiceLimits
from localcloud.functions.logs import LogWriter
from localcloud.functions.pool import Pool
from localcloud.functions.reaper import Reaper
from localcloud.functions.variables import environment_variables
from localcloud.identity.sessions import Session, assume

log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: at most 12 hours
_CREDENTIALS_S = 12 * 3600
# A process keeps the credentials it was started with: it is replaced well before they end.
_RENEWED_BEFORE_S = 3600


@dataclass(frozen=True)
class _Version:
    configuration: FunctionConfiguration
    pool: Pool
    credentials: Session


class Fleet:
    """The pools of one cloud; `folder` holds what its environments write and is removed by stop."""

    def __init__(
        self,
        context: CloudContext,
        *,
        deployed: DeployedFunctions,
        code: CodeStore,
        writer: LogWriter,
        limits: ServiceLimits,
    ) -> None:
        self._context = context
        self._deployed = deployed
        self._code = code
        self._writer = writer
        self._limits = limits
        self._folder = context.state_dir / "environments"
        self._scaling = ScalingRate(limits.scaling_burst)
        self._reaper = Reaper()
        self._lock = threading.Lock()
        self._reconciling = threading.Lock()
        self._versions: dict[tuple[str, str], _Version] = {}
        self._retired: list[Pool] = []
        self._provisioned: dict[tuple[str, str], int] = {}
        self._credentials: dict[tuple[str, str], Session] = {}
        self._stopped = False
        self.has_used_containers = False

    def pool(self, configuration: FunctionConfiguration) -> Pool:
        """The pool of a version, made if need be.

        Raises ResourceNotReadyError or InvalidRuntimeError if its code cannot run here, or the
        cloud is stopping.
        """
        key = (configuration.name, configuration.version)
        version = self._versions.get(key)
        if version is not None and version.configuration == configuration:
            return version.pool
        credentials = self._role_credentials(configuration)
        made = _Version(configuration, self._make_pool(configuration, credentials), credentials)
        with self._lock:
            if self._stopped:
                raise ResourceNotReadyError("The embedded cloud is stopping.")
            version = self._versions.get(key)
            if version is not None and version.configuration == configuration:
                return version.pool
            self._versions[key] = made
            if version is not None:
                self._retired.append(version.pool)
        if version is not None:
            version.pool.retire()
        return made.pool

    def provision(self, function: str, qualifier: str, count: int) -> None:
        """Keep `count` environments of a version or alias initialised; 0 ends it.

        Raises ResourceNotFoundError, or what `pool` raises, unless `count` is 0.
        """
        if count:
            self.pool(self._deployed.resolve(function, qualifier).configuration)
        with self._lock:
            self._provisioned[function, qualifier] = count
        self.reconcile()

    def provisioned(self) -> Iterator[tuple[str, str, Pool]]:
        """Function, qualifier and pool of what has provisioned concurrency."""
        with self._lock:
            wanted = [key for key, count in self._provisioned.items() if count]
        for function, qualifier in wanted:
            try:
                configuration = self._deployed.resolve(function, qualifier).configuration
                yield function, qualifier, self.pool(configuration)
            except ServiceError:
                # It is gone, or cannot run: nothing is kept for it.
                continue

    def reconcile(self) -> None:
        """Retire versions that changed or whose credentials end; start what is provisioned."""
        with self._reconciling:
            self._retire_changed()
            self._apply_provisioned()
            with self._lock:
                self._retired = [pool for pool in self._retired if pool.environments()]

    def client_for(self, target: Target) -> Callable[[str], Any]:
        """Makes boto3 clients of this cloud that have the credentials of a function's role."""
        credentials = self._role_credentials(target.configuration)
        return self._context.with_credentials(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token
        ).client

    def end_idle(self) -> None:
        """End environments that were unused for too long."""
        with self._lock:
            pools = [version.pool for version in self._versions.values()]
        for pool in pools:
            pool.end_idle(self._limits.idle_s)

    def environments(self) -> list[Environment]:
        """Every environment there is, those of retired versions included."""
        with self._lock:
            pools = [version.pool for version in self._versions.values()] + self._retired
        return [environment for pool in pools for environment in pool.environments()]

    def stop(self) -> None:
        """Kill every environment, wait for the invocations in flight, remove the folder."""
        with self._lock:
            self._stopped = True
            pools = [version.pool for version in self._versions.values()] + self._retired
            self._versions.clear()
            self._retired.clear()
        for pool in pools:
            pool.stop()
        self._reaper.close()
        self._code.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _retire_changed(self) -> None:
        with self._lock:
            versions = dict(self._versions)
        for key, version in versions.items():
            lasts = not version.credentials.ends_within(_RENEWED_BEFORE_S)
            if lasts and self._deployed.has(version.configuration):
                continue
            with self._lock:
                if self._versions.get(key) is version:
                    del self._versions[key]
                    self._retired.append(version.pool)
            version.pool.retire()

    def _apply_provisioned(self) -> None:
        wanted: Counter[tuple[str, str]] = Counter()
        with self._lock:
            provisioned = dict(self._provisioned)
        for key, count in provisioned.items():
            try:
                configuration = self._deployed.resolve(*key).configuration
                self.pool(configuration)
            except ResourceNotFoundError:
                # A function made again under its name has no provisioned concurrency, as on AWS.
                with self._lock:
                    self._provisioned.pop(key, None)
                continue
            except ServiceError:
                # It points to what cannot run here: the next invocation says why.
                continue
            wanted[configuration.name, configuration.version] += count
        with self._lock:
            versions = dict(self._versions)
        for key, version in versions.items():
            try:
                version.pool.provision(wanted[key])
            except ServiceFailureError as failure:
                # Tried again every second, as on AWS; until then invocations start their own.
                log.warning("%s: not provisioned: %s", key[0], failure)

    def _make_pool(self, configuration: FunctionConfiguration, credentials: Session) -> Pool:
        spec = self._spec(configuration, credentials)

        def make(initialization_type: str) -> Environment:
            return Environment(
                spec,
                folder=self._folder,
                writer=self._writer,
                reaper=self._reaper,
                initialization_type=initialization_type,
                init_limit_s=self._limits.init_s,
            )

        return Pool(
            make,
            width=self._limits.width,
            before_start=lambda: self._scaling.take(configuration.name),
        )

    def _spec(self, configuration: FunctionConfiguration, credentials: Session) -> EnvironmentSpec:
        code = self._code.code(configuration)
        self.has_used_containers |= code.container is not None
        return EnvironmentSpec(
            function_name=configuration.name,
            version=configuration.version,
            python=code.python,
            workdir=code.workdir,
            handler=code.handler,
            variables=environment_variables(
                configuration,
                code,
                credentials=credentials,
                region=self._context.region,
                endpoint=self._context.endpoint,
            ),
            memory_mb=configuration.memory_mb,
            timeout_s=configuration.timeout_s,
            log_group=configuration.log_group,
            log_as_json=configuration.log_settings.get("LogFormat") == "JSON",
            container=code.container,
        )

    def _role_credentials(self, configuration: FunctionConfiguration) -> Session:
        """Credentials of the function's role, in a session named after the function as on AWS."""
        key = (configuration.role, configuration.name)
        with self._lock:
            session = self._credentials.get(key)
            if session is None or session.ends_within(_RENEWED_BEFORE_S):
                session = assume(
                    self._context,
                    configuration.role,
                    configuration.name,
                    duration_s=_CREDENTIALS_S,
                )
                self._credentials[key] = session
            return session
