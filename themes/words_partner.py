"""Arabic words of the partner portal, by the English text that its pages write."""

ARABIC = {
    "Commissions": "العمولات",
    "Clients": "العملاء",
    "Balance": "الرصيد",
    "Welcome, %s": "مرحبًا، %s",
    "Plan %s, version %s": "الخطة %s، الإصدار %s",
    "Your partnership is suspended": "شراكتك موقوفة",
    (
        "Commissions go on accruing and are posted to your balance when the partnership is active"
        " again. Write to %s."
    ): "تستمر العمولات في التراكم وتُقيَّد في رصيدك عند تفعيل الشراكة من جديد. راسل %s.",
    "Not posted yet: %s": "لم يُقيَّد بعد: %s",
    "Statement": "كشف الحساب",
    "Your links": "روابطك",
    "For clients": "للعملاء",
    "Whoever registers within 90 days of their first visit is your client.": (
        "من يسجّل خلال 90 يومًا من زيارته الأولى يصبح عميلك."
    ),
    "For partners below you": "للشركاء التابعين لك",
    "You earn the difference between your rate and theirs.": "تكسب الفرق بين سعرك وسعرهم.",
    "Commission, 30 days": "العمولة، 30 يومًا",
    "your own share": "حصتك وحدك",
    "Lots, 30 days": "اللوتات، 30 يومًا",
    "closed by clients": "أغلقها العملاء",
    "Active clients, 30 days": "العملاء النشطون، 30 يومًا",
    "of %s": "من %s",
    "Visits by your link": "زيارات عبر رابطك",
    "in 30 days": "خلال 30 يومًا",
    "Your network": "شبكتك",
    "What each branch brought you in 30 days": "ما جلبه لك كل فرع خلال 30 يومًا",
    "Partner": "الشريك",
    "Your share": "حصتك",
    "Your own clients": "عملاؤك المباشرون",
    "and %s more": "و%s آخرون",
    "Latest commissions": "أحدث العمولات",
    "No commission yet": "لا عمولات بعد",
    "Share your link: the first line appears when a client closes a trade.": (
        "شارك رابطك: يظهر أول سطر عندما يغلق عميل صفقة."
    ),
    "Clients and network": "العملاء والشبكة",
    (
        "Names and contacts are masked; lots and commission are your own lines of the last 30 days."
    ): "الأسماء وبيانات الاتصال مخفية؛ اللوتات والعمولة هي سطورك في آخر 30 يومًا.",
    "Sub-partners": "الشركاء التابعون",
    "Reference, country, partner": "المرجع أو البلد أو الشريك",
    "Client": "العميل",
    "Contact": "الاتصال",
    "Country": "البلد",
    "Status": "الحالة",
    "Through": "عن طريق",
    "Lots": "اللوتات",
    "Commission": "العمولة",
    "Since": "منذ",
    "No client matches": "لا عميل مطابق",
    "No client yet": "لا عملاء بعد",
    "Share your link: whoever registers through it appears here.": (
        "شارك رابطك: من يسجّل عبره يظهر هنا."
    ),
    "Show all": "عرض الكل",
    "To your links": "إلى روابطك",
    "You": "أنت",
    "Plan": "الخطة",
    "No sub-partner yet": "لا شركاء تابعون بعد",
    (
        "Invite other introducers with your link for partners: you earn the difference to their"
        " rate."
    ): "ادعُ وسطاء آخرين برابط الشركاء: تكسب الفرق عن سعرهم.",
    "Commission statement": "كشف العمولات",
    "Every line opens its arithmetic.": "كل سطر يفتح حسابه.",
    "Export CSV": "تصدير CSV",
    "of the lines below": "للسطور أدناه",
    "Trades": "الصفقات",
    "From": "من",
    "To": "إلى",
    "Instrument": "الأداة",
    "Client reference": "مرجع العميل",
    "Deal": "الصفقة",
    "Deal %s": "الصفقة %s",
    "How": "الطريقة",
    "Closed": "أُغلقت",
    "No line matches": "لا سطر مطابق",
    "A line appears when a client closes a trade, and says why if it pays nothing.": (
        "يظهر سطر عندما يغلق عميل صفقة، ويقول السبب إن لم يدفع شيئًا."
    ),
    "Direct": "مباشر",
    "Level %s": "المستوى %s",
    "Level": "المستوى",
    "%s of the commission": "%s من العمولة",
    "%s a lot": "%s لكل لوت",
    "difference": "الفرق",
    "How %s came about": "كيف تكوّن %s",
    "Your client %s trades under your sub-partner %s.": "عميلك %s يتداول تحت شريكك التابع %s.",
    "You earn the difference between your entitlement and theirs.": (
        "تكسب الفرق بين استحقاقك واستحقاقهم."
    ),
    "You earn the rate of level %s.": "تكسب سعر المستوى %s.",
    "Your client %s closed this trade.": "أغلق عميلك %s هذه الصفقة.",
    "Arithmetic": "الحساب",
    "Rounded down once": "مقرَّب للأسفل مرة واحدة",
    "Why this line is lower": "لماذا هذا السطر أقل",
    "Why this line pays nothing": "لماذا لا يدفع هذا السطر شيئًا",
    "Earlier figures of this deal": "أرقام سابقة لهذه الصفقة",
    "Checked": "تم التحقق",
    "Trade": "الصفقة",
    "Reference": "المرجع",
    "Account type": "نوع الحساب",
    "Counts for": "يُحتسب ليوم",
    (
        "Each day is posted once, after it is over; a deal that changes later is posted as the"
        " difference."
    ): "يُقيَّد كل يوم مرة واحدة بعد انتهائه؛ والصفقة التي تتغير لاحقًا تُقيَّد كفرق.",
    "Available": "المتاح",
    "posted to the book": "مقيَّد في الدفتر",
    "Held": "محجوز",
    "Not posted yet": "لم يُقيَّد بعد",
    "today, and differences under way": "اليوم، والفروق قيد القيد",
    "Entry": "القيد",
    "Posted": "تاريخ القيد",
    "Amount": "المبلغ",
    "Nothing posted yet": "لا قيود بعد",
    "The first entry appears after the first day with commissions is over.": (
        "يظهر أول قيد بعد انتهاء أول يوم فيه عمولات."
    ),
    "Commission of": "عمولة يوم",
    "Become a partner": "كن شريكًا",
    "Your link and your portal are ready as soon as you confirm your e-mail address.": (
        "رابطك وبوابتك جاهزان فور تأكيد بريدك الإلكتروني."
    ),
    "You join the network of %s.": "تنضم إلى شبكة %s.",
    "Create partner account": "أنشئ حساب شريك",
    "About you": "عنك",
    "Your name or your company's": "اسمك أو اسم شركتك",
    "Your login": "بيانات الدخول",
    "10 characters or more. Three unrelated words are good.": (
        "10 أحرف أو أكثر. ثلاث كلمات لا رابط بينها خيار جيد."
    ),
    "I have read and accept the introducing broker agreement and the privacy notice.": (
        "قرأت اتفاقية الوسيط المعرّف وإشعار الخصوصية وأوافق عليهما."
    ),
    "Check your mail": "تحقق من بريدك",
    "We have sent a link to this address. It works once, for 48 hours.": (
        "أرسلنا رابطًا إلى هذا العنوان. يعمل مرة واحدة خلال 48 ساعة."
    ),
    (
        "Nothing there after a few minutes? Look into the spam folder, or sign in and let us send"
        " it again."
    ): "لم يصل شيء بعد دقائق؟ انظر في البريد المزعج، أو سجّل الدخول لنرسله من جديد.",
    "Until your portal opens": "حتى تُفتح بوابتك",
    "Registered": "تم التسجيل",
    "Your reference is %s": "مرجعك %s",
    "Confirm your e-mail address": "أكّد بريدك الإلكتروني",
    "Confirmed": "مؤكَّد",
    "We sent a link to %s": "أرسلنا رابطًا إلى %s",
    "Approval": "الموافقة",
    "Somebody looks at your application; you get a mail.": "يراجع أحدنا طلبك، وتصلك رسالة.",
    "No partnership": "لا شراكة",
    "Your application was not accepted. Write to %s if you think this is a mistake.": (
        "لم يُقبل طلبك. راسل %s إن كنت تظن أن هذا خطأ."
    ),
}
