"""The words that shells, macros and sign-in pages bring themselves, by language."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from themes import words_partner, words_trader

_ARABIC = {
    "Skip to content": "انتقل إلى المحتوى",
    "Menu": "القائمة",
    "Close menu": "أغلق القائمة",
    "Main": "القائمة الرئيسية",
    "Bottom": "التنقل السفلي",
    "Search": "بحث",
    "Search clients, logins, references": "ابحث عن العملاء والحسابات والمراجع",
    "Notifications": "الإشعارات",
    "Sign out": "تسجيل الخروج",
    "Sign in": "تسجيل الدخول",
    "Open account": "افتح حسابًا",
    "Profile": "الملف الشخصي",
    "Dark or light": "داكن أو فاتح",
    "More": "المزيد",
    "Switch app": "بدّل التطبيق",
    "Support": "الدعم",
    "E-mail": "البريد الإلكتروني",
    "Password": "كلمة المرور",
    "optional": "اختياري",
    "Forgot your password?": "نسيت كلمة المرور؟",
    "No account yet?": "ليس لديك حساب؟",
    "Already registered?": "مسجّل بالفعل؟",
    "Create account": "أنشئ حسابًا",
    "Your documents are stored encrypted": "مستنداتك محفوظة مشفّرة",
    "Fees and arrival times shown before you pay": "الرسوم ومواعيد الوصول ظاهرة قبل الدفع",
    "Every deposit tracked step by step": "كل إيداع متابَع خطوة بخطوة",
    "Show": "إظهار",
    "Hide": "إخفاء",
    "Dismiss": "إغلاق",
    "Cancel": "إلغاء",
    "Choose": "اختر",
    "Choose a file": "اختر ملفًا",
    "Copy": "نسخ",
    "Copied": "نُسخ",
    "Close": "إغلاق",
    "%d of %d done": "اكتمل %d من %d",
    "Step %d of %d": "الخطوة %d من %d",
    "Table": "جدول",
    "Nothing here yet": "لا شيء هنا بعد",
    "Previous page": "الصفحة السابقة",
    "Next page": "الصفحة التالية",
    "of": "من",
    "Done": "تم",
    "Waiting": "بانتظار الرد",
    "Needs attention": "يحتاج إلى انتباه",
    "Failed": "لم ينجح",
    "Next": "التالي",
    "To do": "لاحقًا",
    "Show as a table": "عرض كجدول",
    "Open": "فتح",
    "One field needs another look.": "حقل واحد يحتاج إلى مراجعة.",
    "%d fields need another look.": "%d حقول تحتاج إلى مراجعة.",
    "Apply": "تطبيق",
    "Clear": "مسح",
    "All": "الكل",
    "JPG, PNG or PDF, up to 10 MB": "JPG أو PNG أو PDF حتى 10 MB",
    "Quick amounts": "مبالغ سريعة",
    "Currency": "العملة",
    "See all": "عرض الكل",
    "Loading": "جارٍ التحميل",
    "Talk to a person first": "تحدث إلى شخص أولًا",
    "Leave your details and we call you back on a working day.": (
        "اترك بياناتك ونتصل بك في يوم عمل."
    ),
    "Ask for a call": "اطلب مكالمة",
    "Two-step sign-in protects every change": "الدخول بخطوتين يحمي كل تغيير",
    "Who did what and when is always on record": "من فعل ماذا ومتى: كل شيء مسجّل",
    "Every commission shows its arithmetic": "كل عمولة تُظهر حسابها",
    "Clients and sub-partners in one tree": "العملاء والشركاء في شجرة واحدة",
    "Payouts you can follow step by step": "مدفوعات تتابعها خطوة بخطوة",
}
_BY_LANGUAGE = {"ar": _ARABIC | words_trader.ARABIC | words_partner.ARABIC}
_LANGUAGE: ContextVar[str] = ContextVar("page_language", default="en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Make `word` answer in a language while one page is rendered."""
    token = _LANGUAGE.set(language)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def word(text: str, language: str | None = None) -> str:
    """The English text in the language of the page, or itself where no translation is kept."""
    chosen = (language or _LANGUAGE.get()).partition("-")[0]
    return _BY_LANGUAGE.get(chosen, {}).get(text, text)
