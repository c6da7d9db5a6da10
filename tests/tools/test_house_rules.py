"""Each house rule goes red on what it forbids and stays green on what it allows."""

from pathlib import Path

import pytest

from tools import house_rules

ROOM = "platform/crm/leads.py"
MONEY = "platform/treasury/fees.py"
TEST = "tests/crm/test_leads.py"
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 70
SELECT = "from sqlalchemy import select\nx = select(1)\n"
DDL = "from sqlalchemy import Index, func, text\n"

FORBIDDEN = [
    ("size", ROOM, "x = 1\n" * 501),
    ("size", ROOM, LONG_FUNCTION),
    ("size", TEST, LONG_FUNCTION.replace("def f", "async def f")),
    ("size", ROOM, "x = '" + "a" * 100 + "'\n"),
    ("query-place", ROOM, SELECT),
    ("query-place", ROOM, "import sqlalchemy as sa\nx = sa.select(1)\n"),
    ("query-place", ROOM, DDL + "x = text('now()')\n"),
    ("query-place", ROOM, "x = 'SELECT id FROM lead'\n"),
    ("query-place", ROOM, "x = f'/*{t}*/ SELECT id FROM lead'\n"),
    ("query-place", ROOM, "x = 'insert into lead values (1)'\n"),
    ("query-place", ROOM, "x = 'UPDATE lead SET score = 1'\n"),
    ("query-place", ROOM, "x = '''\n  DELETE FROM lead'''\n"),
    ("query-place", ROOM, "x = 'WITH a AS (VALUES (1)) TABLE a'\n"),
    ("query-place", ROOM, "x = f'DROP SCHEMA {name}'\n"),
    ("query-place", "platform/crm/queries.py", "x = 'SELECT id FROM lead'\n"),
    ("plain-set", ROOM, "x = 'SET search_path = t_alpha'\n"),
    ("plain-set", "infra/walk/steps.py", "x = f'BEGIN; SET ROLE {role}'\n"),
    ("plain-set", "platform/kernel/database.py", "x = 'SET SESSION ROLE a'\n"),
    ("plain-set", "platform/kernel/database.py", "x = \"select set_config('role', 'a', false)\"\n"),
    ("raw-key", ROOM, "await services.redis.get(f'lead:{id}')\n"),
    ("raw-key", ROOM, "self._redis.set('lead', 1)\n"),
    ("raw-key", ROOM, "pipe.incr('lead:' + id)\n"),
    ("raw-key", ROOM, "redis.expire('lead:{}'.format(id), 5)\n"),
    ("raw-key", ROOM, "client.put_object(Bucket=b, Key=k)\n"),
    ("naive-time", TEST, "x = datetime.now()\n"),
    ("naive-time", ROOM, "x = datetime.datetime.utcnow()\n"),
    ("naive-time", ROOM, "x = datetime.fromtimestamp(1)\n"),
    ("naive-time", ROOM, "x = datetime.utcfromtimestamp(1)\n"),
    ("float-money", MONEY, "x = float(amount)\n"),
    ("float-money", MONEY, "from sqlalchemy import Float\n"),
    ("name", "platform/crm/service.py", ""),
    ("name", "connectors/utils.py", ""),
    ("name", "platform/__init__.py", ""),
    ("name", ROOM, "import platform.crm\n"),
    ("name", ROOM, "from platform.crm import leads\n"),
    ("silent-except", ROOM, "try:\n    f()\nexcept:\n    pass\n"),
    ("silent-except", ROOM, "try:\n    f()\nexcept Exception:\n    ...\n"),
    ("silent-except", ROOM, "with contextlib.suppress(Exception):\n    f()\n"),
    ("idle-test", TEST, "def test_a_lead_is_kept():\n    keep()\n"),
    ("idle-test", TEST, "from unittest.mock import patch\n"),
    ("foreign", "docs/x.md", "fetched from registry.npmjs" + ".org\n"),
    ("foreign", "x.lock", "https://pypi" + ".org/simple\n"),
    ("foreign", ROOM, "x = '" + "/root" + "/data'\n"),
    ("foreign", "docs/x.md", "see " + "/home" + "/me/marque\n"),
    ("foreign", "docs/x.md", "see " + "/usr/local" + "\n"),
    ("foreign", "docs/x.md", "start " + "/usr/lib" + "/postgresql/bin/postgres\n"),
    ("foreign", "docs/x.md", "Permission is hereby" + " granted, free of charge\n"),
    ("foreign", "themes/default/static/vendor/tabler.css", ""),
    ("foreign", "themes/default/static/htmx.min.js", ""),
    ("foreign", "docs/LICENSE-MIT.txt", ""),
    ("sql-set", "tenants/schemas/x.sql", "SELECT 1;\nSET search_path = a;\n"),
    ("syntax", ROOM, "def f(:\n"),
]
ALLOWED = [
    (ROOM, "def f():\n" + "    x = 1\n" * 69),
    (ROOM, "x = 'a'  # noqa: E501 - " + "a" * 100 + "\n"),
    ("platform/crm/queries.py", SELECT),
    (TEST, SELECT + "y = 'SELECT id FROM lead'\n"),
    ("platform/kernel/database.py", "x = 'SELECT 1'\n"),
    ("tenants/schemas/tenant/versions/0009_crm.py", "x = 'CREATE TABLE lead ()'\n"),
    (ROOM, '"""Hot path: leads in bulk."""\n\nx = "INSERT INTO lead VALUES (1)"\n'),
    (ROOM, '"""Leads."""\n\nx = "Select a country from the list"\ny = "Update the profile"\n'),
    (ROOM, '"""SELECT in a docstring says how it works."""\n'),
    (ROOM, DDL + "x = Index('a', func.lower(text('email')))\n"),
    (ROOM, DDL + "x = column(server_default=text('now()'))\n"),
    ("connectors/mail/catcher/inbox.py", "x = 'SELECT id FROM mail'\n"),
    ("platform/kernel/database.py", "x = 'SET LOCAL ROLE a; SET CONSTRAINTS ALL IMMEDIATE'\n"),
    (ROOM, "x = 'set a new password'\n"),
    ("platform/kernel/database.py", "x = 'UPDATE lead\\nSET score = 1'\n"),
    (ROOM, "await services.redis.get(redis_key(tenant, 'lead'))\nheaders.get('x')\n"),
    ("platform/kernel/keys.py", "redis.get('a')\n"),
    ("connectors/storage/s3.py", "client.put_object(Bucket=b, Key=k)\n"),
    (ROOM, "x = datetime.now(UTC)\ny = datetime.fromtimestamp(1, UTC)\n"),
    (ROOM, "x = float(width)\n"),
    ("platform/kernel/services.py", ""),
    (ROOM, "import platform\nx = platform.system()\n"),
    (ROOM, "try:\n    f()\nexcept ConnectionError:\n    pass\n"),
    (ROOM, "with suppress(Exception):  # allow silent-except: it is closed either way\n    f()\n"),
    (TEST, "def test_a():\n    with pytest.raises(KeyError):\n        f()\n"),
    (TEST, "def is_kept():\n    assert x\n\ndef test_a():\n    is_kept()\n"),
    (TEST, "async def test_a(page):\n    await expect(page).to_have_title('x')\n"),
    (
        "docs/x.md",
        "`/usr/bin/chromium`, `/usr/bin/env`, /tmp, /home and https://example.com/home/x\n",
    ),
    ("themes/default/templates/vendor/home.html", "<p>"),
    ("tenants/schemas/x.sql", "-- SET x\nCREATE FUNCTION f() SET search_path = pg_catalog;"),
]


def broken_rules(path: str, text: str) -> set[str]:
    """The names of the rules that the file breaks."""
    return {line.split(": ")[1] for line in house_rules.check(path, text)}


@pytest.mark.parametrize(("rule", "path", "text"), FORBIDDEN)
def test_what_a_rule_forbids_is_found(rule: str, path: str, text: str) -> None:
    """The rule, and only this rule, speaks."""
    assert broken_rules(path, text) == {rule}


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_what_no_rule_forbids_passes(path: str, text: str) -> None:
    """No rule speaks, so nobody has to bend good code."""
    assert broken_rules(path, text) == set()


def test_an_excuse_needs_a_reason() -> None:
    """A bare `allow` excuses nothing."""
    assert broken_rules(ROOM, "x = 'SET ROLE a'  # allow plain-set:\n") == {"plain-set"}
    assert broken_rules(ROOM, "x = 'SET ROLE a'  # allow plain-set: a login's own\n") == set()


def test_a_finding_tells_file_line_and_advice() -> None:
    """Editors and people find the place."""
    found = list(house_rules.check(ROOM, "\nx = datetime.utcnow()\n"))

    assert found == [f"{ROOM}:2: naive-time: times are aware and UTC: kernel.clock.now()"]


def test_a_room_or_an_adapter_without_import_rules_is_found(tmp_path: Path) -> None:
    """The lists in pyproject.toml and the folders must agree, both ways."""
    for name in ("platform/crm/__init__.py", "connectors/__init__.py", "connectors/mail/smtp.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_packages = ["connectors", "ledger"]\n'
        '[[tool.importlinter.contracts]]\nid = "adapters"\nforbidden_modules = []\n'
    )

    found = [line.partition(" rooms: ")[2] for line in house_rules.import_rules(tmp_path)]

    assert found == [
        "crm is not listed in importlinter.root_packages",
        "ledger has no folder in importlinter.root_packages",
        "adapter connectors.mail.smtp is not listed in its contract",
    ]
