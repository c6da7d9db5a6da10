"""Templates that mean harm, and honest ones with the text that each must give."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.liquid.variables import Plain

HTML, TEXT, SUBJECT, SMS = "html", "text", "subject", "sms"
PDF, LANDING = "pdf_block", "landing"
HTMLS = frozenset({HTML, LANDING})

VALUES: dict[str, Plain] = {
    "name": "Omar <b>Haddad</b>",
    "link": "https://my.example.com/t/abc?x=1&y=2",
    "amount": "1250.50",
    "currency": "USD",
    "language": "en",
    "count": 3,
    "vip": True,
    "nothing": "",
    "evil": "\"><script>steal()</script><a href='javascript:x'>",
    "newlines": "Hello\r\nBcc: victim@example.com\x00\x1b[2J",
    "js": "javascript:alert(1)",
    "encoded": "%3Cscript%3Ealert(1)%3C/script%3E",
    "backwards": "gpj.\u202eexe",
    "deposits": [
        {"reference": "D-1", "amount": "100"},
        {"reference": "D-2", "amount": "2250.5"},
    ],
    "brand": {"name": "Alpha & Co"},
}
# None of these may ever stand in what comes out: they are outside the values.
SECRETS = ("SECRET_IN_ENVIRONMENT", "root:x:0", "object at 0x", "<class ", "<function", "site-pack")


@dataclass(frozen=True)
class Hostile:
    """One attack, by name; `ends` is expensive, invalid or harmless (a text comes out).

    On a slow machine any of them may end as expensive.
    """

    name: str
    source: str
    kind: str = TEXT
    ends: str = "harmless"


_DOUBLE = "{% assign a = 'abcdefghijklmnopqrstuvwxyz' %}"
_GROW = "{% assign a = a | append: a %}"


def _loops(depth: int, count: int) -> str:
    head = "".join(f"{{% for i{n} in (1..{count}) %}}" for n in range(depth))
    return head + "x" + "{% endfor %}" * depth


HOSTILE = (
    # Loops and ranges.
    Hostile("huge loop", _loops(1, 100_000_000), ends="expensive"),
    Hostile("loop one above the limit", _loops(1, 10_001), ends="expensive"),
    Hostile("nested loops", _loops(3, 100), ends="expensive"),
    Hostile("nine nested loops", _loops(9, 9), ends="expensive"),
    Hostile("loops in a row", _loops(1, 9_999) * 400, ends="expensive"),
    Hostile(
        "reversed giant range",
        "{% for i in (1..3000000000) reversed %}x{% endfor %}",
        ends="expensive",
    ),
    Hostile(
        "reversed range for seconds",
        "{% for i in (1..3000000) reversed limit: 1 %}x{% endfor %}" * 40,
    ),
    Hostile(
        "range over every int",
        "{% for i in (1..99999999999999999999999) %}{% endfor %}",
        ends="invalid",
    ),
    Hostile(
        "offset far away",
        "{% for i in (1..9999999999) offset: 9999999990 %}x{% endfor %}",
        ends="expensive",
    ),
    Hostile("range joined", "{{ (1..900000000) | join: ',' }}", ends="expensive"),
    Hostile("range sized", "{{ (1..900000000) | size }}"),
    Hostile("range printed", "{{ (1..900000000) }}"),
    Hostile("loop without body", _loops(1, 9_999).replace("x", "") * 300, ends="expensive"),
    Hostile("loop that assigns", "{% for i in (1..9000) %}" + _GROW + "{% endfor %}"),
    # Strings that grow.
    Hostile("doubling by append", _DOUBLE + _GROW * 40, ends="expensive"),
    Hostile(
        "doubling in a loop",
        _DOUBLE + "{% for i in (1..60) %}" + _GROW + "{% endfor %}",
        ends="expensive",
    ),
    Hostile(
        "replace multiplies",
        _DOUBLE + _GROW * 9 + "{{ a | replace: 'a', a | replace: 'b', a }}",
        ends="expensive",
    ),
    Hostile(
        "replace of a single letter",
        "{{ '" + "a" * 2_000 + "' | replace: 'a', '" + "b" * 2_000 + "' }}",
        ends="expensive",
    ),
    Hostile("replace of nothing", "{{ name | replace: '', 'xxxxxxxxxxxx' }}"),
    Hostile(
        "join multiplies",
        "{{ '" + "a," * 900 + "' | split: ',' | join: '" + "b" * 9_000 + "' }}",
        ends="expensive",
    ),
    Hostile(
        "capture grows",
        "{% capture a %}xxxxxxxxxxxxxxxx{% endcapture %}"
        + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 40,
        ends="expensive",
    ),
    Hostile(
        "capture in a loop",
        "{% assign a = 'xxxxxxxx' %}{% for i in (1..99) %}"
        "{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}",
        ends="expensive",
    ),
    Hostile("prepend grows", _DOUBLE + "{% assign a = a | prepend: a %}" * 40, ends="expensive"),
    Hostile("a million strings", "{% assign a = 'x' | split: '' %}" * 2_000),
    Hostile("split into letters", "{{ '" + "ab" * 9_000 + "' | split: '' }}", ends="expensive"),
    Hostile(
        "output flood", "{% for i in (1..9999) %}" + "x" * 200 + "{% endfor %}", ends="expensive"
    ),
    Hostile(
        "escape grows",
        _DOUBLE.replace("abc", "&&&") + _GROW * 9 + "{{ a | escape }}" * 30,
        ends="expensive",
    ),
    Hostile("url_encode grows", "{{ '" + "ش" * 5_000 + "' | url_encode }}"),
    Hostile("many variables", "".join(f"{{% assign v{n} = n %}}" for n in range(2_500))),
    # Numbers.
    Hostile(
        "powers by times",
        "{% assign n = 9999999 %}" + "{% assign n = n | times: n %}" * 30,
        ends="invalid",
    ),
    Hostile("an endless number", "{{ " + "9" * 5_000 + " | plus: 1 }}", ends="invalid"),
    Hostile("an exponent", "{{ '1e999999999' | plus: 1 }}", ends="invalid"),
    Hostile("a small exponent", "{{ '1e-999999999' | plus: 1 }}"),
    Hostile("not a number", "{{ 'nan' | plus: 1 }}{{ 'inf' | times: 2 }}", ends="invalid"),
    Hostile("division by zero", "{{ 1 | divided_by: 0 }}", ends="invalid"),
    Hostile("rounded to a billion", "{{ 1.5 | round: 1000000000 }}"),
    Hostile("money to a billion places", "{{ 1.5 | money: 'USD', 'en', 1000000000 }}"),
    Hostile("truncate backwards", "{{ name | truncate: -99999999 }}"),
    Hostile("slice far away", "{{ name | slice: -99999999, 99999999 }}"),
    # Dates and patterns.
    Hostile("date width", "{{ '2026-01-01' | date: '%999999999d' }}", ends="invalid"),
    Hostile("date flood", "{{ '2026-01-01' | date: '" + "%B" * 9_000 + "' }}", ends="invalid"),
    Hostile("date of a novel", "{{ '" + "1" * 30_000 + "' | date: '%Y' }}", ends="invalid"),
    Hostile("the clock", "{{ now }}{{ today }}{{ 'now' | date: '%s' }}", ends="invalid"),
    Hostile(
        "a pattern filter",
        "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa!' | regex: '(a+)+$' }}",
        ends="invalid",
    ),
    # Other templates and other tags.
    Hostile("include", "{% include '/etc/passwd' %}", ends="invalid"),
    Hostile("render", "{% render 'mail' %}", ends="invalid"),
    Hostile("extends", "{% extends 'layout' %}{% block x %}{% endblock %}", ends="invalid"),
    Hostile("macro", "{% macro f %}{% call f %}{% endmacro %}{% call f %}", ends="invalid"),
    Hostile("import", "{% import os %}", ends="invalid"),
    Hostile("tablerow", "{% tablerow i in (1..999) cols: 0 %}x{% endtablerow %}", ends="invalid"),
    Hostile("the safe filter", "{{ evil | safe }}", HTML, ends="invalid"),
    Hostile("base64", "{{ 'PHNjcmlwdD4=' | base64_decode }}", HTML, ends="invalid"),
    Hostile("Jinja", "{{ self.__init__.__globals__ }}{% set x = 1 %}", ends="invalid"),
    # Reaching for what is behind the values.
    Hostile("class", "{{ name.__class__.__mro__[1].__subclasses__ }}{{ name.__class__ }}"),
    Hostile("class by brackets", "{{ name['__class__'] }}{{ brand['__init__']['__globals__'] }}"),
    Hostile("methods", "{{ brand.items }}{{ brand.keys }}{{ deposits.append }}{{ name.format }}"),
    Hostile(
        "forloop",
        "{% for d in deposits %}{{ forloop.__class__ }}{{ forloop.parentloop }}"
        "{{ forloop.it }}{{ forloop.item }}{% endfor %}",
    ),
    Hostile("undefined", "{{ ghost.obj }}{{ ghost.token.source }}{{ ghost.name.__class__ }}"),
    Hostile("environment", "{{ environ }}{{ os.environ.PATH }}{{ settings.secret_key }}"),
    Hostile("context", "{{ context.env.loader }}{{ template.env }}{{ globals }}{{ locals }}"),
    Hostile("format string", "{{ '{0.__class__}' | append: name }}{{ '%(x)s' }}"),
    # Depth and size.
    Hostile("deep blocks", "{% if vip %}" * 500 + "x" + "{% endif %}" * 500, ends="expensive"),
    Hostile("deep brackets", "{{ a" + "[b" * 5_000 + "]" * 5_000 + " }}", ends="expensive"),
    Hostile("a chain of filters", "{{ name" + " | upcase" * 6_000 + " }}"),
    Hostile("a long condition", "{% if a" + " and a" * 9_000 + " %}x{% endif %}", ends="expensive"),
    Hostile("a megabyte", "x" * 1_048_576, ends="expensive"),
    Hostile(
        "a megabyte of text in a value", "{{ '" + "x" * 60_000 + "' | upcase }}", ends="expensive"
    ),
    Hostile("open braces", "{{" * 30_000, ends="invalid"),
    Hostile("open tags", "{%" * 30_000, ends="invalid"),
    Hostile("raw without end", "{% raw %}" * 6_000, ends="invalid"),
    Hostile("comments in comments", "{% comment %}" * 4_000, ends="invalid"),
    Hostile("a quote without end", "{{ '" + "a" * 60_000 + " }}", ends="invalid"),
    Hostile("unclosed if", "{% if vip %}x", ends="invalid"),
    Hostile("unclosed for", "{% for i in deposits %}x", ends="invalid"),
    Hostile("closed twice", "{% if vip %}x{% endif %}{% endif %}", ends="invalid"),
    Hostile("a lone surrogate", "x\ud800y {{ name }}"),
    Hostile("NUL bytes", "x\x00{{ name }}\x00" * 50),
    # Headers.
    Hostile("line breaks in a subject", "Hi\r\nBcc: victim@example.com\r\n\r\nbody", SUBJECT),
    Hostile("line breaks from a value", "Hi {{ newlines }}", SUBJECT),
    Hostile("other line separators", "Hi\u2028Bcc: x\u2029y\x85z\x0bq", SUBJECT),
    Hostile("right to left in a subject", "Invoice {{ backwards }}\u2066x\u2069\u202d", SUBJECT),
    Hostile("an endless subject", "{% for i in (1..5000) %}long {% endfor %}", SUBJECT),
    Hostile("an endless SMS", "{% for i in (1..5000) %}long {% endfor %}", SMS),
    # HTML.
    Hostile("script", "<script>alert(1)</script>", HTML),
    Hostile("script in pieces", "<scr<script>ipt>alert(1)</scr</script>ipt>", HTML),
    Hostile("script by values", "<p>{{ evil }}</p>", HTML),
    Hostile("value in an attribute", "<p title={{ evil }}>x</p>", HTML),
    Hostile("value as an attribute", "<p {{ evil }} onclick={{ js }}>x</p>", HTML),
    Hostile("value as an element", "<{{ 'script' }}>x</{{ 'script' }}>", HTML),
    Hostile("javascript link", "<a href='javascript:alert(1)'>x</a>", HTML),
    Hostile("javascript by a value", "<a href='{{ js }}'>x</a>", HTML),
    Hostile("javascript disguised", "<a href=' jAva\tscript&colon;alert(1)'>x</a>", HTML),
    Hostile("data link", "<a href='data:text/html,<script>x</script>'>x</a>", HTML),
    Hostile("another host", "<a href='//evil.example'>x</a><a href='/\\evil.example'>x</a>", HTML),
    Hostile("http link", "<a href='http://evil.example/'>x</a>", HTML),
    Hostile("handler", "<img src=x onerror=alert(1)><b onmouseover='x()'>y</b>", HTML),
    Hostile("svg", "<svg onload=alert(1)><a xlink:href='javascript:x'>y</a></svg>", HTML),
    Hostile("iframe", "<iframe src='https://evil.example'></iframe>", HTML),
    Hostile("form", "<form action='https://evil.example'><input name=password></form>", HTML),
    Hostile("style", "<p style='background:url(https://evil.example)'>x</p>", HTML),
    Hostile("style that covers", "<p style='position:fixed;color:expression(x())'>x</p>", HTML),
    Hostile("style sheet", "<style>@import 'https://evil.example';</style>", HTML),
    Hostile("base and meta", "<base href='https://evil.example'><meta http-equiv=refresh>", HTML),
    Hostile("comment trick", "<!--[if mso]><script>x</script><![endif]--><![CDATA[<b>]]>", HTML),
    Hostile("unclosed script", "x<script>alert(1)", HTML),
    Hostile("unclosed elements", "<div>" * 3_000, HTML),
    Hostile("many brackets", "<" * 30_000, HTML),
    Hostile("decoded value", "{{ encoded | url_decode }}", HTML, ends="invalid"),
    Hostile(
        "captured value",
        "{% capture a %}{{ evil }}{% endcapture %}{{ a | upcase }}"
        "{{ a | replace: '&lt;', '<' | replace: '&gt;', '>' }}",
        HTML,
    ),
    # SMS: what is sent costs money and is shown by a telephone.
    Hostile("line breaks in an SMS", "Code 1\r\nTo: +4900000\r\n\x00{{ newlines }}", SMS),
    Hostile("right to left in an SMS", "Pay {{ backwards }}\u2066to\u2069", SMS),
    Hostile("an SMS that grows", _DOUBLE + _GROW * 40 + "{{ a }}", SMS, ends="expensive"),
    Hostile("an SMS of loops", _loops(4, 99), SMS, ends="expensive"),
    Hostile("an SMS with markup", "{{ evil }}<script>x</script>", SMS),
    # Blocks of documents: what is set in a PDF is text, whatever it looks like.
    Hostile("typesetting commands", '#read("/etc/passwd") #import "x" $ x $ \\input{x}', PDF),
    Hostile("control characters in a document", "a\x00b\x1b[2J{{ newlines }}{{ backwards }}", PDF),
    Hostile("an endless document", "{% for i in (1..5000) %}long {% endfor %}", PDF),
    Hostile("a document of loops", _loops(9, 9), PDF, ends="expensive"),
    Hostile("a document that reads files", "{% include '/etc/passwd' %}", PDF, ends="invalid"),
    # Sections of the public site: visitors' sessions are on the same host.
    Hostile("a section with a script", "<h2>x</h2><script>alert(1)</script>", LANDING),
    Hostile("a section that covers the page", "<p style='position:fixed;inset:0'>x</p>", LANDING),
    Hostile("a section that imitates", "<section class='lform side btn'>x</section>", LANDING),
    Hostile("a section with an id", "<p id='contact' name='x'>x</p>", LANDING),
    Hostile("a section with a form", "<form action='/login'><input name=password></form>", LANDING),
    Hostile("a section with a handler", "<details open ontoggle=alert(1)>x</details>", LANDING),
    Hostile("a section with htmx", "<a hx-get='/x' data-hx-on='x' x-init='y'>x</a>", LANDING),
    Hostile("a section that leads astray", "<a class='btn' href='{{ js }}'>x</a>", LANDING),
    Hostile("a section that closes the page", "</section></main></body><h2>x</h2>", LANDING),
    Hostile("a section by a value", "<details><summary>{{ evil }}</summary></details>", LANDING),
    Hostile("a section that loads", "<img src='https://evil.example/x.png'>", LANDING),
    Hostile("a section that floods", "<p>" * 9_000 + _loops(3, 100), LANDING, ends="expensive"),
    Hostile("mail with a header", "<a href='mailto:a@b.example?bcc=x@y.example'>x</a>", HTML),
)


@dataclass(frozen=True)
class Honest:
    """One template as an author would write it, and its text to the letter."""

    name: str
    source: str
    text: str
    kind: str = TEXT


_COUNTED = "{{ count | plural: 'en', one: 'one deposit', other: 'many deposits' }}"
_ARABIC = (
    "{% for n in counts %}{{ n | plural: 'ar', zero: 'لا إيداعات', one: 'إيداع واحد',"
    " two: 'إيداعان', few: 'إيداعات', many: 'إيداعًا', other: 'إيداع' }};{% endfor %}"
)

HONEST = (
    Honest("a greeting", "Hello {{ brand.name }}", "Hello Alpha & Co"),
    Honest("escaped for HTML", "<p>{{ name }}</p>", "<p>Omar &lt;b&gt;Haddad&lt;/b&gt;</p>", HTML),
    Honest("plain in text", "{{ name }}", "Omar <b>Haddad</b>"),
    Honest("Arabic", "مرحبا {{ brand.name }}، وصل {{ amount }}", "مرحبا Alpha & Co، وصل 1250.50"),
    Honest("Arabic in HTML", "<p dir='rtl'>أهلاً</p>", '<p dir="rtl">أهلاً</p>', HTML),
    Honest(
        "a link",
        "<a href='{{ link }}' style='color:#fff; padding: 4px'>Go</a>",
        '<a href="https://my.example.com/t/abc?x=1&amp;y=2" style="color:#fff;padding:4px">Go</a>',
        HTML,
    ),
    Honest("money", "{{ amount | money: currency }}", "1,250.50 USD"),
    Honest("money in German", "{{ amount | money: 'EUR', 'de' }}", "1.250,50 EUR"),
    Honest("money without places", "{{ 1250 | money: 'JPY', 'en', 0 }}", "1,250 JPY"),
    Honest("a condition", "{% if vip %}Dear{% else %}Hi{% endif %} you", "Dear you"),
    Honest("unless", "{% unless nothing == '' %}x{% else %}none{% endunless %}", "none"),
    Honest(
        "a case",
        "{% case currency %}{% when 'EUR' %}€{% when 'USD' %}${% else %}?{% endcase %}",
        "$",
    ),
    Honest(
        "a loop",
        "{% for d in deposits %}{{ forloop.index }}. {{ d.reference }}: {{ d.amount | money }}"
        "{% unless forloop.last %}\n{% endunless %}{% endfor %}",
        "1. D-1: 100.00\n2. D-2: 2,250.50",
    ),
    Honest(
        "a table",
        "<table><tr>{% for d in deposits %}<td>{{ d.reference }}</td>{% endfor %}</tr></table>",
        "<table><tr><td>D-1</td><td>D-2</td></tr></table>",
        HTML,
    ),
    Honest(
        "a sum",
        "{% assign all = 0 %}{% for d in deposits %}{% assign all = all | plus: d.amount %}"
        "{% endfor %}{{ all | money: 'USD' }}",
        "2,350.50 USD",
    ),
    Honest("a count", _COUNTED, "many deposits"),
    Honest(
        "Arabic counts",
        _ARABIC.replace("counts", "(0..11)"),
        "لا إيداعات;إيداع واحد;إيداعان;" + "إيداعات;" * 8 + "إيداعًا;",
    ),
    Honest("a default", "Hello {{ nothing | default: 'friend' }}", "Hello friend"),
    Honest("an unknown value is empty", "[{{ ghost }}{{ ghost.deep }}]", "[]"),
    Honest("a date", "{{ '2026-11-24T10:15:00+00:00' | date: '%d %B %Y' }}", "24 November 2026"),
    Honest(
        "a subject",
        "{{ brand.name }}: {{ amount | money: currency }}",
        "Alpha & Co: 1,250.50 USD",
        SUBJECT,
    ),
    Honest(
        "an SMS", "{{ brand.name }}: code {{ count | times: 1000 }}", "Alpha & Co: code 3000", SMS
    ),
    Honest(
        "captured",
        "{% capture who %}{{ brand.name | upcase }}{% endcapture %}{{ who }}!",
        "ALPHA &amp; CO!".replace("&amp;", "&"),
    ),
    Honest(
        "a note on a document",
        "Questions?\nWrite to {{ brand.name }} about {{ amount | money: currency }}.",
        "Questions?\nWrite to Alpha & Co about 1,250.50 USD.",
        PDF,
    ),
    Honest(
        "a section of the front page",
        "<div class='g3'><article class='lcard'><h3>{{ brand.name }}</h3></article></div>"
        "<p><a class='btn btn-primary' href='/go/register'>Go</a></p>",
        '<div class="g3"><article class="lcard"><h3>Alpha &amp; Co</h3></article></div>'
        '<p><a class="btn btn-primary" href="/go/register">Go</a></p>',
        LANDING,
    ),
    Honest(
        "questions and answers",
        "<details class='lcard'><summary>Fees?</summary><p>None.</p></details>",
        '<details class="lcard"><summary>Fees?</summary><p>None.</p></details>',
        LANDING,
    ),
    Honest("lines", "<p>{{ 'a' | append: '<' | newline_to_br }}</p>", "<p>a&lt;</p>", HTML),
)
