"""Texts for made answers: one sentence in many languages, and odd ones."""

from __future__ import annotations

TEXTS = {
    "en": "The small harbour was quiet in the morning, and people carried bread to the market under yellow lamps.",
    "es": "El pequeño puerto estaba tranquilo por la mañana y la gente llevaba pan al mercado bajo luces amarillas.",
    "pt": "O pequeno porto estava calmo pela manhã e as pessoas levavam pão ao mercado sob luzes amarelas.",
    "fr": "Le petit port était calme le matin et les gens portaient du pain au marché sous des lampes jaunes.",
    "de": "Der kleine Hafen war am Morgen still, und die Leute trugen Brot unter gelben Lampen zum Markt.",
    "it": "Il piccolo porto era tranquillo al mattino e la gente portava il pane al mercato sotto lampade gialle.",
    "ru": "Утром маленькая гавань была тихой, и люди несли хлеб на рынок под жёлтыми фонарями.",
    "uk": "Вранці маленька гавань була тихою, і люди несли хліб на ринок під жовтими ліхтарями.",
    "bg": "Сутринта малкото пристанище беше тихо и хората носеха хляб на пазара под жълтите лампи.",
    "pl": "Rano mały port był cichy, a ludzie nieśli chleb na targ pod żółtymi lampami.",
    "fi": "Aamulla pieni satama oli hiljainen, ja ihmiset kantoivat leipää torille keltaisten lamppujen alla.",
    "sw": "Asubuhi bandari ndogo ilikuwa kimya na watu walibeba mkate kwenda sokoni chini ya taa za njano.",
    "vi": "Buổi sáng bến cảng nhỏ rất yên tĩnh và mọi người mang bánh mì ra chợ dưới ánh đèn vàng.",
    "ar": "كان الميناء الصغير هادئا في الصباح وكان الناس يحملون الخبز إلى السوق تحت المصابيح الصفراء.",
    "fa": "صبح بندر کوچک آرام بود و مردم زیر چراغ‌های زرد نان را به بازار می‌بردند.",
    "ur": "صبح کے وقت چھوٹی بندرگاہ خاموش تھی اور لوگ پیلی روشنی میں روٹی بازار لے جا رہے تھے۔",
    "he": "הנמל הקטן היה שקט בבוקר ואנשים נשאו לחם לשוק תחת מנורות צהובות.",
    "hi": "सुबह छोटा बंदरगाह शांत था और लोग पीली रोशनी में बाज़ार की ओर रोटी ले जा रहे थे।",
    "mr": "सकाळी लहान बंदर शांत होते आणि लोक पिवळ्या दिव्यांखाली बाजारात भाकरी घेऊन जात होते.",
    "ne": "बिहान सानो बन्दरगाह शान्त थियो र मानिसहरू पहेँलो बत्तीमुनि बजारमा रोटी लैजाँदै थिए।",
    "bn": "সকালে ছোট বন্দরটি শান্ত ছিল এবং লোকেরা হলুদ আলোর নিচে বাজারে রুটি নিয়ে যাচ্ছিল।",
    "gu": "સવારે નાનું બંદર શાંત હતું અને લોકો પીળા દીવા નીચે બજારમાં રોટલી લઈ જતા હતા.",
    "pa": "ਸਵੇਰੇ ਛੋਟੀ ਬੰਦਰਗਾਹ ਸ਼ਾਂਤ ਸੀ ਅਤੇ ਲੋਕ ਪੀਲੀਆਂ ਬੱਤੀਆਂ ਹੇਠ ਬਾਜ਼ਾਰ ਨੂੰ ਰੋਟੀ ਲੈ ਜਾ ਰਹੇ ਸਨ।",
    "ta": "காலையில் சிறிய துறைமுகம் அமைதியாக இருந்தது, மக்கள் மஞ்சள் விளக்குகளின் கீழ் சந்தைக்கு ரொட்டி கொண்டு சென்றனர்.",
    "te": "ఉదయం చిన్న ఓడరేవు ప్రశాంతంగా ఉంది, ప్రజలు పసుపు దీపాల కింద మార్కెట్‌కు రొట్టె తీసుకువెళ్లారు.",
    "kn": "ಬೆಳಿಗ್ಗೆ ಸಣ್ಣ ಬಂದರು ಶಾಂತವಾಗಿತ್ತು ಮತ್ತು ಜನರು ಹಳದಿ ದೀಪಗಳ ಕೆಳಗೆ ಮಾರುಕಟ್ಟೆಗೆ ರೊಟ್ಟಿ ಒಯ್ಯುತ್ತಿದ್ದರು.",
    "ml": "രാവിലെ ചെറിയ തുറമുഖം ശാന്തമായിരുന്നു, ആളുകൾ മഞ്ഞ വിളക്കുകൾക്ക് കീഴിൽ ചന്തയിലേക്ക് അപ്പം കൊണ്ടുപോയി.",
    "th": "ตอนเช้าท่าเรือเล็กเงียบสงบ และผู้คนถือขนมปังไปตลาดใต้แสงไฟสีเหลือง",
    "ja": "朝の小さな港は静かで、人々は黄色い明かりの下でパンを市場へ運んでいました。",
    "ko": "아침에 작은 항구는 조용했고 사람들은 노란 등불 아래에서 빵을 시장으로 날랐습니다.",
    "zh": "早上小港口很安静，人们在黄色的灯光下把面包带到市场。",
}
ODD = (
    *("", " ", "\n\n", "*", "**", "***", "******", '"', '""', "'", ".", "...", "1", "12345 67.8"),
    *("{}", "[]", "```\n```", "<<>>", "\ufeffhello", "İSTANBUL ẞ ŉ ǅ", "ｆｕｌｌ，ｗｉｄｔｈ．", "á é"),
    *("\x00\x1c\x85\u2028", "😀 👍🏽 😀", "NO. YES! OK? IT'S U.S.A.; I CAN'T.", "I", "é", "x" * 3000),
)
