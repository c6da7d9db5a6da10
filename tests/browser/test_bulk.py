"""Many leads are given to somebody without a mouse, and the list comes in place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from bench.eyes import Copy

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_leads_are_chosen_and_changed_by_keyboard(eyes: Browser, copy: Copy) -> None:
    """`j` and `x` choose, Shift+x chooses up to there; the bar counts; dry run, run, undo."""
    page = eyes.new_page()
    copy.sign_in(page, "sales", "meridian")
    page.goto(copy.address("team", "meridian", "/crm/leads?stage=new"))
    bar = page.locator(".bulk")
    expect(bar).to_be_hidden()

    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(bar).to_be_visible()
    expect(page.locator("[data-bulk-count]")).to_have_text("1 chosen")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-bulk-count]")).to_have_text("3 chosen")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    page.keyboard.press("x")

    stage = page.locator(".bulk button[value=stage]")
    stage.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/crm/leads/bulk/*")
    page.locator("[name=stage]").select_option("contacted")
    page.locator("form[action$='/check'] button[type=submit]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".bulk-h")).to_contain_text("1 chosen, 1 will change")
    page.locator("form[action$='/start'] button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".bulk-h")).to_contain_text("1 changed")
    page.locator("form[action$='/undo'] button").focus()
    page.keyboard.press("Enter")
    page.locator("form[action$='/start'] button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".bulk-h")).to_contain_text("1 set back")
    page.close()


def test_a_list_that_can_not_be_loaded_keeps_its_rows_and_offers_to_try_again(
    eyes: Browser, copy: Copy
) -> None:
    """Sorting loads in place; a failure says since when the rows are old; Retry brings them."""
    page = eyes.new_page()
    copy.sign_in(page, "owner", "meridian")
    page.goto(copy.address("team", "meridian", "/crm/leads"))
    rows = page.locator("[data-rows] tbody tr")
    before = rows.count()
    page.route("**/crm/leads?sort*", lambda route: route.abort())
    page.locator("th a", has_text="Score").click()
    expect(page.locator("[data-failed]")).to_contain_text("These rows are from")
    assert rows.count() == before
    page.unroute("**/crm/leads?sort*")
    page.locator("[data-failed] button").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Score")
    expect(page.locator("[data-failed]")).to_have_count(0)
    assert "sort=-score" in page.url
    page.close()
