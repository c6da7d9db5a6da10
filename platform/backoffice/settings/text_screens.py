"""Where a brokerage words the product's texts itself: the list, one text, and PO files."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice import queries
from backoffice.models import TextOverride
from backoffice.settings import own_texts, text_files, text_list, text_rules
from backoffice.settings.text_list import PATH
from identity.listings.listing import Found, Listing
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.language import LANGUAGES, direction
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import State
from themes import texts

_READ, _CHANGE = "backoffice.text.read", "backoffice.text.change"
_ONE = PATH + "/{language:str}/{key_hash:str}"
_FILE = f"{PATH}/file"
_SHOWN = 200
_MEANWHILE = "Somebody else changed these texts in the meantime. This is what the file does now."


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[text_list.Row]:
    every = text_list.rows(await queries.own_texts(session))
    some = text_list.narrowed(every, state)
    picks = [
        {"name": "surface", "label": "Shown on", "options": list(text_list.SURFACE_WORDS.items())},
        {"name": "state", "label": "State", "options": list(text_list.STATES.items())},
    ]
    context = {
        "tabs": text_list.tabs(every, state),
        "picks": picks,
        "languages": LANGUAGES,
        "states": text_list.STATES,
        "kinds": text_list.KINDS,
        "may_change": viewer.may(_CHANGE),
    }
    return Found(text_list.cut(some, state), len(some), context)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    every = text_list.rows(await queries.own_texts(session))
    return len(text_list.narrowed(every, state))


LISTING = Listing(
    table=text_list.TABLE,
    title="Texts",
    template="backoffice/texts.html",
    permission=_READ,
    find=_find,
    cells=text_list.CELLS,
    count=_count,
)


@get(_ONE, permission=_READ)
async def one(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    language: FromPath[str],
    key_hash: FromPath[str],
) -> Response[Any]:
    """Show one text as the product says it and as the brokerage does."""
    row = await queries.own_text(session, language=language, key_hash=key_hash)
    return await _editor(request, viewer, language, key_hash, row)


@post(_ONE, permission=_CHANGE, status_code=200)
async def change(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    language: FromPath[str],
    key_hash: FromPath[str],
) -> Response[Any]:
    """Keep what was typed, or take the product's text back; the pressed button says which."""
    values = form_values(await request.form())
    seen = _number(values.get("seen", ""))
    try:
        if values.get("action") == "reset":
            changed = await own_texts.take_back(
                session, language=language, key_hash=key_hash, seen=seen
            )
            said = "The product's text is used again."
        else:
            text = own_texts.text_at(language, key_hash)
            count = text_rules.form_count(text, language)
            typed = [values.get(f"form_{at}", "") for at in range(count)]
            changed = await own_texts.write(
                session, language=language, text=text, typed=typed, seen=seen
            )
            said = "Saved. It is shown from now on."
    except (InvalidInput, Conflict) as error:
        message = error.text if isinstance(error, Conflict) else None
        row = await queries.own_text(session, language=language, key_hash=key_hash)
        form = form_state(values, error.fields, message)
        return await _editor(
            request, viewer, language, key_hash, row, form=form, status=error.status
        )
    back = _back(values.get("back", ""))
    return flash(request, see_other(back), said if changed else "Nothing has changed.")


@get(_FILE, permission=_READ)
async def files(request: Request[Any, Any, Any], viewer: Seen) -> Response[Any]:
    """Offer each language as a file, and to read one."""
    return await _files(request, viewer, form_state())


@get(_FILE + "/{language:str}", permission=_READ)
async def export(session: Session, tenant: Tenant, language: FromPath[str]) -> Response[bytes]:
    """Hand all texts of a language over as a PO file."""
    if language not in LANGUAGES:
        raise NotFound
    own = await queries.own_texts(session, language=language)
    data = await asyncio.to_thread(text_files.written, language, own)
    name = f'attachment; filename="{tenant.slug}-{language}.po"'
    headers = {"content-disposition": name, "cache-control": "private, no-store"}
    return Response(data, media_type="text/x-gettext-translation; charset=utf-8", headers=headers)


@post(_FILE, permission=_CHANGE, status_code=200)
async def dry_run(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Say what a file would change; nothing is changed yet."""
    form = await request.form()
    values = form_values(form)
    language = values.get("language", "")
    upload = form.get("po_file")
    try:
        if language not in LANGUAGES:
            raise InvalidInput({"language": "Choose the language of the file."})
        data = (
            await upload.read(text_files.BYTES_MAX + 1) if isinstance(upload, UploadFile) else b""
        )
        own = await queries.own_texts(session, language=language)
        plan = await asyncio.to_thread(text_files.plan, data, language, own)
    except InvalidInput as error:
        return await _files(request, viewer, form_state(values, error.fields), status=422)
    return await _planned(request, language, plan)


@post(f"{_FILE}/apply", permission=_CHANGE, status_code=200)
async def apply(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Carry out what a dry run showed, unless one of the texts has changed since."""
    values = form_values(await request.form())
    language = values.get("language", "")
    if language not in LANGUAGES:
        raise NotFound
    own = await queries.own_texts(session, language=language)
    try:
        changes = text_files.taken(_json(values.get("changes", "")), language, own)
        done = await own_texts.write_all(session, changes)
    except InvalidInput as error:
        return await _files(request, viewer, form_state(values, error.fields), status=422)
    except Conflict as error:
        request.scope["state"]["rollback"] = True
        now_seen = {row.key_hash: row.version for row in own}
        again = [
            own_texts.Change(
                one.text, language, one.before, one.after, now_seen.get(one.text.hash, 0)
            )
            for one in changes
        ]
        plan = text_files.Plan(len(again), 0, 0, again)
        return await _planned(request, language, plan, message=_MEANWHILE, status=error.status)
    return flash(request, see_other(f"{PATH}?language={language}&state=own"), _said(done))


def _said(done: int) -> str:
    return "1 text was changed." if done == 1 else f"{done} texts were changed."


async def _editor(
    request: Request[Any, Any, Any],
    viewer: Viewer,
    language: str,
    key_hash: str,
    row: TextOverride | None,
    *,
    form: dict[str, Any] | None = None,
    status: int = 200,
) -> Response[Any]:
    text = texts.every().get(key_hash) if language in LANGUAGES else None
    if text is None and row is None:
        raise NotFound
    fields = _fields(text, language, row) if text is not None else []
    return await page(
        request,
        "backoffice/text.html",
        title="Text",
        active=PATH,
        status=status,
        form=form or form_state(),
        text=text,
        key=text.key if text is not None else (row.key if row is not None else ""),
        row=row,
        fits=text is not None and row is not None and own_texts.fits(text, row),
        fields=fields,
        language=language,
        languages=LANGUAGES,
        said_direction=direction(language),
        surfaces=[
            text_list.SURFACE_WORDS[one]
            for one in texts.SURFACES
            if text is not None and one in text.surfaces
        ],
        others=[
            (label, code, text.forms[code] if text else ())
            for code, label in LANGUAGES.items()
            if code != language
        ],
        seen=(form or {}).get("values", {}).get("seen")
        if status == 422
        else (row.version if row is not None else 0),
        back=_back(
            (form or {}).get("values", {}).get("back") or request.query_params.get("back", "")
        ),
        may_change=viewer.may(_CHANGE),
    )


def _fields(text: texts.Text, language: str, row: TextOverride | None) -> list[dict[str, Any]]:
    """Return each form of a text with what the product says, what fills it and its limit."""
    product = text_rules.product_forms(text, language)
    count = text_rules.form_count(text, language)
    numbers = texts.numbers(language) if count > 1 else ("",)
    own = list(row.forms) if row is not None else []
    return [
        {
            "name": f"form_{at}",
            "label": f"For {numbers[at]}" if count > 1 else "Your text",
            "product": product[min(at, len(product) - 1)],
            "value": own[at] if at < len(own) else product[min(at, len(product) - 1)],
            "filled": text_rules.filled(product[min(at, len(product) - 1)]),
            "limit": text_rules.limit(text, language),
        }
        for at in range(count)
    ]


async def _files(
    request: Request[Any, Any, Any], viewer: Viewer, form: dict[str, Any], *, status: int = 200
) -> Response[Any]:
    return await page(
        request,
        "backoffice/text_files.html",
        title="Texts as files",
        active=PATH,
        status=status,
        form=form,
        languages=list(LANGUAGES.items()),
        may_change=viewer.may(_CHANGE),
        plan=None,
    )


async def _planned(
    request: Request[Any, Any, Any],
    language: str,
    plan: text_files.Plan,
    *,
    message: str = "",
    status: int = 200,
) -> Response[Any]:
    return await page(
        request,
        "backoffice/text_plan.html",
        title="What the file changes",
        active=PATH,
        status=status,
        plan=plan,
        message=message,
        language=language,
        label=LANGUAGES[language],
        said_direction=direction(language),
        shown=_SHOWN,
        carried=json.dumps(text_files.carried(plan.changes), ensure_ascii=False),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _back(text: str) -> str:
    """Return the list as it was left; any other address is not followed."""
    return text if text.startswith(f"{PATH}?") and len(text) < 2000 else PATH


ROUTES: list[HTTPRouteHandler] = [
    *LISTING.routes(),
    *(one, change, files, export, dry_run, apply),
]
