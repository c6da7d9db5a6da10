"""Reads `[signing.*]` and `[callback.signature]` tables."""

from __future__ import annotations

from connectors.payments.engine.digests import ALGORITHMS, PLAIN
from connectors.payments.engine.expressions import Expression, Path, Template, parse, parse_template
from connectors.payments.engine.hooks import HOOKS
from connectors.payments.engine.recipes import Certificate, Hook, Place, Recipe
from connectors.payments.engine.sections import Section

_MESSAGES = ("raw", "concat", "template", "segments", "pairs", "values", "json", "hook")
_PIPES = ("upper", "lower", "reverse", "md5")
# What a message of each kind is made of; any other field would be read by nobody.
_MADE_OF = {
    "raw": (),
    "concat": ("fields", "separator", "nulls", "numbers"),
    "template": ("text",),
    "segments": ("segments",),
    "pairs": ("of", "exclude", "separator", "drop_empty", "urlencode", "numbers"),
    "values": ("of", "exclude", "separator", "drop_empty", "numbers"),
    "json": ("of", "exclude", "numbers"),
    "hook": ("hook",),
}
_NEEDS = {"concat": "fields", "template": "text", "segments": "segments", "hook": "hook"}


def read_recipe(section: Section, *, receives: bool) -> Recipe:
    """Read one recipe; `receives` is for those of others' signatures, which have no place."""
    alg = section.choice("alg", ALGORITHMS)
    message = section.choice("message", _MESSAGES, "raw")
    for name in {name for names in _MADE_OF.values() for name in names} - set(_MADE_OF[message]):
        if name in section:
            section.fail(name, f"means nothing for message {message!r}; take it out.")
    if (needed := _NEEDS.get(message)) and needed not in section:
        section.fail(needed, f"is missing; a message {message!r} is made of it.")
    recipe = Recipe(
        alg=alg,
        message=message,
        fields=_expressions(section, "fields"),
        separator=section.text("separator", "&" if message == "pairs" else ""),
        nulls=section.choice("nulls", ("refuse", "skip", "empty"), "refuse"),
        template=section.template("text", None),
        segments=_templates(section, "segments"),
        of=_path(section, "of"),
        exclude=section.texts("exclude"),
        drop_empty=section.flag("drop_empty"),
        urlencode=section.flag("urlencode"),
        suffix=section.template("suffix", None),
        numbers=section.choice("numbers", ("literal", "js", "php"), "literal"),
        post=section.choices("post", _PIPES),
        key=section.expression("key", None),
        key_form=section.choice("key_form", ("utf8", "hex", "base64"), "utf8"),
        key_pipes=section.choices("key_pipes", _PIPES),
        out=section.choice("out", ("hex", "HEX", "base64"), "hex"),
        out_rehash=section.choices("out_rehash", PLAIN),
        prefix=section.template("prefix", None),
        place=None if receives else _place(section),
        received=section.expression("received") if receives and alg != "none" else None,
        parts=section.texts("parts") if receives else (),
        any_case=section.flag("any_case") if receives else False,
        when=section.condition("when") if receives else None,
        timestamp=section.expression("timestamp", None) if receives else None,
        tolerance_seconds=section.whole("tolerance_seconds", 0) if receives else 0,
        certificate=_certificate(section) if receives else None,
        hook=_hook(section),
    )
    section.done()
    _check(section, recipe)
    return recipe


def _check(section: Section, recipe: Recipe) -> None:
    keyed = recipe.alg.startswith("hmac-") or recipe.alg == "equals"
    if keyed and recipe.key is None:
        section.fail("key", 'is missing; write the secret, as in key = "secret.webhook_secret".')
    if not keyed and recipe.key is not None:
        section.fail("key", f"means nothing for {recipe.alg}; take it out.")
    if recipe.is_asymmetric and recipe.certificate is None:
        section.fail("certificate", "is missing; say where it is named and which hosts are pinned.")
    if (recipe.timestamp is None) != (recipe.tolerance_seconds == 0):
        section.fail("tolerance_seconds", "goes together with timestamp; write both or none.")
    for expression in (recipe.key, *recipe.fields):
        if expression is not None and _may_be_default(expression):
            section.fail("fields", "a secret has no default; take the pipe out.")
    if recipe.nulls == "empty" and not recipe.separator:
        section.fail("nulls", 'means the same as "skip" without a separator; write that.')
    if recipe.place and recipe.place.where == "body" and recipe.message == "raw":
        section.fail("place", "a signature over the raw body can't stand in it; use a header.")
    if recipe.alg in PLAIN and not any(path.root == "secret" for path in _paths(recipe)):
        section.fail("fields", "name no secret: anybody could sign. Add secret.NAME.")


def _may_be_default(expression: Expression) -> bool:
    return any(path.root == "secret" for path in expression.paths()) and any(
        pipe.name in ("default", "optional") for term in expression.terms for pipe in term.pipes
    )


def _paths(recipe: Recipe) -> list[Path]:
    templates = [recipe.template, recipe.suffix, *recipe.segments]
    found = [path for one in recipe.fields for path in one.paths()]
    found += [path for one in templates if one is not None for path in one.paths()]
    if recipe.hook is not None:
        found.append(Path("secret", ()))
    return found


def _expressions(section: Section, name: str) -> tuple[Expression, ...]:
    return tuple(section.read(name, parse, text) for text in section.texts(name))


def _templates(section: Section, name: str) -> tuple[Template, ...]:
    return tuple(section.read(name, parse_template, text) for text in section.texts(name))


def _path(section: Section, name: str) -> Path:
    expression = section.expression(name, None)
    if expression is None:
        return Path("body", ())
    paths = expression.paths()
    if len(paths) != 1 or len(expression.terms) != 1 or expression.terms[0].pipes:
        section.fail(name, "write one path, as in body.payload.")
    return paths[0]


def _place(section: Section) -> Place | None:
    if "place" not in section:
        return None
    place = section.table("place")
    found = [where for where in ("header", "body", "query") if where in place]
    if len(found) != 1:
        section.fail("place", 'write one of header, body and query, as in { header = "X-Sign" }.')
    name = place.text(found[0])
    place.done()
    return Place(found[0], name)  # type: ignore[arg-type]


def _certificate(section: Section) -> Certificate | None:
    if "certificate" not in section:
        return None
    table = section.table("certificate")
    url = table.expression("url")
    hosts = table.texts("hosts")
    if not hosts or url is None:
        section.fail("certificate", "name the hosts that a certificate may come from.")
    table.done()
    return Certificate(url, hosts)


def _hook(section: Section) -> Hook | None:
    if "hook" not in section:
        return None
    return HOOKS[section.choice("hook", HOOKS)]
