"""What a log line may hold."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from kernel import log


@pytest.fixture(autouse=True)
def _restored() -> object:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def test_fields_off_the_list_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    """A password that somebody passes by mistake is not written."""
    log.configure("test")
    log.logger("x").info("hello", status=200, password="hunter2", body={"email": "a@b.example"})
    line = json.loads(capsys.readouterr().err.strip().splitlines()[-1])

    assert line["event"] == "hello"
    assert line["status"] == 200
    assert "hunter2" not in str(line)
    assert "a@b.example" not in str(line)
