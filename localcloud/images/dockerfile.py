"""Reads a Dockerfile into the few steps that an embedded image can honour.

Accepted: FROM a Lambda Python base image, ARG, ENV, WORKDIR, COPY, RUN pip install -r FILE, RUN of
what makes the files readable and compiled, USER, LABEL, CMD in exec form, and as ENTRYPOINT a
script of the image's own. Everything else is refused with its line and the reason: an image that
would run here and not on AWS, or the other way round, is worse than no image. It reads text only
and touches no file.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dockerfile_parse import DockerfileParser
from dockerfile_parse.util import WordSplitter, extract_key_values

TASK_ROOT = "/var/task"

# https://docs.aws.amazon.com/lambda/latest/dg/python-image.html#python-image-instructions
BASE_IMAGE = re.compile(
    r"public\.ecr\.aws/lambda/python:3\.\d+(?:[.\w-]*)(?:@sha256:[0-9a-f]{64})?"
)

# How an ENTRYPOINT of our own goes on as the base image's would: it starts the runtime.
# https://github.com/aws/aws-lambda-base-images
BASE_ENTRY = 'exec /lambda-entrypoint.sh "$@"'

PIP_FLAGS = frozenset(
    {
        "--no-cache-dir",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--no-input",
    }
)

# Where an image is a folder both hold anyway: its owner runs it, and it is compiled when built.
FINISHING = frozenset(
    {
        "chmod -R a+rX .",
        "python3 -m compileall -q --invalidation-mode unchecked-hash .",
    }
)


class DockerfileError(ValueError):
    """A Dockerfile says something that an embedded image cannot honour."""

    def __init__(self, name: str, line: int, problem: str) -> None:
        super().__init__(f"{name}:{line}: {problem}")


@dataclass(frozen=True)
class Copy:
    """COPY: `sources` are relative to the build context, `target` is as written, from `workdir`."""

    line: int
    sources: tuple[str, ...]
    target: str
    workdir: str


@dataclass(frozen=True)
class InstallRequirements:
    """RUN pip install -r: the file lies in the image, relative to `workdir`."""

    line: int
    file: str
    workdir: str


@dataclass(frozen=True)
class Entry:
    """ENTRYPOINT: `script`, a path under /var/task, is run by /bin/sh."""

    line: int
    script: str


@dataclass(frozen=True)
class Dockerfile:
    """What an accepted Dockerfile asks for, in order."""

    name: str
    base_image: str
    steps: tuple[Copy | InstallRequirements, ...]
    environment: Mapping[str, str]
    workdir: str
    handler: str
    entry: Entry | None = None

    @property
    def python_version(self) -> str:
        """The Python of the base image, as `3.13`."""
        return re.findall(r":(3\.\d+)", self.base_image)[0]


def read_dockerfile(text: str, *, name: str, build_args: Mapping[str, str]) -> Dockerfile:
    """Parse `text`; `name` is used in messages only.

    Raises DockerfileError for an instruction, flag or form outside the accepted subset.
    """
    return _Reader(text, name, build_args).read()


class _Reader:
    def __init__(self, text: str, name: str, build_args: Mapping[str, str]) -> None:
        self._name = name
        self._instructions: list[dict[str, Any]] = [
            instruction
            for instruction in DockerfileParser(fileobj=io.BytesIO(text.encode())).structure
            if instruction["instruction"] != "COMMENT"
        ]
        self._build_args = dict(build_args)
        self._args: dict[str, str] = {}
        self._environment: dict[str, str] = {}
        self._base_image: str | None = None
        self._workdir = TASK_ROOT
        self._handler: str | None = None
        self._entry: Entry | None = None
        self._steps: list[Copy | InstallRequirements] = []
        self._line = 1

    def read(self) -> Dockerfile:
        readers: dict[str, Callable[[str], None]] = {
            "FROM": self._from,
            "ARG": self._arg,
            "ENV": self._env,
            "WORKDIR": self._set_workdir,
            "COPY": self._copy,
            "RUN": self._run,
            "LABEL": lambda value: None,
            "USER": self._user,
            "ENTRYPOINT": self._entrypoint,
            "CMD": self._cmd,
        }
        declared: set[str] = set()
        for instruction in self._instructions:
            self._line = instruction["startline"] + 1
            kind = instruction["instruction"]
            if kind not in readers:
                raise self._error(f"{kind} is not supported; allowed: {', '.join(readers)}")
            if self._base_image is None and kind not in {"FROM", "ARG"}:
                raise self._error(f"{kind} before FROM")
            readers[kind](instruction["value"])
            if kind == "ARG":
                declared.add(instruction["value"].split("=", 1)[0].strip())
        if self._base_image is None:
            raise self._error("no FROM instruction")
        if self._handler is None:
            raise self._error('no CMD instruction; expected CMD ["module.function"]')
        if unknown := sorted(set(self._build_args) - declared):
            raise self._error(f"build argument without an ARG instruction: {', '.join(unknown)}")
        return Dockerfile(
            name=self._name,
            base_image=self._base_image,
            steps=tuple(self._steps),
            environment=dict(self._environment),
            workdir=self._workdir,
            handler=self._handler,
            entry=self._entry,
        )

    def _error(self, problem: str) -> DockerfileError:
        return DockerfileError(self._name, self._line, problem)

    def _words(self, value: str) -> list[str]:
        known = {"LAMBDA_TASK_ROOT": TASK_ROOT, **self._environment}
        for reference in re.findall(r"(?<!\\)\$\{?(\w*)([^}\w]?)", value):
            variable, operator = reference
            if "${" + variable + operator in value and operator in {":", "-", "+"}:
                raise self._error(
                    f"${{{variable}{operator}…}}: substitution forms are not supported"
                )
            if variable not in known and variable not in self._args:
                raise self._error(f"variable {variable!r} is not set")
        return list(WordSplitter(value, args=self._args, envs=known).split())

    def _from(self, value: str) -> None:
        if self._base_image is not None:
            raise self._error("only one FROM (no multi-stage builds)")
        words = self._words(value)
        if len(words) != 1:
            raise self._error(f"FROM {value}: expected one image and nothing else")
        if not BASE_IMAGE.fullmatch(words[0]):
            raise self._error(
                f"base image {words[0]!r}; allowed: public.ecr.aws/lambda/python:3.x, "
                "which brings the runtime interface client"
            )
        self._base_image = words[0]
        self._args = {}

    def _arg(self, value: str) -> None:
        name, given, default = value.strip().partition("=")
        if name in self._build_args:
            self._args[name] = self._build_args[name]
        elif given:
            self._args[name] = " ".join(self._words(default))

    def _env(self, value: str) -> None:
        self._words(value)
        known = {"LAMBDA_TASK_ROOT": TASK_ROOT, **self._environment}
        try:
            self._environment.update(extract_key_values(True, self._args, known, value))
        except ValueError as error:
            raise self._error(f"ENV {value}: {error}") from error

    def _set_workdir(self, value: str) -> None:
        words = self._words(value)
        folder = posixpath.normpath(words[0]) if len(words) == 1 else ""
        if not f"{folder}/".startswith(f"{TASK_ROOT}/"):
            raise self._error(f"WORKDIR {value}; allowed: one absolute path under {TASK_ROOT}")
        self._workdir = folder

    def _copy(self, value: str) -> None:
        if value.lstrip().startswith("["):
            raise self._error("COPY in JSON form is not supported; write COPY SOURCE... TARGET")
        words = self._words(value)
        if flags := [word for word in words if word.startswith("--")]:
            raise self._error(f"COPY flags are not supported: {' '.join(flags)}")
        if len(words) < 2:
            raise self._error(f"COPY {value}: expected at least one source and a target")
        for source in words[:-1]:
            if any(character in source for character in "*?["):
                raise self._error(f"COPY source {source!r}: wildcards are not supported")
            if ".." in source.split("/"):
                raise self._error(f"COPY source {source!r} leaves the build context")
        if len(words) > 2 and not words[-1].endswith("/"):
            raise self._error(f"COPY target {words[-1]!r} must end with / for several sources")
        self._steps.append(Copy(self._line, tuple(words[:-1]), words[-1], self._workdir))

    def _user(self, value: str) -> None:
        # Nothing here changes user, and Lambda takes no notice of USER; others that run it do.
        if not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", value.strip()):
            raise self._error(f"USER {value}; allowed: numbers other than root's, UID or UID:GID")

    def _run(self, value: str) -> None:
        if FINISHING.issuperset(" ".join(part.split()) for part in value.split("&&")):
            return
        words = self._words(value)
        if words[:2] != ["pip", "install"]:
            raise self._error(
                f"RUN {value}; allowed: RUN pip install [flags] -r FILE, "
                f"{', '.join(sorted(FINISHING))}"
            )
        files: list[str] = []
        rest = iter(words[2:])
        for word in rest:
            if word in {"-r", "--requirement"}:
                files.append(next(rest, ""))
            elif word not in PIP_FLAGS:
                raise self._error(
                    f"RUN pip install: {word!r} is not supported; "
                    f"allowed: -r FILE, {', '.join(sorted(PIP_FLAGS))}"
                )
        if len(files) != 1 or not files[0]:
            raise self._error("RUN pip install: expected exactly one -r FILE")
        self._steps.append(InstallRequirements(self._line, files[0], self._workdir))

    def _entrypoint(self, value: str) -> None:
        match _exec_form(value):
            case ["/bin/sh", script] if posixpath.normpath(script) == script and script.startswith(
                f"{TASK_ROOT}/"
            ):
                self._entry = Entry(self._line, script)
            case _:
                raise self._error(
                    f"ENTRYPOINT {value}; allowed: exec form with a script of the image, "
                    f'["/bin/sh", "{TASK_ROOT}/SCRIPT"]'
                )

    def _cmd(self, value: str) -> None:
        words = _exec_form(value)
        if words is None or len(words) != 1:
            raise self._error(
                f'CMD {value}; allowed: exec form with one handler, ["module.function"]'
            )
        self._handler = words[0]


def _exec_form(value: str) -> list[str] | None:
    """The words of an instruction in exec form; None where it is in another."""
    try:
        words = json.loads(value)
    except json.JSONDecodeError:
        return None
    is_form = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return words if is_form else None
