"""Settings of MariaDB: how files spell them, and how the running server does."""

import pytest

from medical_ai.ops.host.server_settings import compare, read_options

RUNNING = {
    "sql_mode": "ERROR_FOR_DIVISION_BY_ZERO,STRICT_ALL_TABLES",
    "innodb_buffer_pool_size": "268435456",
    "long_query_time": "1.000000",
    "local_infile": "OFF",
    "default_storage_engine": "InnoDB",
    "log_bin": "ON",
    "log_bin_basename": "/var/log/mysql/mariadb-bin",
    "sync_binlog": "1",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sql_mode", "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO"),
        ("innodb_buffer_pool_size", "256M"),
        ("long_query_time", "1"),
        ("local_infile", "0"),
        ("local_infile", "false"),
        ("default_storage_engine", "innodb"),
        ("log_bin", "/var/log/mysql/mariadb-bin"),
        ("sync_binlog", "1"),
        ("an_option_without_a_variable", "1"),
    ],
)
def test_the_same_in_other_words_is_no_difference(name: str, value: str) -> None:
    assert compare({name: value}, RUNNING) == []


@pytest.mark.parametrize(
    ("name", "value", "statement"),
    [
        ("innodb_buffer_pool_size", "1G", "SET GLOBAL innodb_buffer_pool_size = 1073741824;"),
        ("long_query_time", "0.5", "SET GLOBAL long_query_time = 0.5;"),
        ("local_infile", "1", "SET GLOBAL local_infile = 'ON';"),
        ("sql_mode", "STRICT_ALL_TABLES", "SET GLOBAL sql_mode = 'STRICT_ALL_TABLES';"),
        ("sync_binlog", "0", "SET GLOBAL sync_binlog = 0;"),
        ("log_bin", "/elsewhere/bin", "SET GLOBAL log_bin = '/elsewhere/bin';"),
    ],
)
def test_what_a_restart_would_change(name: str, value: str, statement: str) -> None:
    assert [one.statement for one in compare({name: value}, RUNNING)] == [statement]


def test_the_last_of_the_files_counts() -> None:
    said = "--max-connections=500\n--skip-name-resolve\n--other=1\n--max_connections=800\n"
    assert read_options(said, {"max_connections", "skip_name_resolve"}) == {
        "max_connections": "800"
    }
