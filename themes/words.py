"""The few words that shells and sign-in pages bring themselves, by language."""

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
    "Your money is held in segregated client accounts": "أموالك محفوظة في حسابات عملاء منفصلة",
    "Fees and arrival times shown before you pay": "الرسوم ومواعيد الوصول ظاهرة قبل الدفع",
    "Every withdrawal tracked step by step": "كل سحب متابَع خطوة بخطوة",
    "Show": "إظهار",
    "Hide": "إخفاء",
    "Dismiss": "إغلاق",
    "Cancel": "إلغاء",
    "Choose": "اختر",
    "Choose a file": "اختر ملفًا",
    "Copy": "نسخ",
    "Copied": "نُسخ",
    "Close": "إغلاق",
}
_BY_LANGUAGE = {"ar": _ARABIC}


def word(text: str, language: str = "en") -> str:
    """The English text in another language, or itself where no translation is kept."""
    return _BY_LANGUAGE.get(language.partition("-")[0], {}).get(text, text)
