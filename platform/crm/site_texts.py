"""The words of the public site, by language; a language that is not here reads English."""

from __future__ import annotations

_ENGLISH = {
    "headline": "Trade with {brand}",
    "sub": "Open an account online, or leave your number and talk to a person first.",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "phone": "Phone",
    "phone_help": "With country code, as +971 50 123 4567",
    "country": "Country",
    "embed_title": "Talk to us",
    "embed_submit": "Ask for a call",
    "thanks": "We have your details",
    "thanks_text": "Somebody from {brand} calls you on a working day. You can open an account now.",
    "platform": "Trading platform",
    "leverage": "Leverage up to",
    "minimum": "First deposit from",
    "account_leverage": "Leverage",
    "account_currency": "Currency",
}
_GERMAN = {
    "headline": "Handeln mit {brand}",
    "sub": "Eröffnen Sie online ein Konto, oder hinterlassen Sie Ihre Nummer für ein Gespräch.",
    "first_name": "Vorname",
    "last_name": "Nachname",
    "email": "E-Mail",
    "phone": "Telefon",
    "phone_help": "Mit Ländervorwahl, etwa +49 30 1234567",
    "country": "Land",
    "embed_title": "Sprechen Sie mit uns",
    "embed_submit": "Um Rückruf bitten",
    "thanks": "Wir haben Ihre Angaben",
    "thanks_text": "{brand} ruft Sie an einem Werktag an. Ein Konto können Sie jetzt eröffnen.",
    "platform": "Handelsplattform",
    "leverage": "Hebel bis",
    "minimum": "Ersteinzahlung ab",
    "account_leverage": "Hebel",
    "account_currency": "Währung",
}
_SPANISH = {
    "headline": "Opere con {brand}",
    "sub": "Abra una cuenta en línea, o deje su número y hable primero con una persona.",
    "first_name": "Nombre",
    "last_name": "Apellidos",
    "email": "Correo electrónico",
    "phone": "Teléfono",
    "phone_help": "Con prefijo del país, como +34 612 345 678",
    "country": "País",
    "embed_title": "Hable con nosotros",
    "embed_submit": "Pedir una llamada",
    "thanks": "Tenemos sus datos",
    "thanks_text": "{brand} le llamará en un día laborable. Ya puede abrir una cuenta.",
    "platform": "Plataforma",
    "leverage": "Apalancamiento hasta",
    "minimum": "Primer depósito desde",
    "account_leverage": "Apalancamiento",
    "account_currency": "Moneda",
}
_ARABIC = {
    "headline": "تداول مع {brand}",
    "sub": "افتح حسابًا عبر الإنترنت، أو اترك رقمك وتحدث إلى شخص أولًا.",
    "first_name": "الاسم الأول",
    "last_name": "اسم العائلة",
    "email": "البريد الإلكتروني",
    "phone": "الهاتف",
    "phone_help": "مع رمز الدولة",
    "country": "الدولة",
    "embed_title": "تحدث إلينا",
    "embed_submit": "اطلب مكالمة",
    "thanks": "وصلتنا بياناتك",
    "thanks_text": "سيتصل بك فريق {brand} في يوم عمل. يمكنك فتح حساب الآن.",
    "platform": "منصة التداول",
    "leverage": "رافعة حتى",
    "minimum": "أول إيداع من",
    "account_leverage": "الرافعة",
    "account_currency": "العملة",
}
_BY_LANGUAGE = {"de": _GERMAN, "es": _SPANISH, "ar": _ARABIC}


def words(language: str, *, brand: str) -> dict[str, str]:
    """Return the site's words in a language, with the brand's name in its places."""
    chosen = _BY_LANGUAGE.get(language[:2], _ENGLISH)
    return {name: text.replace("{brand}", brand) for name, text in chosen.items()}
