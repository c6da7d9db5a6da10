"""The inbox as plain pages: no scripts, no colours that carry meaning, one style sheet."""

from datetime import datetime
from html import escape
from urllib.parse import urlencode

from connectors.mail.catcher.inbox import PAGE_MAX, Mail
from connectors.mail.catcher.parsing import Content

REFRESH_SECONDS = 5
STYLE = """
:root { color-scheme: light dark; --line: #d5d9e0; --soft: #f4f6f9; --quiet: #55606e;
  --link: #0b57c2; --back: #fff; --ink: #16202c; }
@media (prefers-color-scheme: dark) { :root { --line: #38424f; --soft: #1c242e; --quiet: #a9b4c1;
  --link: #8ab8ff; --back: #12181f; --ink: #e8edf3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); } a:focus-visible, input:focus-visible, button:focus-visible {
  outline: 3px solid var(--link); outline-offset: 2px; }
header, main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
header { border-bottom: 1px solid var(--line); }
h1 { font-size: 1.4rem; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }
label { display: block; font-size: .875rem; color: var(--quiet); }
input, button { font: inherit; padding: .4rem .7rem; border: 1px solid var(--quiet);
  border-radius: .4rem; background: var(--back); color: var(--ink); }
input { width: 20rem; max-width: 100%; } button { cursor: pointer; background: var(--soft); }
ol.mails { list-style: none; margin: 0; padding: 0; }
ol.mails li { border-bottom: 1px solid var(--line); padding: .6rem 0; }
ol.mails a { font-weight: 600; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .875rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .8rem;
  border-radius: .4rem; font: .9rem/1.5 ui-monospace, monospace; margin: 0; }
iframe { width: 100%; height: 60vh; border: 1px solid var(--line); border-radius: .4rem;
  background: #fff; }
"""


def _page(title: str, head: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><header>{head}</header><main>{body}</main></body></html>"
    ).encode()


def _when(at: str) -> str:
    shown = datetime.fromisoformat(at).strftime("%d %b %Y, %H:%M:%S UTC")
    return f'<time datetime="{escape(at)}">{shown}</time>'


def listing(mails: list[Mail], *, to: str, refreshing: bool) -> bytes:
    """Return the page that lists mails, newest first."""
    switch = urlencode({"to": to, "refresh": "off" if refreshing else "on"})
    toggle = (
        f'This page renews itself every {REFRESH_SECONDS} seconds. <a href="/?{switch}">Stop</a>'
        if refreshing
        else f'This page stands still. <a href="/?{switch}">Renew it by itself</a>'
    )
    kept = "" if refreshing else '<input type="hidden" name="refresh" value="off">'
    head = (
        "<h1>Caught mail</h1>"
        '<form action="/" role="search"><div><label for="to">Recipient contains</label>'
        f'<input id="to" name="to" type="search" value="{escape(to)}" autocomplete="off"></div>'
        f'{kept}<button>Search</button></form><p class="quiet">{toggle}</p>'
    )
    if not mails:
        nobody = f"No mail to an address with “{escape(to)}” yet." if to else "No mail yet."
        return _page("Caught mail", head, f"<p>{nobody} New mail appears here by itself.</p>")
    rows = "".join(
        f'<li><a href="/messages/{mail.id}">{escape(mail.subject) or "(no subject)"}</a>'
        f'<div class="quiet">to {escape(mail.recipients)}, from {escape(mail.sender)}, '
        f"{_when(mail.at)}</div></li>"
        for mail in mails
    )
    more = ""
    if len(mails) == PAGE_MAX:
        older = urlencode({"to": to, "before": mails[-1].id, "refresh": "off"})
        more = f'<p><a href="/?{older}">Older mail</a></p>'
    return _page("Caught mail", head, f'<ol class="mails">{rows}</ol>{more}')


def single(mail: Mail, content: Content) -> bytes:
    """Return the page of one mail; its HTML part stands in a frame that can do nothing."""
    head = (
        f'<p class="quiet"><a href="/">All mail</a></p>'
        f"<h1>{escape(mail.subject) or '(no subject)'}</h1>"
        f"<dl><dt>To</dt><dd>{escape(mail.recipients)}</dd>"
        f"<dt>From</dt><dd>{escape(mail.sender)}</dd><dt>At</dt><dd>{_when(mail.at)}</dd></dl>"
    )
    body = ""
    if content.links:
        items = "".join(
            f'<li><a href="{escape(link)}" rel="noreferrer noopener">{escape(link)}</a></li>'
            for link in content.links
        )
        body += f'<h2>Links in this mail</h2><ul class="quiet">{items}</ul>'
    if content.html:
        body += (
            '<h2>Formatted</h2><iframe title="The mail as it is formatted" '
            'sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" '
            f'src="/messages/{mail.id}/html"></iframe>'
        )
    if content.text or not content.html:
        body += f"<h2>Text</h2><pre>{escape(content.text) or '(empty)'}</pre>"
    if content.parts:
        items = "".join(
            f'<li><a href="/messages/{mail.id}/parts/{part.number}">{escape(part.name)}</a> '
            f'<span class="quiet">{escape(part.kind)}, {len(part.data)} bytes</span></li>'
            for part in content.parts
        )
        body += f"<h2>Attachments</h2><ul>{items}</ul>"
    return _page(mail.subject or "(no subject)", head, body)


def problem(title: str, detail: str) -> bytes:
    """Return the page that says what went wrong and where to go on."""
    return _page(
        title,
        f"<h1>{escape(title)}</h1>",
        f'<p>{escape(detail)}</p><p><a href="/">All mail</a></p>',
    )
