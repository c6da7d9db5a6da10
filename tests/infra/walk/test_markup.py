"""What the walk reads from a page."""

import pytest

from infra.walk.markup import Missing, Page

HTML = """<!doctype html><title>A page</title><style>p{}</style>
<form method="post" action="/send" enctype="multipart/form-data">
<input type="hidden" name="_csrf_token" value="abc"><input name="email" value="a@b.example">
<select name="country"><option value="">Choose</option><option value="GB" selected>UK</option>
</select><input type="radio" name="plan" value="one"><input type="radio" name="plan" value="two"
checked><textarea name="note">Hello</textarea><input type="file" name="paper">
<button name="go" value="1">Send</button></form>
<table><tr><th>Deal</th><th>Amount</th></tr>
<tr><td><a href="/deals/7">7</a></td><td><bdi dir="ltr">1,234.50<span>USD</span></bdi></td></tr>
</table><script>var hidden = "never read"</script>"""


def page(status: int = 200) -> Page:
    """Return the page above."""
    return Page(status, "http://my.alpha.localhost:1/x/y", {}, HTML.encode())


def test_a_form_sends_what_a_browser_would() -> None:
    """Hidden, typed, selected, checked and multi-line values; files and buttons apart."""
    form = page().form("email", action="/send")
    assert form.action == "http://my.alpha.localhost:1/send"
    assert form.fields == {
        "_csrf_token": "abc",
        "email": "a@b.example",
        "country": "GB",
        "plan": "two",
        "note": "Hello",
    }
    assert form.choices == {"country": ["", "GB"], "plan": ["one", "two"]}
    assert form.files == ["paper"]


def test_rows_hold_words_and_links() -> None:
    """A row is found by its words and leads on."""
    row = page().row("7", "1,234.50")
    assert row.cells == ["7", "1,234.50 USD"]
    assert row.links == ["http://my.alpha.localhost:1/deals/7"]


def test_scripts_and_styles_are_no_words() -> None:
    """A person does not read them."""
    assert "never read" not in page().words
    assert "p{}" not in page().words


def test_what_is_missing_is_named_with_what_is_there() -> None:
    """The message says what was expected and what was seen."""
    with pytest.raises(Missing, match=r"_csrf_token,email"):
        page().form("password")
    with pytest.raises(Missing, match=r"Deal \| Amount"):
        page().row("8")
    with pytest.raises(Missing, match=r"1,234\.50"):
        page().expect("9.99")
