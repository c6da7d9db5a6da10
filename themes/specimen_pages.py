"""Contexts of the trader, sign-in and public specimens of the catalogue, English and Arabic."""

from decimal import Decimal
from typing import Any

from themes.page import Brand
from themes.specimens import EMPTY_FORM, money, staff_context

_ENGLISH = {
    "greeting": "Good morning, Sofia",
    "fact": "One step left before you can withdraw. It takes about two minutes.",
    "get_platform": "Get MetaTrader 5",
    "wallet_label": "Wallet · available now",
    "held": "Held in segregated client accounts",
    "setup_title": "Finish setting up",
    "accounts_title": "Trading accounts",
    "open_label": "Open account",
    "equity_label": "Equity",
    "trade_label": "Trade",
    "fund_label": "Add funds",
    "activity_title": "Recent activity",
    "see_all": "See all",
    "positions_title": "Open positions",
    "badge": "Live",
    "actions": ("Deposit", "Withdraw", "Transfer", "Convert"),
    "columns": ("Symbol", "Side", "Lots", "Profit or loss"),
    "sides": ("Buy", "Sell"),
    "accounts": ("Everyday", "Raw spread"),
    "activity": ("Deposit by SEPA Instant", "Transfer to 5012884", "Converted EUR to USD"),
    "when": ("Today 09:12", "Yesterday 17:40", "20 Nov"),
    "steps": (
        ("ok", "Profile, identity and questions", ""),
        ("wait", "Proof of address", "We are checking it. Answer today by 14:00."),
        ("now", "Turn on two-step sign-in", "Needed for withdrawals"),
    ),
    "turn_on": "Turn on",
}
_ARABIC = {
    "greeting": "صباح الخير يا ليلى",
    "fact": "بقيت خطوة واحدة قبل أن تتمكني من السحب. تستغرق دقيقتين تقريبًا.",
    "get_platform": "تنزيل MetaTrader 5",
    "wallet_label": "المحفظة · متاح الآن",
    "held": "محفوظة في حسابات عملاء منفصلة",
    "setup_title": "أكملي إعداد حسابك",
    "accounts_title": "حسابات التداول",
    "open_label": "فتح حساب",
    "equity_label": "حقوق الملكية",
    "trade_label": "تداول",
    "fund_label": "إضافة أموال",
    "activity_title": "آخر الحركات",
    "see_all": "عرض الكل",
    "positions_title": "الصفقات المفتوحة",
    "badge": "حقيقي",
    "actions": ("إيداع", "سحب", "تحويل", "صرف العملة"),
    "columns": ("الرمز", "الاتجاه", "اللوت", "الربح أو الخسارة"),
    "sides": ("شراء", "بيع"),
    "accounts": ("بدون فوائد تبييت", "الذهب فقط"),
    "activity": ("إيداع بتحويل بنكي", "تحويل إلى حساب", "صرف درهم إلى دولار"),
    "when": ("اليوم 09:12", "أمس 17:40", "20 نوفمبر"),
    "steps": (
        ("ok", "الملف والهوية والأسئلة", ""),
        ("wait", "إثبات العنوان", "نراجعه الآن. الرد اليوم قبل 14:00."),
        ("now", "فعّلي الدخول بخطوتين", "مطلوب للسحب"),
    ),
    "turn_on": "تفعيل",
}


def trader_context(brand: Brand) -> dict[str, Any]:
    """Values for the trader's home page in the language of a brand."""
    words: dict[str, Any] = _ARABIC if brand.language == "ar" else _ENGLISH
    icons = ("plus", "arrow-up-right", "arrows-left-right", "refresh")
    drawn = ("arrow-down-left", "arrows-left-right", "refresh")
    symbol, side, lots, result = words["columns"]
    buy, sell = words["sides"]
    return {
        **staff_context(),
        **words,
        "actions": [
            {"label": label, "href": "#", "icon": icon, "flip": icon == "arrow-up-right"}
            for label, icon in zip(words["actions"], icons, strict=True)
        ],
        "checklist": [
            {"state": state, "label": label, "line": line}
            | ({"href": "#", "action": words["turn_on"]} if state == "now" else {})
            for state, label, line in words["steps"]
        ],
        "accounts": [
            {
                "name": name,
                "icon": icon,
                "login": f"MT5 · {login}",
                "badge": words["badge"],
                "equity": money(equity, "EUR"),
                "change": money(change, "EUR"),
                "spark": spark,
            }
            for name, icon, login, equity, change, spark in zip(
                words["accounts"],
                ("chart-candle", "bolt"),
                ("5012884", "5013107"),
                ("3353.35", "1876.40"),
                ("35.35", "-43.60"),
                ([1, 2, 1.6, 3, 4, 3.5, 5], [5, 4.4, 4.8, 4, 3.5, 3.1, 2]),
                strict=True,
            )
        ],
        "activity": [
            {"icon": icon, "title": title, "line": when, "value": money(value, "EUR")}
            for icon, title, when, value in zip(
                drawn,
                words["activity"],
                words["when"],
                ("500.00", "-750.00", "310.50"),
                strict=True,
            )
        ],
        "columns": [
            {"label": symbol, "key": "symbol"},
            {"label": side, "key": "side"},
            {"label": lots, "key": "lots", "end": True},
            {"label": result, "key": "revenue", "end": True},
        ],
        "positions": [
            {"symbol": "EURUSD", "side": buy, "lots": Decimal("0.10"), "revenue": money("15.21")},
            {"symbol": "XAUUSD", "side": buy, "lots": Decimal("0.02"), "revenue": money("15.94")},
            {"symbol": "GER40", "side": sell, "lots": Decimal("0.50"), "revenue": money("-4.20")},
        ],
    }


LEAD_FIELDS = [
    {"name": "name", "label": "Name", "autocomplete": "name"},
    {"name": "email", "label": "E-mail", "type": "email", "autocomplete": "email"},
    {"name": "phone", "label": "Phone", "type": "tel", "autocomplete": "tel", "optional": True},
]
_LEAD_FIELDS_ARABIC = [
    {"name": "name", "label": "الاسم", "autocomplete": "name"},
    {"name": "email", "label": "البريد الإلكتروني", "type": "email", "autocomplete": "email"},
    {"name": "phone", "label": "الهاتف", "type": "tel", "optional": True},
]


_LANDING_ARABIC: dict[str, Any] = {
    "fields": _LEAD_FIELDS_ARABIC,
    "form_heading": "تحدث إلى شخص أولًا",
    "form_sub": "اترك بياناتك ونتصل بك في يوم عمل.",
    "submit_label": "اطلب مكالمة",
    "headline": "تداول الذهب والعملات بوضوح تام",
    "sub": "ترى الرسوم وموعد الوصول قبل الدفع، وتتابع كل سحب خطوة بخطوة.",
    "ticks": ["حسابات عملاء منفصلة", "حساب بدون فوائد تبييت"],
    "facts": [
        {"icon": "lock", "value": "أموال منفصلة", "label": "لا تختلط بأموال الشركة"},
        {"icon": "receipt", "value": "رسوم معلنة", "label": "قبل كل عملية"},
        {"icon": "headset", "value": "دعم بالعربية", "label": "في أيام العمل"},
    ],
}
_LANDING: dict[str, Any] = {
    "fields": LEAD_FIELDS,
    "headline": "Trading where every number is explained",
    "sub": (
        "Currencies, metals and indices on MetaTrader 5. You see the fee and the arrival time "
        "before you pay, and follow each withdrawal step by step."
    ),
    "ticks": ["Segregated client accounts", "MetaTrader 5", "Free demo account"],
    "facts": [
        {"icon": "lock", "value": "Segregated funds", "label": "Client money is kept apart"},
        {"icon": "receipt", "value": "Fees before you pay", "label": "Nothing is added later"},
        {
            "icon": "clock-check",
            "value": "Withdrawals tracked",
            "label": "Each step has a time",
        },
    ],
    "features_intro": "Three things we do differently, and show rather than promise.",
    "features": [
        {
            "icon": "calculator",
            "title": "Costs that show their sums",
            "text": "Spread, commission and swap of each deal, in your currency.",
        },
        {
            "icon": "shield-check",
            "title": "Seven checks, up front",
            "text": "A withdrawal is checked before you send it, so that it gets paid.",
        },
        {
            "icon": "headset",
            "title": "People who answer",
            "text": "Write or call. A named person stays with your question.",
        },
    ],
    "accounts_intro": "Open one in a few minutes, try it with a demo balance first.",
    "accounts": [
        {
            "name": "Everyday",
            "price": "From 1.0 points",
            "line": "No commission",
            "facts": [("First deposit", "50 EUR"), ("Leverage", "up to 1:30")],
        },
        {
            "name": "Raw spread",
            "price": "From 0.0 points",
            "line": "3.00 EUR a lot and side",
            "badge": "Most opened",
            "featured": True,
            "facts": [("First deposit", "250 EUR"), ("Leverage", "up to 1:30")],
        },
        {
            "name": "Swap-free",
            "price": "From 1.4 points",
            "line": "No overnight interest",
            "facts": [("First deposit", "100 EUR"), ("Leverage", "up to 1:30")],
        },
    ],
    "how": [
        {
            "title": "Register",
            "text": "E-mail, name and a few questions about your experience.",
        },
        {
            "title": "Show who you are",
            "text": "A photo of your ID and a bill. Usually checked the same day.",
        },
        {"title": "Deposit and trade", "text": "Your account opens on MetaTrader 5 at once."},
    ],
}


def landing_context(brand: Brand) -> dict[str, Any]:
    """Values for the public landing page."""
    common = {"form": EMPTY_FORM, "action": "#", "sign_in_href": "#", "register_href": "#"}
    return common | (_LANDING_ARABIC if brand.language == "ar" else _LANDING)


def register_context() -> dict[str, Any]:
    """Values for the registration page, with one field in error."""
    return {
        "form": {
            "values": {"first_name": "Sofia", "email": "sofia@mail"},
            "errors": {"email": "This address has no domain ending. Write name@example.com."},
            "message": None,
        },
        "action": "#",
        "heading": "Open your account",
        "sub": "It takes about four minutes. You can close this page and come back.",
        "steps": ["You", "Experience", "Verify"],
        "current": 1,
        "login_href": "#",
        "submit_label": "Continue",
        "sections": [
            {
                "title": "About you",
                "text": "Exactly as in your identity document.",
                "fields": [
                    {"name": "first_name", "label": "First name"},
                    {"name": "last_name", "label": "Last name"},
                    {"name": "email", "label": "E-mail", "type": "email"},
                    {"name": "phone", "label": "Phone", "type": "tel"},
                    {"name": "country", "label": "Country", "type": "select", "options": ["DE"]},
                    {"name": "password", "label": "Password", "type": "password"},
                ],
            }
        ],
        "consents": [
            {"name": "terms", "label": "I have read the client agreement", "type": "checkbox"}
        ],
    }
