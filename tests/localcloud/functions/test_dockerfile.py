"""The accepted subset of Dockerfiles, and what is refused with its line and reason."""

from __future__ import annotations

import pytest

from localcloud.images.dockerfile import (
    Copy,
    DockerfileError,
    Entry,
    InstallRequirements,
    read_dockerfile,
)

BASE = "FROM public.ecr.aws/lambda/python:3.13\n"
CMD = '\nCMD ["handler.handler"]\n'


def read(text: str, **build_args: str):  # type: ignore[no-untyped-def]
    return read_dockerfile(text, name="plan/Dockerfile", build_args=build_args)


def test_every_accepted_instruction_is_read() -> None:
    recipe = read(
        "# the image of a function\n"
        "ARG VERSION=3.13\n"
        "FROM public.ecr.aws/lambda/python:${VERSION}\n"
        "ARG FOLDER=plan\n"
        'ENV MODE=fast GREETING="two words"\n'
        'LABEL role="plan"\n'
        "COPY ${FOLDER}/requirements.txt ${LAMBDA_TASK_ROOT}/\n"
        "RUN pip install --no-cache-dir \\\n"
        "    -r requirements.txt\n"
        "WORKDIR ${LAMBDA_TASK_ROOT}/inner\n"
        "COPY core/ $FOLDER/handler.py ./\n"
        "RUN chmod -R a+rX . \\\n"
        "    && python3 -m compileall -q --invalidation-mode unchecked-hash .\n"
        "USER 993:990\n"
        'ENTRYPOINT ["/bin/sh", "/var/task/inner/entry.sh"]\n'
        'CMD ["handler.handler"]\n'
    )
    assert recipe.base_image == "public.ecr.aws/lambda/python:3.13"
    assert recipe.python_version == "3.13"
    assert recipe.environment == {"MODE": "fast", "GREETING": "two words"}
    assert recipe.workdir == "/var/task/inner"
    assert recipe.handler == "handler.handler"
    assert recipe.entry == Entry(15, "/var/task/inner/entry.sh")
    assert recipe.steps == (
        Copy(7, ("plan/requirements.txt",), "/var/task/", "/var/task"),
        InstallRequirements(8, "requirements.txt", "/var/task"),
        Copy(11, ("core/", "plan/handler.py"), "./", "/var/task/inner"),
    )


def test_build_argument_wins_over_its_default() -> None:
    recipe = read("ARG V=3.11\nFROM public.ecr.aws/lambda/python:$V" + CMD, V="3.12")
    assert recipe.base_image.endswith(":3.12")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("FROM python:3.13" + CMD, 1, "base image"),
        ("FROM public.ecr.aws/lambda/nodejs:22" + CMD, 1, "base image"),
        (BASE + BASE + CMD, 2, "only one FROM"),
        ("FROM public.ecr.aws/lambda/python:3.13 AS build" + CMD, 1, "expected one image"),
        ("FROM --platform=linux/arm64 public.ecr.aws/lambda/python:3.13" + CMD, 1, "one image"),
        ("COPY a b\n" + BASE + CMD, 1, "before FROM"),
        (CMD.strip(), 1, "before FROM"),
        ("", 1, "no FROM"),
        (BASE, 1, "no CMD"),
        (BASE + "ADD a b" + CMD, 2, "ADD is not supported"),
        (BASE + "USER root" + CMD, 2, "numbers other than root's"),
        (BASE + "USER 0:990" + CMD, 2, "numbers other than root's"),
        (BASE + "USER 993:0" + CMD, 2, "numbers other than root's"),
        (BASE + 'ENTRYPOINT ["python"]' + CMD, 2, "a script of the image"),
        (BASE + "ENTRYPOINT /bin/sh /var/task/entry.sh" + CMD, 2, "a script of the image"),
        (BASE + 'ENTRYPOINT ["/bin/sh", "/opt/entry.sh"]' + CMD, 2, "a script of the image"),
        (BASE + 'ENTRYPOINT ["/bin/sh", "/var/task/../entry.sh"]' + CMD, 2, "a script of"),
        (BASE + 'ENTRYPOINT ["/bin/sh", "/var/task/a", "b"]' + CMD, 2, "a script of the image"),
        (BASE + 'ENTRYPOINT ["/bin/sh", 1]' + CMD, 2, "a script of the image"),
        (BASE + "EXPOSE 80" + CMD, 2, "EXPOSE is not supported"),
        (BASE + "RUN dnf install gcc" + CMD, 2, "RUN pip install"),
        (BASE + "RUN pip install numpy" + CMD, 2, "'numpy' is not supported"),
        (BASE + "RUN pip install -r a -r b" + CMD, 2, "exactly one -r"),
        (BASE + "RUN pip install -r" + CMD, 2, "exactly one -r"),
        (BASE + "RUN pip install --target /opt -r a" + CMD, 2, "'--target' is not supported"),
        (BASE + "RUN pip install -r a && rm a" + CMD, 2, "'&&' is not supported"),
        (BASE + "RUN chmod -R a+rX . && rm a" + CMD, 2, "allowed: RUN pip install"),
        (BASE + "RUN chmod -R a+w ." + CMD, 2, "allowed: RUN pip install"),
        (BASE + 'RUN ["pip", "install"]' + CMD, 2, "RUN pip install"),
        (BASE + "COPY --chown=1:1 a ./" + CMD, 2, "--chown=1:1"),
        (BASE + "COPY --from=build a ./" + CMD, 2, "--from=build"),
        (BASE + 'COPY ["a", "./"]' + CMD, 2, "JSON form"),
        (BASE + "COPY a" + CMD, 2, "at least one source"),
        (BASE + "COPY *.py ./" + CMD, 2, "wildcards"),
        (BASE + "COPY ../a ./" + CMD, 2, "leaves the build context"),
        (BASE + "COPY a b c" + CMD, 2, "must end with /"),
        (BASE + "COPY $ABSENT ./" + CMD, 2, "'ABSENT' is not set"),
        (BASE + "COPY ${A:-b} ./" + CMD, 2, "not supported"),
        (BASE + "WORKDIR /opt" + CMD, 2, "under /var/task"),
        (BASE + "WORKDIR /var/taskless" + CMD, 2, "under /var/task"),
        (BASE + "CMD handler.handler", 2, "exec form"),
        (BASE + 'CMD ["a", "b"]', 2, "exec form"),
        (BASE + "\n\n# why\nSHELL x" + CMD, 5, "SHELL is not supported"),
    ],
)
def test_anything_else_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(DockerfileError) as refused:
        read(text)
    assert str(refused.value).startswith(f"plan/Dockerfile:{line}: ")
    assert words in str(refused.value)


def test_build_argument_nobody_declares_is_refused() -> None:
    with pytest.raises(DockerfileError, match="without an ARG instruction: TYPO"):
        read(BASE + CMD, TYPO="x")
