"""Pages render with the brand, keep what was typed, and never let text become markup."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from themes import loader, specimens
from themes.badges import badge_kind
from themes.drawings import brand_mark, favicon_svg, icon, icon_names, sparkline
from themes.loader import Brand, BrandColours, Page, render, render_mail, static, templates

HOSTILE = '"><script>alert(1)</script>'
ROOT = Path(loader.__file__).parent


def _page(**changes: object) -> Page:
    page = specimens.page(specimens.BRANDS[0], "trader", "Sign in")
    return replace(page, **changes)  # type: ignore[arg-type]


def _inline(source: str, **context: object) -> str:
    return templates().from_string(source).render(page=_page(), **context)


def _login(form: dict[str, object], **context: object) -> str:
    return render("auth/login.html", _page(), form=form, kind="Room", action="/login", **context)


def test_what_was_typed_and_what_was_wrong_come_back() -> None:
    """The value stays, the error replaces the help and is tied to the field."""
    form: dict[str, object] = {
        "values": {"email": "sofia@mail"},
        "errors": {"email": "Write it as name@example.com."},
        "message": None,
    }

    html = _login(form)

    assert 'value="sofia@mail"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="h-email"' in html
    assert "Write it as name@example.com." in html


def test_a_password_is_never_written_back_into_the_page() -> None:
    """Even when the form failed."""
    html = _login({"values": {"password": "hunter2-hunter2"}, "errors": {}, "message": "No."})

    assert "hunter2" not in html


def test_every_form_carries_the_token() -> None:
    """The hidden field is the one the web layer checks."""
    html = _login({"values": {}, "errors": {}, "message": None})

    assert '<input type="hidden" name="_csrf_token" value="specimen">' in html


def test_hostile_text_stays_text_everywhere() -> None:
    """Names, values, options, table cells, chips and chart data are escaped."""
    form = {"values": {"a": HOSTILE}, "errors": {"a": HOSTILE}, "message": HOSTILE}
    source = """{{ macros.field(form, "a", h) }}{{ macros.field(form, "a", h, type="textarea") }}
    {{ macros.field(form, "a", h, type="select", options=[(h, h)]) }}{{ macros.form_message(form) }}
    {{ macros.badge(h) }}{{ macros.person(h, href=h) }}
    {{ macros.copy(h) }}{{ macros.button(h, href=h) }}
    {{ macros.table(page, [{"label": h, "key": "k", "sort": h}], [{"k": h}]) }}
    {{ macros.filter_chips([{"label": h, "value": h, "remove_href": h}]) }}{{ macros.empty(h, h) }}
    {{ macros.confirm("x", page, h, h, h, consequences=[h], reason=h, fields={h: h}) }}
    {{ macros.chart("c", {"x": [h], "series": [{"name": h, "data": [1]}]}, h) }}{{ h|ltr }}"""

    html = _inline(source, form=form, h=HOSTILE)

    assert "<script>alert" not in html
    assert html.count("<script") == 1


def test_a_missing_value_is_an_error_not_an_empty_page() -> None:
    """A page that forgot to pass something fails in its first test."""
    with pytest.raises(UndefinedError):
        render("auth/login.html", _page())


def test_an_unknown_theme_or_template_is_handled() -> None:
    """A brand whose theme is gone gets the default one; a missing template is an error."""
    page = _page(brand=replace(specimens.BRANDS[0], theme="../../etc"))
    form = specimens.EMPTY_FORM

    assert "Sign in" in render("auth/login.html", page, form=form, kind="x", action="/login")
    with pytest.raises(TemplateNotFound):
        render("../loader.py", page)


def test_a_right_to_left_page_says_so_and_loads_the_mirrored_sheet() -> None:
    """Noor reads Arabic, from the document's root down to the shell's own words."""
    page = specimens.page(specimens.BRANDS[1], "trader", "x")
    form = specimens.EMPTY_FORM

    html = render("auth/login.html", page, form=form, kind="x", action="/login")

    assert '<html lang="ar" dir="rtl"' in html
    assert "tabler.rtl.min.css" in html
    assert "كلمة المرور" in html


def test_sort_links_keep_the_filters_and_turn_round() -> None:
    """A click on the sorted column reverses it and starts at the first page."""
    page = replace(_page(), path="/crm/leads", query={"stage": "new", "after": "x"})
    source = (
        '{{ macros.table(page, [{"label": "A", "key": "a", "sort": "a"}], [{"a": 1}], sort="-a") }}'
    )

    html = templates().from_string(source).render(page=page)

    assert 'aria-sort="descending"' in html
    assert 'href="/crm/leads?stage=new&amp;sort=a"' in html


def test_an_empty_table_says_what_to_do() -> None:
    """No header row over nothing."""
    html = _inline(
        '{{ macros.table(page, [], [], empty_title="No leads", empty_action="Clear it",'
        ' empty_href="/x") }}'
    )

    assert "<table" not in html
    assert 'href="/x">Clear it' in html


def test_every_icon_that_pages_name_is_in_the_sprite() -> None:
    """An icon that is not in the list would be a hole in the page."""
    named = set()
    for file in ROOT.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        named |= set(re.findall(r'icon(?:_name|_end)?(?:\(|=)"([a-z0-9-]+)"', text))

    assert named <= icon_names()
    with pytest.raises(ValueError, match=r"icons\.txt"):
        icon("no-such-icon")


def test_icons_of_badges_are_in_the_sprite() -> None:
    """The same for what a status brings."""
    statuses = "live verified second_check draft expired rejected suspended archived won connected"

    for status in statuses.split():
        drawn = badge_kind(status)[1]
        assert drawn is None or drawn in icon_names()


def test_an_unlisted_status_is_neutral_and_readable() -> None:
    """A new state of a room shows its own words."""
    assert badge_kind("waiting_for_moon") == ("neutral", None, "Waiting for moon")


def test_pages_hold_no_inline_script_and_no_foreign_address() -> None:
    """The content security policy would stop both."""
    for file in ROOT.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), file
        assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text), file
        for script in re.findall(r"<script[^>]*>", text):
            assert "src=" in script or "application/json" in script, file


def test_style_sheets_use_logical_properties_only() -> None:
    """Left and right would be wrong for half of the readers."""
    for name in ("marque.css", "pages.css"):
        css = (ROOT / "default/static" / name).read_text(encoding="utf-8")
        found = re.findall(
            r"[;{\s](?:margin|padding|border)-(?:left|right)\s*:|[;{\s](?:left|right)\s*:", css
        )
        assert found == [], name


def test_static_addresses_change_with_the_content() -> None:
    """So they may be cached for ever."""
    assert re.fullmatch(r"/static/app\.js\?v=[0-9a-f]{10}", static("app.js"))


def test_pictures_are_escaped_and_sparklines_need_two_values() -> None:
    """The brand's own letters come from a tenant."""
    brand = Brand("<b>", "x", "<i", BrandColours("#0B2545", "#13A89E"))

    assert "<i" not in brand_mark(brand)
    assert "&lt;i" in favicon_svg(brand)
    assert sparkline([1]) == ""
    assert sparkline([1, 1, 1]).count("<path") == 2


def test_a_mail_carries_the_brand_twice_and_escapes_only_markup() -> None:
    """HTML in the brand's colours, and text that says the same."""
    html, text = render_mail(
        specimens.BRANDS[0],
        heading="Confirm & go",
        paragraphs=["Open the link."],
        action_label="Confirm",
        action_href="https://my.example/verify/x?a=1&b=2",
        facts=[("Account", "5012884")],
    )

    assert "#0B2545" in html
    assert "Confirm &amp; go" in html
    assert "Confirm & go" in text
    assert "https://my.example/verify/x?a=1&b=2" in text
    assert "Account: 5012884" in text


def test_what_a_mailbox_shows_beside_the_subject_ends_at_a_word() -> None:
    """The first paragraph that says something, whole or shortened, and seen to be so."""
    said = "Your documents are accepted and your account opens by itself. " * 4
    html, _ = render_mail(specimens.BRANDS[0], heading="News", paragraphs=["Hello,", said])
    short, _ = render_mail(specimens.BRANDS[0], heading="News", paragraphs=["Hello,", said[:62]])

    shown = html.partition("mso-hide:all")[2].partition("&#847;")[0]
    assert shown.endswith(" Your documents…")
    assert said[:61] in short.partition("mso-hide:all")[2].partition("&#847;")[0]
