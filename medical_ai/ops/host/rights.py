"""What the database's two users may do, and the statements that give them what they lack.

The application may change every table but the audit log's, so its rights are granted table by
table, and a new table needs a grant of its own. On a server elsewhere that is somebody else's work:
they are told the statements, word for word.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from medical_ai.core.config import Settings
from medical_ai.core.database import Database, create_schema_engine

READS, CHANGES = frozenset({"SELECT", "INSERT"}), frozenset({"UPDATE", "DELETE"})
OWNS = READS | CHANGES | {"CREATE", "ALTER", "DROP", "INDEX", "REFERENCES"}
EVERYTHING = OWNS | {"ALL PRIVILEGES"}
SEALED = frozenset({"audit_events", "audit_blocks", "audit_seals"})
"""Tables that only grow: whoever could change them could change what was sealed."""
GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<database>\S+?)\.(?P<table>\S+) TO ")


def find_missing(settings: Settings, *, scratch: str) -> list[str]:
    """Return the statements that are still to be run; none where all is granted.

    `scratch` is the database of the restore proof, which the owner makes and drops. Raises
    SQLAlchemyError where one of the users does not get in.
    """
    if settings.sqlalchemy_url.startswith("sqlite"):
        return []
    owner = settings.as_owner()
    with connected(owner) as connection:
        names = [str(connection.engine.url.database)]
        if owner.sqlalchemy_url != settings.sqlalchemy_url:
            names.append(scratch)
        missing = _of_owner(connection, names)
    with connected(settings) as connection:
        return missing + _of_service(connection)


def grant_as_owner(settings: Settings, statements: list[str]) -> None:
    """Run what the owner may grant; what it may not is left out."""
    with connected(settings.as_owner()) as connection:
        for statement in statements:
            try:
                connection.exec_driver_sql(statement.replace("%", "%%"))  # the driver's own sign
            except SQLAlchemyError:
                connection.rollback()


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    """Open a connection of its own, with the settings' TLS."""
    database = Database(settings)
    with create_schema_engine(database).connect() as connection:
        yield connection


def needed_for(table: str) -> frozenset[str]:
    """Return what the application must be able to do with a table."""
    return READS if table in SEALED or table == "alembic_version" else READS | CHANGES


def rights_by_table(grants: list[str], database: str | None = None) -> dict[str, set[str]]:
    """Return rights by table; those of a whole database or server are under a star.

    With `database`, of that one alone: grants name it as a pattern, or `*` for all.
    """
    found: dict[str, set[str]] = {}
    for grant in filter(None, map(GRANT.match, grants)):
        if database is not None and not _is_for(grant["database"], database):
            continue
        rights = {one.strip() for one in grant["rights"].split(",")}
        if "ALL PRIVILEGES" in rights:
            rights |= EVERYTHING
        found.setdefault(grant["table"].strip("`"), set()).update(rights)
    return found


def _is_for(pattern: str, database: str) -> bool:
    plain = pattern.strip("`").replace("\\", "")
    return plain in {"*", "%", database}


def _of_owner(connection: Connection, names: list[str]) -> list[str]:
    grants, account = _grants(connection), account_of(connection)
    may = {name: rights_by_table(grants, name).get("*", set()) for name in names}
    return [
        f"GRANT ALL PRIVILEGES ON `{name}`.* TO {account};"
        for name in names
        if not may[name] >= OWNS
    ]


def _of_service(connection: Connection) -> list[str]:
    name, account = str(connection.engine.url.database), account_of(connection)
    rights = rights_by_table(_grants(connection), name)
    wide = rights.get("*", set())
    missing = [] if wide >= READS else [f"GRANT SELECT, INSERT ON `{name}`.* TO {account};"]
    for table in sorted(inspect(connection).get_table_names()):
        if not needed_for(table) - READS <= wide | rights.get(table, set()):
            missing.append(f"GRANT UPDATE, DELETE ON `{name}`.`{table}` TO {account};")
    return missing


def _grants(connection: Connection) -> list[str]:
    return [str(one) for one in connection.execute(text("SHOW GRANTS")).scalars()]


def account_of(connection: Connection) -> str:
    """Return the account a connection has, as statements name it."""
    said = str(connection.execute(text("SELECT CURRENT_USER()")).scalar_one())
    user, _, host = said.rpartition("@")
    return f"'{user}'@'{host}'"
