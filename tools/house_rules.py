"""Checks the rules of this house that no ready-made linter knows.

Usage: .venv/bin/python tools/house_rules.py

Reads every file that git tracks or would track. A line may be excused by a comment
`# allow RULE: reason`. Prints `path:line: RULE: what to do`; the exit code is 1 when there is
anything to print.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
LINE_LENGTH_MAX = 100
ROOT_ROOMS = ("tenants", "connectors", "billing", "themes", "infra")
MONEY_ROOMS = ("ledger", "treasury", "revenue", "introducers")
EMPTY_NAMES = {"service", "util", "utils", "helper", "helpers", "manager", "managers"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Finding = tuple[int, str]


@dataclass(frozen=True)
class Source:
    """A text file of the checkout; `path` is relative to its root."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return self.text.splitlines()

    def within(self, *folders: str) -> bool:
        """Whether the file lies in one of the folders."""
        return self.path.startswith(tuple(f"{folder}/" for folder in folders))

    @property
    def is_product(self) -> bool:
        """Whether it is code that runs for brokerages, as against tests and how it runs."""
        return self.within("platform", "tenants", "connectors", "billing", "themes")


@dataclass(frozen=True)
class Module(Source):
    """A Python file with its syntax tree, walked once for all rules."""

    tree: ast.Module = field(default_factory=lambda: ast.Module(body=[], type_ignores=[]))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call."""
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def functions(self) -> list[Function]:
        """Every function and method."""
        return [n for n in self.nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]

    @cached_property
    def strings(self) -> list[tuple[int, str]]:
        """Every string literal that is no docstring and no lone string: line and text.

        An f-string counts once, with `{}` for its values.
        """
        inner: set[int] = set()  # by id: the tree holds the nodes
        found: list[tuple[int, str]] = []
        for node in self.nodes:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                inner.add(id(node.value))
            elif isinstance(node, ast.JoinedStr):
                inner.update(id(part) for part in node.values)
                parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
                found.append((node.lineno, "".join(map(str, parts))))
        for node in self.nodes:
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and isinstance(node, ast.Constant) and id(node) not in inner:
                found.append((node.lineno, text))
        return found

    @cached_property
    def may_hold_sql(self) -> bool:
        """Whether SQL text belongs here: the session module, migrations, declared hot paths."""
        paragraph = (ast.get_docstring(self.tree) or "").split("\n\n")[0]
        return (
            self.path == "platform/kernel/database.py"
            or self.within("tenants/schemas")
            or "hot path" in paragraph.lower()
        )


def called_name(call: ast.Call) -> str:
    """The last part of what is called: `put_object` of `client.put_object(...)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def receiver_name(call: ast.Call) -> str:
    """The last part of what a method is called on: `redis` of `services.redis.get(...)`."""
    value = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(value, ast.Call):
        return called_name(value)
    if isinstance(value, ast.Attribute):
        return value.attr
    return value.id if isinstance(value, ast.Name) else ""


PRAGMA = re.compile(r"\s*# (?:noqa|type|allow|fmt)\b.*")


def sizes(module: Module) -> Iterator[Finding]:
    """A module, a function or a line that is too long to be read."""
    if len(module.lines) > MODULE_LINES_MAX:
        yield 1, f"{len(module.lines)} lines; split the module, {MODULE_LINES_MAX} is the limit"
    for function in module.functions:
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield function.lineno, f"{function.name} has {lines} lines; {FUNCTION_LINES_MAX} may be"
    for number, line in enumerate(module.lines, 1):
        columns = len(PRAGMA.sub("", line))
        if columns > LINE_LENGTH_MAX:
            yield number, f"{columns} columns; {LINE_LENGTH_MAX} is the limit"


SQL_START = re.compile(
    r"\s*(?:/\*.*?\*/|\{\})?\s*(?:"
    r"SELECT\s|select\s+(?:.*\sfrom\s|\w+\s*\()|(?:WITH|with)\s+(?:RECURSIVE\s+)?\w+\s+(?:AS|as)\s|"
    r"(?i:insert\s+into\s|delete\s+from\s|update\s+\S+\s+(?:as\s+\w+\s+)?set\s|truncate\s+table\s|"
    r"lock\s+table\s|copy\s+\S+\s*(?:\([^)]*\))?\s+(?:from|to)\s|merge\s+into\s|"
    r"(?:create|alter|drop)\s+(?:or\s+replace\s+|unique\s+)?"
    r"(?:table|index|schema|role|trigger|function|extension|database|sequence|type|view)\s|"
    r"(?:grant|revoke)\s+[\w, ]+\s+on\s))",
    re.DOTALL,
)
DDL_KEYWORDS = {"server_default", "server_onupdate", "postgresql_where", "sqltext"}
DDL_CALLS = {"Index", "CheckConstraint", "ExcludeConstraint", "Computed"}


def queries_in_their_module(module: Module) -> Iterator[Finding]:
    """A select, or SQL as text, outside the module where it is looked for."""
    if not module.is_product or module.may_hold_sql:
        return
    if "/simulator/" in module.path or "/catcher/" in module.path:
        return  # they stand for outside servers, each with a store of its own
    for line, text in module.strings:
        if SQL_START.match(text):
            yield line, "SQL text belongs to kernel/database.py, migrations and hot-path modules"
    if module.path.endswith("/queries.py") or module.path == "platform/kernel/columns.py":
        return
    direct, packages = sqlalchemy_names(module)
    ddl: set[int] = set()
    for call in module.calls:
        ddl.update(id(word.value) for word in call.keywords if word.arg in DDL_KEYWORDS)
        if called_name(call) in DDL_CALLS:
            ddl.update(map(id, ast.walk(call)))
    for call in module.calls:
        name = called_name(call)
        own = direct.get(name) if isinstance(call.func, ast.Name) else None
        if receiver_name(call) in packages and name in {"select", "text"}:
            own = name
        if own and not (own == "text" and id(call) in ddl):
            yield call.lineno, f"{own}() belongs to queries.py of its package"


def sqlalchemy_names(module: Module) -> tuple[dict[str, str], set[str]]:
    """The names under which select and text are imported, and those of sqlalchemy itself."""
    direct: dict[str, str] = {}
    packages: set[str] = set()
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            for alias in node.names:
                if alias.name in {"select", "text"}:
                    direct[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.Import):
            packages |= {a.asname or a.name for a in node.names if a.name == "sqlalchemy"}
    return direct, packages


PLAIN_SET = re.compile(
    r"(?:\A|;)\s*(?:SET\s+(?!LOCAL\b|CONSTRAINTS\b)\w"
    r"|set\s+(?:\w+\s*=|(?:role|search_path|session)\s))"
)
LASTING_CONFIG = re.compile(r"set_config\s*\([^()]*,\s*false\s*\)", re.IGNORECASE)


def only_local_settings(module: Module) -> Iterator[Finding]:
    """A setting that outlives its transaction and so leaks to the pool's next tenant."""
    if module.within("tests"):
        return  # fixtures prepare databases on connections of their own
    for line, text in module.strings:
        if PLAIN_SET.search(text) or LASTING_CONFIG.search(text):
            yield line, "settings are SET LOCAL, else they leak through the connection pool"


REDIS_METHODS = {
    "get", "set", "setex", "setnx", "getdel", "getex", "mget", "mset", "delete", "unlink",
    "exists", "expire", "pexpire", "ttl", "incr", "incrby", "decr", "hget", "hset", "hgetall",
    "hdel", "hincrby", "hmget", "sadd", "srem", "smembers", "sismember", "spop", "scard", "lpush",
    "rpush", "lpop", "rpop", "lrange", "llen", "zadd", "zrem", "zrange", "zrangebyscore",
    "zpopmin", "zcard", "xadd", "xread", "xack", "publish", "subscribe", "append", "rename",
    "persist",
}  # fmt: skip
OBJECT_METHODS = {
    "put_object", "get_object", "head_object", "delete_object", "copy_object", "upload_file",
    "upload_fileobj", "download_file", "download_fileobj", "generate_presigned_url",
    "generate_presigned_post",
}  # fmt: skip


def keys_from_one_place(module: Module) -> Iterator[Finding]:
    """A Redis key or an object's key that was put together by hand, maybe without its tenant."""
    if not module.is_product or module.path == "platform/kernel/keys.py":
        return
    for call in module.calls:
        name, receiver = called_name(call), receiver_name(call).lower()
        client = "redis" in receiver or receiver.strip("_") in {"pipe", "pipeline"}
        if client and name in REDIS_METHODS and call.args and is_text(call.args[0]):
            yield call.lineno, "Redis keys come from kernel.keys.redis_key"
        if name in OBJECT_METHODS and not module.within("connectors/storage"):
            yield call.lineno, "objects are stored through kernel.storage.ObjectStore"


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a literal or is put together from literals."""
    if isinstance(node, ast.BinOp):
        return is_text(node.left) or is_text(node.right)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and is_text(node.func.value)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def times_know_their_zone(module: Module) -> Iterator[Finding]:
    """A time without a zone."""
    for call in module.calls:
        name, given = called_name(call), len(call.args) + len(call.keywords)
        naive = name in {"utcnow", "utcfromtimestamp"}
        if receiver_name(call) == "datetime":
            naive |= (name in {"now", "today"} and not given) or (
                name == "fromtimestamp" and given == 1
            )
        if naive:
            yield call.lineno, "times are aware and UTC: kernel.clock.now()"


def money_is_decimal(module: Module) -> Iterator[Finding]:
    """A float where money is counted."""
    if not module.within(*(f"platform/{room}" for room in MONEY_ROOMS)):
        return
    for node in module.nodes:
        if isinstance(node, ast.Call) and called_name(node) == "float":
            yield node.lineno, "money is Decimal, never float"
        elif isinstance(node, ast.alias) and node.name in {"Float", "Double", "REAL"}:
            yield node.lineno, "money is NUMERIC(28,8), never a float column"


def names_say_something(module: Module) -> Iterator[Finding]:
    """A module whose name would fit any content, or that stands on the standard library."""
    if Path(module.path).stem in EMPTY_NAMES:
        yield 1, "name the module for the noun whose verbs it holds"
    if module.path in {"platform/__init__.py", "tests/platform/__init__.py"}:
        yield 1, "it would shadow the standard library's platform module; remove it"
    for node in module.nodes:
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.Import | ast.ImportFrom) and any(
            name.startswith("platform.") for name in names
        ):
            yield node.lineno, "rooms are imported by their own names, without platform"


BROAD = {"Exception", "BaseException"}


def errors_are_answered(module: Module) -> Iterator[Finding]:
    """Any error at all, caught and forgotten."""
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or getattr(node.type, "id", "") in BROAD
            if broad and all(map(says_nothing, node.body)):
                yield node.lineno, "answer the error, or name the one that you expect"
        elif isinstance(node, ast.Call) and called_name(node) == "suppress":
            names = {getattr(argument, "id", "") for argument in node.args}
            if names & BROAD:
                yield node.lineno, "suppress names the errors that it expects"


def says_nothing(statement: ast.stmt) -> bool:
    """Whether a statement is `pass` or a lone constant."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def tests_can_fail(module: Module) -> Iterator[Finding]:
    """A test without an assertion, or with a mock in place of what it tests."""
    if not module.within("tests"):
        return
    for node in module.nodes:
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.Import | ast.ImportFrom) and "unittest.mock" in names:
            yield node.lineno, "no mocks: use the real part, or a fake server over a socket"
    asserting = {function.name for function in module.functions if asserts(function, set())}
    for function in module.functions:
        if function.name.startswith("test_") and not asserts(function, asserting):
            yield function.lineno, f"{function.name} asserts nothing, so it cannot go red"


# `check` is a promise of connectors.contract; a state machine asserts in its invariants.
ASSERTING = {"raises", "warns", "fail", "check", "run_state_machine_as_test"}


def asserts(function: Function, asserting: set[str]) -> bool:
    """Whether a function asserts, raises, or calls one of the asserting functions."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert | ast.Raise):
            return True
        if isinstance(node, ast.Call):
            name = called_name(node)
            if name in asserting | ASSERTING or re.match("assert|expect", name):
                return True
    return False


# Split, so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    "|".join(
        re.escape(f"{host}.{top}")
        for host, top in (
            ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"),
            ("deb.debian", "org"), ("crates", "io"), ("yarnpkg", "com"), ("golang", "org"),
        )
    )
)  # fmt: skip
MACHINE_PATH = re.compile(
    r"(?<![\w./*}~-])/(?:(?:root|home|work)/[\w.-]|(?:opt|usr/local)\b"
    r"|usr/(?!bin/(?:env|chromium)\b)[a-z]+/\w)"
)
LICENCE_TEXT = re.compile(
    r"Permission is hereby\s+granted|Redistribution and use in\s+source"
    r"|Apache License\s+Version 2|GNU (?:LESSER |AFFERO )?GENERAL PUBLIC\s+LICENSE"
    r"|SIL OPEN FONT\s+LICENSE"
)
THIRD_PARTY_FILE = re.compile(
    r"(?:^|/)(?:static/vendor|node_modules|third_party)/|\.min\.(?:js|css)$"
    r"|\.(?:woff2?|ttf|otf|whl)$"
    r"|(?:^|/)(?:LICEN[CS]E|COPYING|NOTICE)[^/]*$|(?:^|/)uv\.lock$"
)


def files_are_ours(source: Source) -> Iterator[Finding]:
    """A file that names this machine or a package registry, or that others wrote."""
    if THIRD_PARTY_FILE.search(source.path):
        yield 1, "what others made is fetched at set-up, not committed"
    for pattern, advice in (
        (REGISTRIES, "name no package registry: the machine's configuration knows it"),
        (MACHINE_PATH, "no path of one machine: work it out, or look on PATH"),
        (LICENCE_TEXT, "no licence texts of others"),
    ):
        # The patterns in this module and the cases in its tests are not uses of them.
        if source.path not in {"tools/house_rules.py", "tests/tools/test_house_rules.py"}:
            for match in pattern.finditer(source.text):
                yield source.text.count("\n", 0, match.start()) + 1, advice


def sql_files_set_locally(source: Source) -> Iterator[Finding]:
    """A lasting setting in a file of SQL; settings of a function are part of it and end with it."""
    if source.path.endswith(".sql"):
        bare = re.sub(r"--[^\n]*", "", source.text)
        for match in re.finditer(r"(?:\A|;)\s*SET\s+(?!LOCAL\b|CONSTRAINTS\b)", bare):
            yield bare.count("\n", 0, match.end()) + 1, "settings are SET LOCAL"


MODULE_RULES: dict[str, Callable[[Module], Iterator[Finding]]] = {
    "size": sizes,
    "query-place": queries_in_their_module,
    "plain-set": only_local_settings,
    "raw-key": keys_from_one_place,
    "naive-time": times_know_their_zone,
    "float-money": money_is_decimal,
    "name": names_say_something,
    "silent-except": errors_are_answered,
    "idle-test": tests_can_fail,
}
FILE_RULES: dict[str, Callable[[Source], Iterator[Finding]]] = {
    "foreign": files_are_ours,
    "sql-set": sql_files_set_locally,
}


def check(path: str, text: str) -> Iterator[str]:
    """What the rules say about one file, as lines to print."""
    source = Source(path, text)
    found: list[tuple[int, str, str]] = []
    for name, file_rule in FILE_RULES.items():
        found += [(line, name, advice) for line, advice in file_rule(source)]
    if path.endswith(".py"):
        try:
            module = Module(path, text, ast.parse(text))
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: syntax: {error.msg}"
            return
        for name, rule in MODULE_RULES.items():
            found += [(line, name, advice) for line, advice in rule(module)]
    for line, name, advice in sorted(set(found)):
        written = source.lines[line - 1] if line <= len(source.lines) else ""
        if not re.search(rf"# allow {name}: \w", written):
            yield f"{path}:{line}: {name}: {advice}"


def rooms(root: Path) -> set[str]:
    """The rooms that exist on disk: packages under platform/ and at the root."""
    inner = {path.parent.name for path in root.glob("platform/*/__init__.py")}
    return inner | {name for name in ROOT_ROOMS if (root / name / "__init__.py").exists()}


def adapters(root: Path) -> set[str]:
    """The adapter modules: what lies in a port's folder, less port, simulator and catcher."""
    return {
        f"connectors.{path.parent.name}.{path.stem}"
        for path in root.glob("connectors/*/*.py")
        if path.stem not in {"__init__", "port", "registry"}
    }


def import_rules(root: Path) -> Iterator[str]:
    """Where the import rules in pyproject.toml and the folders differ."""
    config = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    listed = set(config["root_packages"])
    for name in sorted(listed ^ rooms(root)):
        what = "has no folder" if name in listed else "is not listed"
        yield f"pyproject.toml:1: rooms: {name} {what} in importlinter.root_packages"
    for contract in config["contracts"]:
        if contract.get("id") == "adapters":
            for name in sorted(adapters(root) - set(contract["forbidden_modules"])):
                yield f"pyproject.toml:1: rooms: adapter {name} is not listed in its contract"


def tracked_files(root: Path) -> Iterable[str]:
    """The paths of the files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return sorted(filter(None, listed.split("\0")))


def main() -> int:
    """Checks the checkout; returns 1 when a rule is broken, else 0."""
    lines = list(import_rules(ROOT))
    for path in tracked_files(ROOT):
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            text = ""
        lines += check(path, text)
    print("\n".join(lines) or "house rules hold")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
