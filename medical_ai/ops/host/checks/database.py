"""The database: it answers, with the rights and the tables it should have, and keeps our time."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from medical_ai.core import clock
from medical_ai.core.database import Database, mariadb_connect_args
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.env_file import parse_as_systemd
from medical_ai.ops.host.findings import Finding, fail, ok, warn
from medical_ai.ops.host.rights import CHANGES, READS, SEALED, needed_for, rights_by_table
from medical_ai.ops.host.server_settings import find_differences
from medical_ai.ops.schema import current_revision, head_revision, is_newer

ACCESS_DENIED, UNKNOWN_DATABASE, NO_ACCESS_TO_DATABASE = 1045, 1049, 1044
ENOUGH = READS | CHANGES | {"USAGE"}
GRANT_AGAIN = (
    "sudo /opt/medical-ai/current/deploy/install.sh; a database elsewhere:"
    " sudo medical-ai rights, and docs/deployment.md"
)
BESIDE_WEB = 40
"""Connections for the worker, for commands and backups, and for whoever looks after the server."""
MORE_CONNECTIONS = "Raise max_connections in 90-local.cnf: see docs/runbooks/database-down.md."
RESTART = "When a few seconds without it do no harm: systemctl restart mariadb.service"
MOST_SKEW_SECONDS = 2.0
MIGRATE = "sudo medical-ai config check; then deploy/upgrade.sh, which brings the tables along"


def check_reachable(host: Host) -> Finding:
    """Tell whether the database answers, takes our credentials, and as many of us as there are."""
    try:
        with _connected(host) as connection:
            connection.execute(text("SELECT 1"))
            most = _most_connections(host, connection)
    except OperationalError as error:
        return _explain(host, error)
    if most is not None and (wanted := count_connections(host)) > most:
        found = f"it takes {most} connections, and up to {wanted} may be wanted"
        return warn(found, MORE_CONNECTIONS)
    return ok("it answers" if host.settings.database_url else "the embedded one answers")


def _most_connections(host: Host, connection: Connection) -> int | None:
    if Database(host.settings).is_sqlite:
        return None
    return int(connection.execute(text("SELECT @@max_connections")).scalar_one())


def count_connections(host: Host) -> int:
    """Return how many connections are opened at most: by web, and by everything beside it."""
    web = multiprocessing.cpu_count() * 2 + 1  # as gunicorn_config.py has it
    with suppress(OSError, ValueError):
        given = {one.name: one.value for one in parse_as_systemd(host.layout.env_file.read_text())}
        web = int(given.get("WEB_CONCURRENCY", web))
    each = host.settings.database_pool_size + host.settings.database_pool_overflow
    return web * each + BESIDE_WEB


def check_rights(host: Host) -> Finding:
    """Tell whether the service may do what it needs in the database and nothing more."""
    if Database(host.settings).is_sqlite:
        return ok("the embedded database has no users")
    with _connected(host) as connection:
        grants = [str(one) for one in connection.execute(text("SHOW GRANTS")).scalars()]
        tables = inspect(connection).get_table_names()
    return judge_rights(grants, tables)


def judge_rights(grants: list[str], tables: list[str]) -> Finding:
    """Return what there is to say of the rights that are granted, with these tables there."""
    rights = rights_by_table(grants)
    wide = rights.pop("*", set())
    allowed = {table: wide | rights.get(table, set()) for table in tables}
    short = [table for table, may in allowed.items() if not needed_for(table) <= may]
    if short:
        return fail(f"it may not do all it needs with {', '.join(sorted(short)[:5])}", GRANT_AGAIN)
    if more := set().union(wide, *rights.values()) - ENOUGH:
        return warn(f"it may do more than it needs: {', '.join(sorted(more))}", GRANT_AGAIN)
    if any(allowed[table] & CHANGES for table in SEALED & set(tables)):
        return warn("it may change the audit log", GRANT_AGAIN)
    return ok("it may read and write rows, and not change the audit log")


def check_server_settings(host: Host) -> Finding:
    """Tell whether MariaDB runs with what its files say, as far as it is on this host."""
    if Database(host.settings).is_sqlite:
        return ok("the embedded database has none")
    with _connected(host) as connection:
        waiting = find_differences(connection, host.layout.root)
    if not waiting:
        return ok("it runs with what its files say")
    names = ", ".join(one.name for one in waiting)
    return warn(f"it runs with other values than its files say: {names}", RESTART)


def check_schema(host: Host) -> Finding:
    """Tell whether the tables have all that this release needs."""
    with _connected(host) as connection:
        found, wanted = current_revision(connection), head_revision()
    if found is None:
        return fail("there are no tables", MIGRATE)
    if is_newer(found):
        return ok(f"version {found}, newer than the release, which only adds")
    if found != wanted:
        return fail(f"the tables are at version {found}, this release needs {wanted}", MIGRATE)
    return ok(f"version {found}")


def check_skew(host: Host) -> Finding:
    """Tell whether this host and the database agree on the time."""
    if Database(host.settings).is_sqlite:
        return ok("the embedded database has no clock of its own")
    with _connected(host) as connection:
        before = clock.now()
        theirs = connection.execute(text("SELECT UTC_TIMESTAMP(6)")).scalar_one()
        middle = before + (clock.now() - before) / 2
    skew = abs((theirs.replace(tzinfo=UTC) - middle).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        return fail(
            f"the database's clock is {skew:.1f} seconds off",
            "timedatectl set-ntp true, here and on the database's host",
        )
    return ok(f"{skew:.2f} seconds between here and the database")


@contextmanager
def _connected(host: Host) -> Iterator[Connection]:
    database = Database(host.settings)
    if database.is_sqlite:
        with database.engine.connect() as connection:
            yield connection
        return
    arguments = mariadb_connect_args(host.settings) | {"connect_timeout": 3, "read_timeout": 3}
    engine = create_engine(database.engine.url, poolclass=NullPool, connect_args=arguments)
    with engine.connect() as connection:
        yield connection


def _explain(host: Host, error: OperationalError) -> Finding:
    code = error.orig.args[0] if error.orig and error.orig.args else 0
    secret = host.layout.secrets / "database_url"
    if code == ACCESS_DENIED:
        return fail(
            "it refuses our name or password",
            f"sudo medical-ai rotate-secrets database, or mend {secret}",
        )
    if code in {UNKNOWN_DATABASE, NO_ACCESS_TO_DATABASE}:
        return fail(
            "there is no such database for us", f"Mend its name in {secret}, or see deploy/mariadb."
        )
    if not host.settings.database_url:
        return fail("its file cannot be opened", f"ls -l {host.data}; then: deploy/upgrade.sh")
    return fail(
        f"it cannot be reached (error {code})",
        "systemctl restart mariadb; journalctl -u mariadb -n 50",
    )
