"""Reads `[operations.*]`, `[callback]`, `[auth]` and `[endpoints.*]` tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.payments.engine.definitions import (
    STATES,
    Answer,
    Auth,
    Callback,
    Endpoint,
    FollowUp,
    KeyedList,
    Operation,
    Reply,
    Shape,
    Source,
    State,
)
from connectors.payments.engine.expressions import (
    Expression,
    Path,
    Template,
    parse,
    parse_template,
)
from connectors.payments.engine.literals import wrap
from connectors.payments.engine.recipe_tables import read_recipe
from connectors.payments.engine.recipes import Recipe, covers
from connectors.payments.engine.sections import Section

ANSWER_FIELDS = frozenset(
    {
        *(
            "reference",
            "session_ref",
            "provider_ref",
            "redirect_url",
            "qr",
            "qr_image",
            "address",
            "address_tag",
        ),
        *("expires", "status", "amount", "currency", "settled_amount", "settled_currency", "fee"),
        *("fee_currency", "due", "came", "error_code", "error_text", "token", "token_seconds"),
    }
)
_CALLBACK_FIELDS = (
    *("reference", "session_ref", "provider_ref", "status", "amount", "currency", "settled_amount"),
    *("settled_currency", "fee", "fee_currency", "due", "came", "error_code", "error_text"),
)
# What a forger would want to change. Each is covered by the signature or listed as unsigned.
GUARDED = ("status", "reference", "amount", "currency")
_ENCODINGS = ("json", "form", "query", "none")
_ASK_FIELDS = (
    *("user", "session", "transaction", "auth_code", "amount", "currency", "fee", "fee_currency"),
    *("method", "provider_ref", "error"),
)
_PURPOSES = ("profile", "reserve", "settle", "release")
# Where a value comes from that nobody but us has written.
_OURS = frozenset({"cred", "secret", "env", "now", "tx", "urls"})


def read_statuses(section: Section) -> dict[str, State]:
    """Read a status map: the provider's words under ours; the unknown is always held."""
    found: dict[str, State] = {}
    for state in STATES:
        for word in section.texts(state):
            if word in found:
                section.fail(state, f"{word!r} stands under {found[word]} too; leave it in one.")
            found[word] = state
    if any(True for _ in section.names()):
        section.choice("unknown", ("hold",))
    section.done()
    return found


def read_shape(section: Section, name: str, value: Any) -> Shape:
    """Read a structure whose texts are templates."""
    if isinstance(value, str):
        return section.read(name, parse_template, value)
    if isinstance(value, list):
        return [read_shape(section, name, one) for one in value]
    if isinstance(value, Mapping):
        return {str(k): read_shape(section, f"{name}.{k}", one) for k, one in value.items()}
    return section.read(name, wrap, value)


def read_shapes(section: Section, name: str) -> dict[str, Shape]:
    """Read a table whose texts are templates."""
    outer = section.table(name)
    return {inner: read_shape(outer, inner, outer.raw(inner)) for inner in list(outer.names())}


def read_value(section: Section, name: str) -> Source:
    """Read a path, a template where there are braces, or several of which the first counts."""
    if isinstance(section.raw(name), list):
        return tuple(_read_one(section, name, text) for text in section.texts(name))
    return (_read_one(section, name, section.text(name)),)


def _read_one(section: Section, name: str, text: str) -> Expression | Template:
    if "{{" in text:
        return section.read(name, parse_template, text)
    return section.read(name, parse, text)


def read_operation(name: str, section: Section, statuses: Mapping[str, State]) -> Operation:
    """Read one request and how its answer is read."""
    path = section.template("path", "")
    operation = Operation(
        name=name,
        method=section.choice("method", ("GET", "POST", "PUT"), "POST"),
        base=section.text("base", "base_url"),
        path=path or parse_template(""),
        encoding=section.choice("encoding", _ENCODINGS, "json"),
        headers=_templates(section, "headers"),
        query=_templates(section, "query"),
        body=read_shapes(section, "body"),
        sign=section.text("sign", "request"),
        with_auth=section.flag("with_auth", default=True),
        sent_by=section.choice("sent_by", ("server", "browser"), "server"),
        answer=_answer(section.table("response"), statuses),
    )
    section.done()
    if bool(operation.body) != (operation.encoding != "none"):
        section.fail("encoding", 'is "none" for a request without a body, and only for that.')
    return operation


def _answer(section: Section, statuses: Mapping[str, State]) -> Answer:
    encoding = section.choice("encoding", ("json", "form", "text"), "json")
    lines_before = section.whole("lines_before", 0)
    ok = section.condition("ok")
    soft = section.condition("soft")
    own = section.table("status_map") if "status_map" in section else None
    known = read_statuses(own) if own is not None else dict(statuses)
    fields = {n: read_value(section, n) for n in sorted(ANSWER_FIELDS) if n in section}
    section.done()
    return Answer(encoding, lines_before, ok, soft, fields, known)


def _templates(section: Section, name: str) -> dict[str, Template]:
    table = section.table(name)
    found = {inner: table.template(inner) for inner in list(table.names())}
    return {inner: one for inner, one in found.items() if one is not None}


def read_auth(section: Section) -> Auth:
    """Read how requests say who we are."""
    auth = Auth(
        headers=_templates(section, "headers"),
        user=section.template("user", None),
        password=section.template("password", None),
        token_from=section.text("token_from", ""),
    )
    section.done()
    if auth.password is not None and auth.user is None:
        section.fail("user", "is missing beside password.")
    return auth


def read_callback(section: Section) -> Callback:
    """Read how callbacks are verified and read."""
    signature = read_recipe(section.table("signature", required=True), receives=True)
    callback = Callback(
        encoding=section.choice("encoding", _ENCODINGS, "json"),
        methods=section.choices("methods", ("GET", "POST")) or ("POST",),
        signature=signature,
        items=section.expression("items", None),
        keyed=_keyed(section),
        fields={n: read_value(section, n) for n in _CALLBACK_FIELDS if n in section},
        event_key=tuple(section.read("event_key", parse, t) for t in section.texts("event_key")),
        ours=tuple(
            (section.read("ours", parse, theirs), section.read("ours", parse, ours))
            for theirs, ours in section.words("ours").items()
        ),
        ignore=section.condition("ignore"),
        live=section.condition("live"),
        confirm=section.choice("confirm", ("none", "query", "person"), "none"),
        unsigned=frozenset(section.choices("unsigned", (*GUARDED, "session_ref"))),
        follow_up=_follow_up(section),
        reply=_reply(section),
    )
    section.done()
    if not callback.event_key:
        section.fail("event_key", "is missing; name what tells one event from another.")
    _check_coverage(section, callback)
    return callback


def _check_coverage(section: Section, callback: Callback) -> None:
    """Demand that a file admits what its signature leaves open, and asks before it believes."""
    # Without our reference, the provider's own name of the attempt says whose payment it is.
    whose = "reference" if "reference" in callback.fields else "session_ref"
    guarded = [whose if one == "reference" else one for one in GUARDED]
    left = {n for n in guarded if n in callback.fields and _is_open(callback, callback.fields[n])}
    if left != callback.unsigned:
        listed = ", ".join(f'"{name}"' for name in guarded if name in left)
        section.fail("unsigned", f"the signature leaves these open: write unsigned = [{listed}].")
    open_ended = left or callback.signature.when or callback.signature.alg in ("none", "equals")
    if open_ended and callback.confirm == "none":
        section.fail("confirm", 'must be "query": what is unsigned is asked for before it counts.')
    if not open_ended and callback.confirm == "person":
        section.fail("confirm", "needs no person: everything that counts is signed.")


def _is_open(callback: Callback, source: Source) -> bool:
    received = [path for one in source for path in one.paths() if path.root not in _OURS]
    return any(not _is_covered(callback.signature, path) for path in received)


def _is_covered(signature: Recipe, path: Path) -> bool:
    if path.root == "list":
        path = Path("body", path.steps)
    return covers(signature, path)


def _keyed(section: Section) -> KeyedList | None:
    if "kv_list" not in section:
        return None
    table = section.table("kv_list")
    path = table.expression("path")
    assert path is not None
    found = KeyedList(path, table.text("name"), table.text("value"))
    table.done()
    return found


def _follow_up(section: Section) -> FollowUp | None:
    if "follow_up" not in section:
        return None
    table = section.table("follow_up")
    when = table.condition("when")
    if when is None:
        table.fail("when", "is missing; say which callback asks for the call.")
    found = FollowUp(when, table.text("operation"))
    table.done()
    return found


def _reply(section: Section) -> Reply:
    table = section.table("reply")
    text = table.template("text", None)
    json = read_shapes(table, "json") if "json" in table else None
    found = Reply(table.whole("code", 200), text, json, table.text("sign", ""))
    if text is not None and json is not None:
        table.fail("json", "and text exclude each other; leave one.")
    table.done()
    return found


def read_endpoint(section: Section) -> Endpoint:
    """Read one of the addresses that an inverted provider calls."""
    purpose = section.choice("purpose", _PURPOSES)
    table = section.table("request", required=True)
    fields = {name: table.expression(name) for name in _ASK_FIELDS if name in table}
    table.done()
    endpoint = Endpoint(
        purpose,
        {name: one for name, one in fields.items() if one is not None},
        read_shapes(section, "accepted"),
        read_shapes(section, "refused"),
    )
    section.done()
    return endpoint
