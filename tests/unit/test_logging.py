"""Logs cannot carry a record's content, whichever way it is handed to them."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from medical_ai.core.logging import MAX_VALUE_CHARACTERS, configure_logging, get_logger
from tests.support.settings import make_settings

CANARY = "Canarymycin"


LogsOf = Callable[[Callable[[], object]], str]


@pytest.fixture
def logs_of(capsys: pytest.CaptureFixture[str]) -> LogsOf:
    """Do something and return what was written to the log meanwhile."""

    def do(act: Callable[[], object]) -> str:
        configure_logging(make_settings(log_level="DEBUG"), process="tests")
        act()
        captured = capsys.readouterr()
        return captured.out + captured.err

    return do


def fail() -> None:
    """Raise an error that quotes what a patient wrote."""
    raise ValueError(f"cannot read {CANARY}")


def test_fields_that_are_not_on_the_list_are_dropped(logs_of: LogsOf) -> None:
    said = {"medication": CANARY, "text": CANARY, "name": CANARY}
    line = json.loads(logs_of(lambda: get_logger().info("dose.sent", dose_id="x", **said)))
    assert (line["event"], line["dose_id"], line["process"]) == ("dose.sent", "x", "tests")
    assert CANARY not in str(line)


@pytest.mark.parametrize("given", ["object", "true", "tuple"])
def test_an_exception_is_its_type_and_place(logs_of: LogsOf, given: str) -> None:
    def act() -> None:
        try:
            fail()
        except ValueError as error:
            whole = (type(error), error, error.__traceback__)
            info: Any = {"object": error, "true": True, "tuple": whole}[given]
            get_logger().error("job.failed", exc_info=info)

    line = json.loads(logs_of(act))
    assert line["error_type"] == "ValueError"
    assert "test_logging.py:" in line["error_place"]
    assert CANARY not in str(line)
    assert "Traceback" not in str(line)


def test_a_chain_of_exceptions_shows_none_of_their_messages(logs_of: LogsOf) -> None:
    def act() -> None:
        try:
            try:
                fail()
            except ValueError as error:
                raise RuntimeError(CANARY) from error
        except RuntimeError as error:
            get_logger().error("job.failed", exc_info=error)

    text = logs_of(act)
    assert "RuntimeError" in text
    assert CANARY not in text


@pytest.mark.parametrize("name", ["sqlalchemy.engine", "pymysql", "smtplib", "apscheduler", ""])
def test_other_libraries_cannot_say_it_either(logs_of: LogsOf, name: str) -> None:
    def act() -> None:
        logger = logging.getLogger(name)
        logger.error("rows: %s", CANARY)
        logger.error(f"rows: {CANARY}")
        logger.error("rows: %(row)s", {"row": CANARY})
        try:
            fail()
        except ValueError:
            logger.exception("failed for %s", CANARY)
        logger.error("with extra", extra={"medication": CANARY}, stack_info=True)

    text = logs_of(act)
    assert text.count("\n") == 5
    for secret in (CANARY, "Traceback", "Stack (most recent call last)"):
        assert secret not in text


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_one_event_is_one_line(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure_logging(make_settings(log_level="DEBUG", log_format=log_format), process="tests")
    get_logger().info("dose.sent", path="a\nb\r\nevil: 1", worker="two\nlines")
    assert capsys.readouterr().err.count("\n") == 1


def test_long_values_are_cut(logs_of: LogsOf) -> None:
    line = json.loads(logs_of(lambda: get_logger().info("dose.sent", worker="x" * 10_000)))
    assert len(line["worker"]) == MAX_VALUE_CHARACTERS
