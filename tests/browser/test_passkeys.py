"""A passkey in Chromium: made on the security page, then alone enough to sign in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from bench.eyes import Copy
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
_KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_made_and_signs_in_alone(eyes: Browser, copy: Copy) -> None:
    """DevTools' virtual authenticator stands in for a finger on the reader."""
    agent = Visitor(eyes, copy)
    page = agent.page
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": _KEY})
    agent.sign_in("jonas", "meridian")
    agent.go("team", "meridian", "/security")
    page.goto(copy.address("team", "meridian", "/security/add"))
    if "/security/confirm" in page.url:
        pytest.skip("the session of another test is used, whose proof is too old")
    agent.look()
    agent.fill(name="Jonas' laptop")
    agent.send("Make a passkey")
    agent.reads("Jonas' laptop")

    page.context.clear_cookies()
    page.goto(copy.address("team", "meridian", "/login"))
    agent.follow("a[href^='/login/passkey']")
    agent.send("Use a passkey")
    expect(page).not_to_have_url(copy.address("team", "meridian", "/login/passkey"))
    agent.go("team", "meridian", "/security")
    agent.reads("Last used")

    assert agent.leave() == []
