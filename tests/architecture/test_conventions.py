"""Conventions of the code base that no linter knows."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Environment
from jinja2.nodes import Extends

from medical_ai.bootstrap import create_app
from medical_ai.core.config import Settings
from medical_ai.core.database import Base
from medical_ai.migrations import import_models
from medical_ai.ops.worker import HANDLERS
from medical_ai.tenancy.models import TenantOwned
from tests.support.settings import make_settings

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "medical_ai"
TEMPLATES = CODE / "templates"
SOURCES = sorted(CODE.rglob("*.py"))
LONGEST_FILE = 420
LONGEST_FUNCTION = 45
WITHOUT_TENANT = {
    "hospitals": "is the tenant",
    "users": "one person may be something in several hospitals",
    "permissions": "is the same catalogue for every hospital",
    "refresh_tokens": "belongs to a token family, which has one",
    "one_time_tokens": "belongs to an account, or to somebody who has none yet",
    "known_clients": "belongs to an account",
    "totp_factors": "belongs to an account",
    "recovery_codes": "belong to an account",
    "passkeys": "belong to an account, whichever hospital it is in",
    "auth_challenges": "belong to an account, or to a browser that is not signed in yet",
    "deletion_receipts": "is about nobody any more",
    "provider_sign_ins": "belongs to an account, and to a token family once there is one",
    "throttle_windows": "counts addresses before anybody is known",
    "jobs": "holds ids only; its handler finds the tenant",
    "worker_heartbeats": "is about a process",
    "backup_runs": "is about the whole installation",
    "audit_blocks": "is the chain, over all hospitals",
    "audit_seals": "belongs to an event, which keeps the id",
    "audit_events": "keeps the id without a foreign key, so that it outlives the hospital",
}
"""Tables that no hospital owns, each with its reason."""


TRUSTING = {"shared/icons.html": "draws shapes that stand in the same file"}
"""Templates that use `|safe`, each with its reason."""


MIGRATIONS_MAY_IMPORT = {"typing", "sqlalchemy", "alembic", "sqlalchemy.dialects"}
AROUND = {"connection", "driver_connection", "engine", "create_engine", "autocommit_block"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment of the application, with its filters."""
    app = create_app(make_settings(data_dir=tmp_path_factory.mktemp("data")))
    return app.jinja_env


def tree_of(path: Path) -> ast.Module:
    """Parse a source file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def templates() -> list[str]:
    """Return every template's name."""
    return sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


def test_every_models_file_is_seen_by_the_migrations() -> None:
    import_models()
    for path in CODE.glob("*/models.py"):
        assert f"medical_ai.{path.parent.name}.models" in sys.modules
    tables = {mapper.local_table.name for mapper in Base.registry.mappers}
    assert tables == set(Base.metadata.tables)


def test_migrations_change_tables_by_the_one_connection_that_makes_them_rerunnable() -> None:
    # What reached the driver, or another connection, would not pass `make_rerunnable`.
    for path in (CODE / "migrations/versions").glob("[0-9]*.py"):
        nodes = list(ast.walk(tree_of(path)))
        modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        plain = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
        assert modules | plain <= MIGRATIONS_MAY_IMPORT, path.name
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        assert not attributes & AROUND, path.name


def test_every_table_belongs_to_a_hospital_or_says_why_not() -> None:
    import_models()
    owned = {
        mapper.local_table.name
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, TenantOwned)
    }
    assert set(Base.metadata.tables) - owned == set(WITHOUT_TENANT)
    for name in owned:
        column = Base.metadata.tables[name].c.hospital_id
        assert not column.nullable, name
        assert column.index, name


def test_moments_are_in_utc_and_their_names_say_so() -> None:
    import_models()
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if type(column.type).__name__ == "UTCDateTime":
                assert re.search(r"(^|_)(at|until)$", column.name), f"{table.name}.{column.name}"
            assert type(column.type).__name__ != "DateTime", f"{table.name}.{column.name}"


def test_every_kind_of_job_that_is_enqueued_has_its_handler() -> None:
    constants: dict[str, str] = {}
    enqueued: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names = [one.id for one in node.targets if isinstance(one, ast.Name)]
                constants |= {name: str(node.value.value) for name in names}
            if isinstance(node, ast.Call) and re.search(
                r"\benqueue(_once)?$", ast.unparse(node.func)
            ):
                kind = next(one.value for one in node.keywords if one.arg == "kind")
                enqueued.add(ast.unparse(kind).rpartition(".")[2])
    assert {constants[name] for name in enqueued} == set(HANDLERS)


def test_the_template_of_the_environment_names_every_setting() -> None:
    text = (ROOT / ".env.template").read_text(encoding="utf-8")
    names = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", text, flags=re.MULTILINE)
    assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("name", templates())
def test_every_template_compiles_and_every_page_has_a_title(
    environment: Environment, name: str
) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    parsed = environment.parse(source)
    environment.compile(parsed, name)
    if any(True for _ in parsed.find_all(Extends)):
        assert "{% block title %}" in source


@pytest.mark.parametrize("name", templates())
def test_no_template_has_inline_style_or_script(name: str) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    assert not re.search(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:", source)
    for tag in re.findall(r"<script\b[^>]*>", source):
        assert " src=" in tag, tag
    assert name in TRUSTING or "|safe" not in source.replace(" ", "")


def test_the_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_only_the_clock_asks_what_time_it_is() -> None:
    asking = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(")
    found = [path.relative_to(ROOT) for path in SOURCES if asking.search(path.read_text())]
    assert found == [Path("medical_ai/core/clock.py")]


def test_every_suppression_gives_its_reason() -> None:
    bare = re.compile(r"# (noqa|nosec)(:? ?[A-Z]+[0-9]+,?)*$|# type: ignore$")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if bare.search(line) and line.count("#") == 1
    ]
    assert found == []


def test_files_and_functions_stay_small() -> None:
    long_files, long_functions = [], []
    for path in SOURCES:
        if "versions" in path.parts:
            continue
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > LONGEST_FILE:
            long_files.append(f"{path.relative_to(ROOT)}: {lines}")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    long_functions.append(f"{path.relative_to(ROOT)}:{node.lineno}: {length}")
    assert (long_files, long_functions) == ([], [])
