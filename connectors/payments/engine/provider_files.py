"""Reads provider files: TOML to `Provider`, brands and clones on top of what they extend."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.payments.engine.amounts import MoneyForm
from connectors.payments.engine.definitions import (
    Capabilities,
    Credential,
    Fee,
    Instruction,
    Limit,
    Method,
    Operation,
    Provider,
    Vector,
    shape_paths,
)
from connectors.payments.engine.expressions import Path as ValuePath
from connectors.payments.engine.failures import DefinitionInvalid, ProviderUnknown, ValueUnusable
from connectors.payments.engine.literals import Number
from connectors.payments.engine.operation_tables import (
    read_auth,
    read_callback,
    read_endpoint,
    read_operation,
    read_statuses,
)
from connectors.payments.engine.recipe_tables import read_recipe
from connectors.payments.engine.recipes import Recipe
from connectors.payments.engine.sections import REQUIRED, Section

FOLDER = Path(__file__).parent.parent / "providers"
_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")
_KINDS = ("direct", "aggregator", "dialect", "brand", "manual", "inverted")
_LEVELS = ("L0", "L1", "L2", "L3", "L4")
_SHOWS = (
    *("redirect", "form_post", "qr", "push", "address", "instructions", "inverted", "hosted"),
)
# What may be extended by what: a brand is base URL, credentials and methods on a dialect.
_EXTENDS = {"brand": "dialect", "aggregator": "aggregator", "direct": "direct"}
_SOURCES = ("vendor:", "sdk:", "prose:", "third party:", "computed:", "simulator:")


def load(provider_id: str, folder: Path = FOLDER) -> Provider:
    """Return one provider; raise ProviderUnknown, or DefinitionInvalid for a file with a fault."""
    return read(provider_id, merged(provider_id, folder))


@cache
def catalogue(folder: Path = FOLDER) -> Mapping[str, Provider]:
    """Return all providers by id; raise DefinitionInvalid for the first file with a fault."""
    return {one: load(one, folder) for one in names(folder)}


def names(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the ids of all provider files, sorted."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def merged(provider_id: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Return a file's tables laid over those of the file that it extends."""
    data = tables(provider_id, folder)
    base_id = data.get("extends", "")
    if not base_id:
        return data
    section = Section(f"{provider_id}.toml", "", data)
    if not isinstance(base_id, str) or base_id not in names(folder):
        section.fail("extends", f"there is no file {base_id}.toml; name one that there is.")
    base = tables(base_id, folder)
    wanted = _EXTENDS.get(data.get("kind", ""), "")
    if not wanted or base.get("kind") != wanted:
        section.fail("extends", f"a {data.get('kind')} can't extend a {base.get('kind')}.")
    if "extends" in base:
        section.fail("extends", f"{base_id} extends another file itself; name that one.")
    laid = _laid_over(base, data)
    # The dialect's examples prove what is inherited. Requests go to the brand's own address and
    # name its own methods, so that their examples are the brand's own.
    inherited = [one for one in base.get("vectors", ()) if not _is_request(one)]
    laid["vectors"] = [*inherited, *data.get("vectors", ())]
    address = data.get("credentials", {}).get("base_url", {})
    if address.get("type") == "url" and not address.get("optional"):
        # Who asks for the address has none of what it extends.
        laid.pop("env", None)
    for name in ("proof", "disabled_because", "codes"):
        if name not in data:
            laid.pop(name, None)
    return laid


def _is_request(vector: Any) -> bool:
    return isinstance(vector, dict) and str(vector.get("of", "")).startswith("operations.")


def _laid_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for name, value in over.items():
        inner = found.get(name)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        found[name] = _laid_over(inner, value) if both else value  # type: ignore[arg-type]
    return found


def tables(provider_id: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Return a file's own tables; raise ProviderUnknown or DefinitionInvalid."""
    path = folder / f"{provider_id}.toml"
    if not _ID.fullmatch(provider_id) or not path.is_file():
        raise ProviderUnknown(f"There is no provider {provider_id!r}; `list` shows them all.")
    try:
        # A float can't say what was written, so that an amount in one would be another.
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=_no_float)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionInvalid(path.name, "syntax", f"{error}. Mend the TOML.") from None
    except ValueUnusable as error:
        raise DefinitionInvalid(path.name, "number", str(error)) from None


def _no_float(text: str) -> Any:
    raise ValueUnusable(f'write {text} as a text, "{text}", so that its digits are kept.')


def read(provider_id: str, data: Mapping[str, Any]) -> Provider:
    """Check a file's tables and return what they say; raise DefinitionInvalid."""
    top = Section(f"{provider_id}.toml", "", data)
    if top.whole("schema") != 1:
        top.fail("schema", "write schema = 1; this engine reads no other.")
    if top.text("id") != provider_id:
        top.fail("id", f'write id = "{provider_id}", the name of the file.')
    statuses = read_statuses(top.table("status_map"))
    form = _money(top.table("money", required=True), None)
    operations = {name: read_operation(name, t, statuses) for name, t in top.tables("operations")}
    environments = _environments(top)
    provider = Provider(
        file=top.file,
        id=provider_id,
        name=top.text("name"),
        kind=top.choice("kind", _KINDS),
        extends=top.text("extends", ""),
        docs=top.text("docs", ""),
        doc_checked=_checked(top),
        level=top.choice("level", _LEVELS),
        enabled=top.flag("enabled", default=True),
        disabled_because=top.text("disabled_because", ""),
        proof=top.texts("proof"),
        adapter=top.text("adapter", ""),
        credentials={name: _credential(name, t) for name, t in top.tables("credentials")},
        environments=environments,
        hosts=_hosts(top, environments),
        capabilities=_capabilities(top.table("capabilities", required=True)),
        auth=read_auth(top.table("auth")),
        money=form,
        callback_money=_money(top.table("callback_money"), form),
        signing={n: read_recipe(t, receives=False) for n, t in top.tables("signing")},
        operations=operations,
        endpoints={name: read_endpoint(t) for name, t in top.tables("endpoints")},
        callback=read_callback(top.table("callback")) if "callback" in top else None,
        statuses=statuses,
        methods=tuple(_method(row) for row in top.rows("methods")),
        codes=top.texts("codes"),
        instructions=tuple(_instruction(row) for row in top.rows("instructions")),
        sample=top.words("sample"),
        vectors=tuple(_vector(row) for row in top.rows("vectors")),
    )
    top.done()
    _check(top, provider)
    return provider


def _checked(top: Section) -> str:
    value = top.text("doc_checked")
    try:
        date.fromisoformat(value)
    except ValueError:
        top.fail("doc_checked", 'write the day the pages were read, as "2026-11-23".')
    return value


def _credential(name: str, section: Section) -> Credential:
    found = Credential(
        name,
        section.choice("type", ("string", "secret", "url")),
        section.text("label", name.replace("_", " ").capitalize()),
        section.text("help", ""),
        section.flag("optional"),
    )
    section.done()
    return found


def _environments(top: Section) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, section in top.tables("env"):
        urls = {inner: section.text(inner) for inner in list(section.names())}
        if name not in ("sandbox", "live"):
            top.fail(f"env.{name}", "the environments are sandbox and live.")
        for inner, url in urls.items():
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
                section.fail(inner, "write an https address without a query.")
        found[name] = urls
    return found


def _hosts(top: Section, environments: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    named = {
        urlsplit(url).hostname or "" for urls in environments.values() for url in urls.values()
    }
    return frozenset({*named, *top.texts("hosts")})


def _money(section: Section, base: MoneyForm | None) -> MoneyForm:
    kinds = ("minor", "major_string", "major_number", "whole")
    decimals = section.raw("decimals", base.decimals if base else "currency")
    if decimals == "currency":
        decimals = None
    elif decimals is not None and (not isinstance(decimals, int) or not 0 <= decimals <= 18):
        section.fail("decimals", 'write "currency", or how many decimals there always are.')
    exponents = section.typed("exponent_override", dict, {}, "a table of currencies and decimals")
    if any(not isinstance(n, int) or not 0 <= n <= 18 for n in exponents.values()):
        section.fail("exponent_override", "write how many decimals each currency has here.")
    form = MoneyForm(
        kind=section.choice("amount", kinds, base.kind if base else REQUIRED),
        decimals=decimals,
        trim_zeros=section.flag("trim_zeros", default=base.trim_zeros if base else False),
        exponents={**(base.exponents if base else {}), **exponents},
        currencies={**(base.currencies if base else {}), **section.words("currencies")},
        aliases={**(base.aliases if base else {}), **section.words("aliases")},
        case=section.choice("currency_case", ("upper", "lower"), base.case if base else "upper"),
    )
    section.done()
    return form


def _capabilities(section: Section) -> Capabilities:
    withdraw = ("api", "same_session", "refund_first", "manual", "none")
    found = Capabilities(
        deposit=section.choice("deposit", _SHOWS),
        withdraw=section.choice("withdraw", withdraw, "none"),
        refund=section.flag("refund"),
        partial_refund=section.flag("partial_refund"),
        chargeback=section.flag("chargeback"),
        idempotency=section.choice("idempotency", ("header", "merchant_reference", "none"), "none"),
        callback_order=section.choice("callback_order", ("ordered", "unordered"), "unordered"),
    )
    section.done()
    return found


def _method(section: Section) -> Method:
    found = Method(
        id=section.text("id"),
        code=section.text("code", ""),
        name=section.text("name", ""),
        currencies=section.texts("currencies"),
        countries=section.texts("countries"),
        limits={c: _limit(t) for c, t in section.tables("limits")},
        fees={kind: _fee(t) for kind, t in section.tables("fee")},
        kyc_level=section.whole("kyc_level", 0),
        settlement=section.text("settlement", ""),
        arrival=section.text("arrival", ""),
    )
    section.done()
    return found


def _limit(section: Section) -> Limit:
    found = Limit(_decimal(section, "min"), _decimal(section, "max"))
    section.done()
    if not 0 <= found.smallest <= found.largest:
        section.fail("min", "write a smallest amount that is not above the largest.")
    return found


def _fee(section: Section) -> Fee:
    found = Fee(
        _decimal(section, "percent", "0"),
        _decimal(section, "fixed", "0"),
        section.text("currency", ""),
        section.choice("payer", ("merchant", "client"), "merchant"),
    )
    section.done()
    return found


def _decimal(section: Section, name: str, default: str | None = None) -> Decimal:
    text = section.text(name) if default is None else section.text(name, default)
    return section.read(name, Number, text).decimal


def _instruction(section: Section) -> Instruction:
    value = section.template("value")
    assert value is not None
    found = Instruction(section.text("label"), value)
    section.done()
    return found


def _vector(section: Section) -> Vector:
    data = {name: section.raw(name) for name in list(section.names())}
    found = Vector(section.text("name"), section.text("of"), section.text("source"), data)
    if not found.source.startswith(_SOURCES):
        section.fail("source", f"begin with one of {', '.join(_SOURCES)}.")
    return found


def _check(top: Section, provider: Provider) -> None:
    """Check what one table says against the others."""
    if provider.enabled == bool(provider.disabled_because):
        top.fail("disabled_because", "goes together with enabled = false; write both or none.")
    if provider.level in ("L0", "L1") and provider.level != provider.earned:
        top.fail("level", f"the vectors show {provider.earned}: write that, or add a vector.")
    if provider.level in ("L2", "L3", "L4") and not provider.proof:
        top.fail("proof", f"is missing; {provider.level} names the tests that show it.")
    for operation in provider.operations.values():
        _check_operation(top, provider, operation)
    _check_callback(top, provider)
    _check_auth(top, provider)
    _check_shows(top, provider)
    for where, path in _credential_paths(provider):
        secret = path.root == "secret"
        known = provider.credentials.get(path.steps[0]) if path.steps else None
        if known is None or secret != (known.kind == "secret"):
            top.fail(where, f"{path}: declare it under [credentials] with the right type.")


def _check_callback(top: Section, provider: Provider) -> None:
    callback = provider.callback
    if callback is not None:
        if callback.confirm == "query" and "query" not in provider.operations:
            top.fail("callback.confirm", "there is no [operations.query] to ask with; write it.")
        if callback.follow_up and callback.follow_up.operation not in provider.operations:
            top.fail("callback.follow_up.operation", "there is no such operation.")
        if callback.reply.sign and callback.reply.sign not in provider.signing:
            top.fail("callback.reply.sign", "there is no such recipe under [signing].")


def _check_auth(top: Section, provider: Provider) -> None:
    getter = provider.operations.get(provider.auth.token_from)
    if bool(provider.auth.token_from) != any(provider.needs_token(o) for o in provider.operations):
        top.fail("auth.token_from", "goes together with {{auth.token}} in a request.")
    if provider.auth.token_from and (getter is None or "token" not in getter.answer.fields):
        top.fail("auth.token_from", "is no operation whose response has a token.")


def _check_shows(top: Section, provider: Provider) -> None:
    is_json = any(one.encoding == "json" and one.body for one in provider.operations.values())
    if provider.money.kind == "major_number" and not is_json:
        top.fail("money.amount", 'there is no JSON to write a number in; write "major_string".')
    deposit = provider.operations.get("deposit")
    posted = deposit is not None and deposit.sent_by == "browser"
    if (provider.capabilities.deposit == "form_post") != posted:
        top.fail("capabilities.deposit", '"form_post" goes together with sent_by = "browser".')
    if (provider.capabilities.deposit == "instructions") != bool(provider.instructions):
        top.fail("capabilities.deposit", '"instructions" goes together with [[instructions]].')


def _check_operation(top: Section, provider: Provider, operation: Operation) -> None:
    where = f"operations.{operation.name}"
    if operation.sign not in ("none", "request", *provider.signing):
        top.fail(f"{where}.sign", "there is no such recipe under [signing]; or write none.")
    known = {name for urls in provider.environments.values() for name in urls}
    urls = {name for name, one in provider.credentials.items() if one.kind == "url"}
    if operation.base not in known | urls and not provider.adapter:
        top.fail(f"{where}.base", "is no address of [env] and no credential of type url.")


def _credential_paths(provider: Provider) -> Iterator[tuple[str, ValuePath]]:
    for name, recipe in provider.signing.items():
        yield from ((f"signing.{name}", path) for path in _recipe_paths(recipe))
    if provider.callback is not None:
        signature = _recipe_paths(provider.callback.signature)
        yield from (("callback.signature", path) for path in signature)
    for name, operation in provider.operations.items():
        shapes = (operation.path, operation.headers, operation.query, operation.body)
        yield from ((f"operations.{name}", path) for path in _credentials_in(shapes))
    for line in provider.instructions:
        yield from (("instructions", path) for path in _credentials_in(line.value))
    auth = provider.auth
    for shape in (auth.headers, auth.user, auth.password):
        yield from (("auth", path) for path in _credentials_in(shape))


def _recipe_paths(recipe: Recipe) -> Iterator[ValuePath]:
    for expression in (*recipe.fields, recipe.key):
        if expression is not None:
            yield from (p for p in expression.paths() if p.root in ("cred", "secret"))
    for template in (recipe.template, recipe.suffix, recipe.prefix, *recipe.segments):
        yield from _credentials_in(template)


def _credentials_in(shape: Any) -> Iterator[ValuePath]:
    return (path for path in shape_paths(shape) if path.root in ("cred", "secret"))
