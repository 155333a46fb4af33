"""Who may import whom. An arrow that turns round makes a cycle of meaning long before one of code.

settings <- workloads <- stacks <- app.py; the functions' sources, the client and the embedded cloud
each stand alone. Prices are known to whoever reckons with them, and know nothing themselves.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAMBDA_SOURCES = ROOT / "lambda_src"

INFRASTRUCTURE = {"settings", "workloads", "stacks", "app"}
PRICES = {"prices"}
FUNCTIONS = {"shpc_core", "shpc_http", "shpc_jobs", "shpc_lambda"}
TRAINING = {"shpc_training"}
TOOLS = {"hpc", "review", "localcloud", "openwhisk", "bench", "chaos", "tools", "tests"}
OURS = INFRASTRUCTURE | PRICES | FUNCTIONS | TRAINING | TOOLS

# A part of the repository -> what of ours it may import besides itself.
ALLOWED: dict[str, set[str]] = {
    "prices": set(),
    "settings": set(),
    "workloads": {"settings"},
    "stacks": {"settings", "workloads", "prices"},
    "app.py": {"settings", "workloads", "stacks"},
    "hpc": {"shpc_core", "prices"},
    "review": {"app", "settings", "stacks", "workloads", "prices"},
    "localcloud": set(),
    "lambda_src/shpc_core": set(),
    "lambda_src/shpc_http": {"shpc_core"},
    "lambda_src/shpc_jobs": {"shpc_core", "shpc_http"},
    "lambda_src/shpc_lambda": {"shpc_core"},
    "lambda_src/shpc_training": {"shpc_core"},
    "lambda_src/plan": FUNCTIONS,
    "lambda_src/classify": FUNCTIONS,
    "lambda_src/reduce": FUNCTIONS,
    "lambda_src/predict": FUNCTIONS,
    "lambda_src/jobs": FUNCTIONS,
}
# The science is told what it needs: it opens no AWS client and knows no event.
CORE_NEVER_IMPORTS = {"boto3", "botocore", "awslambdaric", "tensorflow"}
# What a function's image does not contain.
FUNCTIONS_NEVER_IMPORT = {"tensorflow", "keras", "moto", "aws_cdk"}


def modules(part: str) -> list[Path]:
    path = ROOT / part
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """Top-level names that a module imports, wherever in it the statement stands."""
    for node in ast.walk(ast.parse(module.read_text(), filename=str(module))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(name), level=0):
                yield name.partition(".")[0]


def imports_of(part: str) -> set[tuple[str, str]]:
    """(module, imported name) for every import in a part; none where the part does not exist."""
    return {
        (str(module.relative_to(ROOT)), name)
        for module in modules(part)
        for name in imported(module)
    }


@pytest.mark.parametrize("part", ALLOWED)
def test_part_imports_only_what_it_may(part: str) -> None:
    allowed = ALLOWED[part] | {Path(part).stem}
    assert {(module, name) for module, name in imports_of(part) if name in OURS - allowed} == set()


def test_every_folder_of_the_functions_has_its_arrows() -> None:
    folders = {
        f"lambda_src/{path.name}"
        for path in LAMBDA_SOURCES.iterdir()
        if path.is_dir() and list(path.glob("*.py"))
    }
    assert folders <= set(ALLOWED)


def test_core_imports_no_platform() -> None:
    parts = ("lambda_src/shpc_core", "lambda_src/shpc_http", "lambda_src/shpc_jobs")
    found = set().union(*map(imports_of, parts))
    assert {entry for entry in found if entry[1] in CORE_NEVER_IMPORTS} == set()


@pytest.mark.parametrize("part", [p for p in ALLOWED if p.startswith("lambda_src/")])
def test_no_function_imports_what_its_image_lacks(part: str) -> None:
    if part == "lambda_src/shpc_training":
        return
    found = imports_of(part)
    assert {entry for entry in found if entry[1] in FUNCTIONS_NEVER_IMPORT} == set()


def test_workloads_know_nothing_of_aws() -> None:
    found = imports_of("workloads") | imports_of("settings")
    assert {entry for entry in found if entry[1] in {"aws_cdk", "boto3", "constructs"}} == set()


def test_relative_imports_hide_no_arrow() -> None:
    """Imports are by name everywhere, so that the rules above see all of them."""
    relative = [
        str(module.relative_to(ROOT))
        for part in ALLOWED
        for module in modules(part)
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert relative == []


def test_no_top_level_package_shadows_constructs() -> None:
    """A folder of that name breaks `import aws_cdk`."""
    assert not (ROOT / "constructs").exists()


def test_an_import_inside_a_function_is_seen(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def load():\n    import stacks.api_stack\n    from hpc import cli\n")
    assert set(imported(module)) == {"stacks", "hpc"}
