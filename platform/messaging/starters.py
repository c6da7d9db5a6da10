"""What an author begins with: the built-in text of an event as a template, or a suggestion.

A built-in mail is written with `{{ name }}` in the place of each value, so that a template
begins with exactly what is sent without one, in each language.
"""

from __future__ import annotations

from html import escape

from kernel.language import gettext, marked, speaking
from messaging import texts
from messaging.liquid import variables

_SMS = {
    "kyc_approved": marked(
        "{{ brand.name }}: your documents are accepted. Your account opens now."
    ),
    "deposit_received": marked(
        "{{ brand.name }}: {{ amount }} received, reference {{ reference }}."
    ),
}
_BLOCKS = {
    "receipt": marked("Questions about this deposit? Write to {{ brand.support_email }}."),
    "statement": marked("Questions about this statement? Write to {{ brand.support_email }}."),
}
_P = '<p style="margin:0 0 14px">{}</p>'
_FACT = (
    '<tr><td style="padding:10px 0;color:#626b7d">{}</td>'
    '<td style="padding:10px 0;font-weight:600">{}</td></tr>'
)
_SECTIONS = {
    "below_hero": """<div class="lband"><h2>{heading}</h2>
<p class="lintro">{intro}</p>
<p><a class="btn btn-primary" href="{{{{ register_href }}}}">{act}</a></p></div>""",
    "features": """<h2>{heading}</h2>
<div class="g3">
<article class="lcard"><h3>{heading}</h3><p>{intro}</p></article>
<article class="lcard"><h3>{heading}</h3><p>{intro}</p></article>
<article class="lcard"><h3>{heading}</h3><p>{intro}</p></article>
</div>""",
    "faq": """<h2>{heading}</h2>
<details class="lcard"><summary>{heading}</summary><p>{intro}</p></details>
<details class="lcard"><summary>{heading}</summary><p>{intro}</p></details>""",
    "closing": """<h2>{heading}</h2>
<p class="lintro">{intro}</p>
<p><a class="btn btn-primary" href="{{{{ register_href }}}}">{act}</a>
<a class="btn btn-line" href="{{{{ sign_in_href }}}}">{enter}</a></p>""",
}


def has_built_in(kind: str) -> bool:
    """Say whether something is sent or shown where a tenant wrote nothing."""
    return kind in variables.MAIL_KINDS


def source(event: str, *, language: str, kind: str) -> str:
    """Return the template that an author begins with; raises NotFound for an unknown event."""
    declared = variables.event(event)
    with speaking(language):
        if declared.group == "site":
            return _section(event)
        if declared.group == "document":
            return gettext(_BLOCKS[event])
        if kind == "sms":
            return gettext(_SMS[event])
    letter = _letter(declared, language)
    if kind == "subject":
        return letter.subject
    return _html(letter) if kind == "html" else _text(letter)


def _letter(declared: variables.Event, language: str) -> texts.Letter:
    names = {one.name for one in declared.variables}
    context = {name: f"{{{{ {name} }}}}" for name in names if "." not in name}
    return texts.write(declared.name, brand="{{ brand.name }}", context=context, language=language)


def _html(letter: texts.Letter) -> str:
    parts = [
        f'<h1 style="margin:0 0 14px;font-size:22px">{escape(letter.heading, quote=False)}</h1>'
    ]
    parts += [_P.format(escape(one, quote=False)) for one in letter.paragraphs]
    if letter.facts:
        rows = "\n".join(_FACT.format(escape(name), value) for name, value in letter.facts)
        parts.append(f'<table width="100%">\n{rows}\n</table>')
    if letter.action_href:
        label = escape(letter.action_label or "", quote=False)
        parts.append(
            f'<p style="margin:20px 0"><a href="{letter.action_href}"'
            f' style="font-weight:600">{label}</a></p>'
        )
    if letter.footer:
        parts.append(f'<p style="font-size:13px;color:#626b7d">{escape(letter.footer)}</p>')
    return "\n".join(parts)


def _text(letter: texts.Letter) -> str:
    parts = [letter.heading, *letter.paragraphs]
    if letter.facts:
        parts.append("\n".join(f"{name}: {value}" for name, value in letter.facts))
    if letter.action_href:
        parts.append(f"{letter.action_label}:\n{letter.action_href}")
    if letter.footer:
        parts.append(letter.footer)
    return "\n\n".join(parts)


def _section(event: str) -> str:
    return _SECTIONS[event].format(
        heading=gettext("A heading of yours"),
        intro=gettext("Say it here in a sentence or two."),
        act=gettext("Open account"),
        enter=gettext("Sign in"),
    )
