"""Values that an edit puts in another's place: own lists, written for this."""

from __future__ import annotations


def words(text: str) -> list[str]:
    return text.split()


def items(text: str) -> list[str]:
    return text.split("|")


PLACES = words(
    "Argentina Peru Chile Colombia Norway Sweden Denmark Finland Poland Portugal Greece Turkey "
    "Egypt Kenya Nigeria Ghana Morocco Israel Jordan Vietnam Thailand Malaysia Indonesia Nepal "
    "Pakistan Bangladesh Ireland Scotland Wales Austria Switzerland Belgium Hungary Romania "
    "Ukraine Iceland Cuba Jamaica Ecuador Bolivia Uruguay Ethiopia Tanzania Uganda Singapore "
    "Taiwan Korea Iran Iraq Qatar Oman Lisbon Vienna Prague Warsaw Oslo Stockholm Helsinki Athens "
    "Rome Milan Venice Munich Hamburg Zurich Geneva Brussels Amsterdam Dublin Edinburgh Manchester "
    "Liverpool Boston Seattle Denver Dallas Houston Atlanta Miami Phoenix Portland Detroit Toronto "
    "Vancouver Montreal Melbourne Perth Auckland Seoul Osaka Kyoto Bangkok Manila Jakarta Hanoi "
    "Delhi Chennai Kolkata Pune Hyderabad Karachi Lahore Cairo Nairobi Lagos Texas Florida Ohio "
    "Alaska Hawaii Georgia Virginia Kerala Punjab Goa London Germany India China Japan Canada "
    "Mexico"
)
THINGS = words(
    "Netflix Spotify Uber Airbnb Tesla Toyota Honda Ford Samsung Nokia Sony Intel Nvidia Oracle "
    "Adobe Zoom Slack Dropbox Reddit Twitter Instagram LinkedIn Pinterest TikTok YouTube Gmail "
    "Outlook Excel Word PowerPoint Photoshop Firefox Chrome Safari Linux Ubuntu Debian macOS "
    "Docker Kubernetes Terraform Jenkins Django Flask React Angular Rust Kotlin Swift Ruby Perl "
    "Scala Haskell MySQL PostgreSQL MongoDB Redis AWS Azure PayPal Visa Mastercard Revolut Walmart "
    "Costco Target IKEA Nike Adidas Lego Disney Marvel Pixar Playstation Xbox Nintendo Fitbit "
    "Alexa Siri Kindle BMW Audi"
)
PEOPLE = words(
    "Obama Clinton Merkel Putin Modi Gandhi Mandela Lincoln Churchill Napoleon Caesar Einstein "
    "Newton Darwin Tesla Edison Mozart Beethoven Shakespeare Dickens Tolstoy Picasso Rembrandt "
    "Messi Ronaldo Federer Nadal Serena Jordan LeBron Adele Rihanna Beyonce Eminem Madonna Musk "
    "Bezos Gates Jobs Zuckerberg Buffett Oprah Spielberg Tarantino Nolan"
)
WOMEN = words(
    "Anna Maria Julia Clara Nina Eva Lena Ida Rosa Marta Irene Helen Alice Ruth Diana Paula Vera "
    "Nora Grace Lucy Emily Sophie Hannah Amelia Zoe Priya Fatima Aisha Mei Yuki Olga Ingrid Chloe "
    "Laura Karen Linda Susan Carol Donna Megan"
)
MEN = words(
    "Paul Peter Mark Simon Victor Oscar Hugo Felix Leo Max Tom Jack Harry George Henry Frank Carl "
    "Erik Omar Ali Ravi Raj Kenji Ivan Boris Pablo Diego Luis Marco Bruno Adam David Daniel Ben "
    "Samuel Noah Ethan Lucas Oliver Philip Martin"
)
FAMILY = words(
    "Baker Novak Schmidt Rossi Kim Chen Silva Khan Murphy Weber Larsen Costa Dubois Moreau Ward "
    "Fisher Hunt Lane"
)
MONTHS = words("January February March April June July August September October November December")
WEEKDAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
TIMES_OF_DAY = words("morning afternoon evening night")
WHEN = ("today", "tomorrow", "yesterday")
SEASONS = ("spring", "summer", "autumn", "winter")
UNIT_FAMILIES = (
    ("dollars", "euros", "pounds", "yen", "rupees", "francs", "pesos", "yuan"),
    ("USD", "EUR", "GBP", "CHF", "CAD", "AUD", "CNY", "SEK"),
    ("$", "€", "£", "¥"),
    ("seconds", "minutes", "hours", "days", "weeks", "months", "years", "decades"),
    ("second", "minute", "hour", "day", "week", "month", "year"),
    ("miles", "kilometers", "meters", "feet", "yards", "inches", "centimeters"),
    ("km", "mi", "cm", "ft", "mm"),
    ("kg", "lbs", "oz", "mg", "mcg"),
    ("kilograms", "pounds", "ounces", "grams", "milligrams", "tons", "stones"),
    ("liters", "gallons", "pints", "cups", "tablespoons", "teaspoons", "ml"),
    ("celsius", "fahrenheit", "kelvin"),
    ("MB", "GB", "TB", "KB"),
    ("am", "pm"),
    ("daily", "weekly", "monthly", "yearly"),
)
OPPOSITES = (
    (
        "buy sell|open close|increase decrease|start stop|cheap expensive|fast slow|hot cold|big small|"
        "long short|high low|strong weak|rich poor|happy sad|young old|good bad|best worst|more less|"
        "most least|before after|with without|import export|enable disable|lock unlock|send receive|"
        "win lose|gain lose|push pull|lend borrow|arrive depart|upload download|install uninstall|"
        "activate deactivate|subscribe unsubscribe|encrypt decrypt|accept reject|allow forbid|above "
        "below|inside outside|early late|easy difficult|safe dangerous|clean dirty|wet dry|full empty|"
        "hard soft|thick thin|wide narrow|deep shallow|heavy light|loud quiet|bright dark|public "
        "private|internal external|minimum maximum|positive negative|male female|husband wife|mother "
        "father|son daughter|brother sister|king queen|man woman|men women|boys girls|boy girl|teacher "
        "student|doctor patient|employer employee|landlord tenant|advantages disadvantages|pros cons|"
        "benefits risks|strengths weaknesses|success failure|profit loss|love hate|remember forget|"
        "raise lower|add remove|add delete|create delete|save delete|show hide|connect disconnect|"
        "attach detach|freeze unfreeze|mute unmute|follow unfollow|block unblock|legal illegal|"
        "possible impossible|healthy unhealthy|safe unsafe|necessary unnecessary|first last|beginning "
        "end|top bottom|left right|north south|east west|gains losses|domestic international|indoor "
        "outdoor|permanent temporary|manual automatic|credit debit|deposit withdraw|incoming outgoing|"
        "first-time returning|reduce increase|lose gain|improve worsen|wake sleep|marry divorce|hire "
        "fire|praise criticize|build destroy|freeze melt|expand shrink|rise fall|appear disappear|live "
        "die|always never|everyone nobody|all none|many few|everything nothing|often rarely|ever never"
    )
    .replace("turn-on turn-off|", "")
    .split("|")
)
SYNONYMS = items(
    "buy purchase|purchase buy|begin start|start begin|big large|large big|quick fast|fast quick|"
    "quickly rapidly|movie film|film movie|phone telephone|car automobile|kids children|help "
    "assist|fix repair|repair fix|job occupation|find locate|choose pick|pick choose|select choose|"
    "show display|get obtain|receive get|need require|require need|smart intelligent|happy glad|"
    "sad unhappy|hard difficult|difficult hard|easy simple|important crucial|main primary|rich "
    "wealthy|sick ill|tired exhausted|angry mad|scared afraid|strange weird|weird strange|correct "
    "right|error mistake|mistake error|problem issue|issue problem|trip journey|journey trip|store "
    "shop|shop store|house home|apartment flat|college university|salary pay|firm company|company "
    "firm|lawyer attorney|doctor physician|photo picture|picture image|image picture|gift present|"
    "present gift|method way|way method|goal aim|answer reply|reply answer|talk speak|speak talk|"
    "tell inform|allow permit|permit allow|avoid evade|finish complete|complete finish|end finish|"
    "stop halt|improve enhance|enhance improve|change alter|modify change|delete erase|erase "
    "delete|remove delete|cancel call-off|return give-back|earn make|cost price|price cost|cheap "
    "inexpensive|expensive costly|best top|top best|famous well-known|popular well-liked|nearly "
    "almost|almost nearly|about approximately|approximately about|often frequently|frequently "
    "often|usually normally|maybe perhaps|however but|also too|entire whole|whole entire|total "
    "overall|enough sufficient|suggest recommend|recommend suggest|explain describe|describe "
    "explain|learn study|study learn|teach instruct|build construct|create make|produce make|"
    "gather collect|collect gather|reduce decrease|decrease reduce|increase raise|raise increase|"
    "grow increase|schedule timetable|appointment meeting|vacation holiday|holiday vacation|"
    "luggage baggage|baggage luggage|flight plane|taxi cab|cab taxi|restaurant diner|meal dish|"
    "medicine medication|medication medicine|illness disease|disease illness|physician doctor|"
    "injure hurt|rubbish trash|trash garbage|garbage trash|soccer football|sofa couch|couch sofa|"
    "pants trousers|gas petrol|petrol gas|autumn fall|elevator lift|mobile cellphone|cellphone "
    "mobile|laptop notebook|verify confirm|confirm verify|transmit send|funds money|money cash|"
    "cash money|nation country|country nation|citizen national|individual person|persons people|"
    "woman lady|spouse partner|infant baby|teen teenager"
)
POLITE_BEFORE = (
    "Please, ", "Hello, ", "Hi there, ", "Hey, ", "Good morning, ", "Could you tell me: ", "Quick question: ",
    "Sorry to bother you, ", "I was wondering, ", "Dear team, ", "Excuse me, ", "I'd like to know: ", "Just curious: ",
    "Can you help me? ", "Hi! ", "Good evening. ", "Question: ", "Would you mind telling me, ", "Help please: ",
)  # fmt: skip
POLITE_AFTER = (
    ", please",
    " Thanks!",
    " Thank you.",
    " thanks in advance",
    " Cheers",
    " Many thanks",
    " Thank you so much!",
    " pls",
    " I appreciate it.",
    " Any help is welcome.",
    " Thanks a lot",
    ", thank you",
    " Regards",
)
HARMLESS = ("really", "actually", "truly", "basically", "exactly", "honestly", "simply", "literally", "just")
TELLING = (
    "only",
    "never",
    "rarely",
    "almost",
    "former",
    "fake",
    "fictional",
    "unofficial",
    "used",
    "free",
    "illegal",
    "secret",
)
NUMBER_WORDS = {
    0: "zero", 1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine",
    10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen", 15: "fifteen", 16: "sixteen",
    17: "seventeen", 18: "eighteen", 19: "nineteen", 20: "twenty", 30: "thirty", 40: "forty", 50: "fifty",
    60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety",
}  # fmt: skip
SHORTENED = (
    ("what is", "what's"),
    ("who is", "who's"),
    ("where is", "where's"),
    ("how is", "how's"),
    ("when is", "when's"),
    ("do not", "don't"),
    ("does not", "doesn't"),
    ("did not", "didn't"),
    ("is not", "isn't"),
    ("are not", "aren't"),
    ("can not", "can't"),
    ("cannot", "can't"),
    ("will not", "won't"),
    ("would not", "wouldn't"),
    ("was not", "wasn't"),
    ("should not", "shouldn't"),
    ("have not", "haven't"),
    ("has not", "hasn't"),
    ("could not", "couldn't"),
    ("i am", "i'm"),
    ("i have", "i've"),
    ("i would", "i'd"),
    ("i will", "i'll"),
    ("it is", "it's"),
    ("that is", "that's"),
    ("there is", "there's"),
    ("they are", "they're"),
    ("we are", "we're"),
    ("you are", "you're"),
    ("let us", "let's"),
)
FUNCTION_SWAPS = items(
    "he she|his her|him her|from to|to from|for against|before "
    "after|after until|over under|above below|with without|"
    "is was|are were|will did|is will|how why|why how|when where|"
    "where when|who when|what why|how when|all some|some no|every no|any all|both "
    "neither|in out|on off|since until"
)

NARROWING = items(
    "in India|in Canada|in Berlin|in the US|for beginners|for children|for free|at night|in winter|on Android|on a Mac|"
    "without a degree|as a student|for my mother|in French|after 60|on weekends|at home|during pregnancy|with no money|"
    "for a small company|in one week|online|in the 1990s|while travelling|for women|on a boat|in the army|from abroad|"
    "for vegetarians|without a licence|at school|by train|under water|on Sundays|in a small town|with a disability|"
    "in Python|in Excel|for diabetics|for seniors|on an iPad|for my thesis|with a credit card|via email|without sugar"
)
OPENINGS = (
    (
        "how do i",
        "how can i",
        "how do you",
        "how can you",
        "how can one",
        "how to",
        "how does one",
        "how should i",
        "how could i",
        "how would i",
        "how might one",
        "how do we",
        "how can we",
        "how can someone",
    ),
    (
        "what is the best way to",
        "what's the best way to",
        "which is the best way to",
        "what are the best ways to",
        "what is a good way to",
        "what are some good ways to",
        "what is the most effective way to",
    ),
    (
        "what are some",
        "what are",
        "what are the",
        "which are the",
        "what are a few",
        "can you name some",
        "name some",
    ),
    (
        "is it possible to",
        "can i",
        "is there a way to",
        "is there any way to",
        "can one",
        "am i able to",
        "can you",
        "could i",
        "would it be possible to",
    ),
    ("why do", "what is the reason that", "why is it that", "what makes it so that", "how come"),
    (
        "what is the",
        "what's the",
        "what would be the",
        "which is the",
        "tell me the",
        "can you tell me the",
        "what was the",
    ),
    (
        "where can i",
        "where do i",
        "where could i",
        "where can one",
        "where can you",
        "where should i",
        "where to",
    ),
    ("i want to", "i would like to", "i'd like to", "i need to", "i wish to", "help me"),
    ("can you", "could you", "would you", "will you", "can u", "are you able to"),
    ("what should i do if", "what do i do if", "what can i do if", "what do you do if", "what to do if"),
    ("what happens if", "what would happen if", "what will happen if", "what if"),
    ("tell me", "please tell me", "let me know", "can you tell me", "i want to know", "i need to know"),
    ("do you have", "have you got", "is there", "do you offer"),
    ("what does", "what exactly does", "so what does"),
    ("show me", "display", "let me see", "pull up", "give me"),
)
SMALL_WORDS = (
    (r"\ba (?=[a-z]{4})", "the "),
    (r"\bthe (?=[a-z]{4})", ""),
    (r"\bthe (?=[a-z]{4})", "my "),
    (r"\bmy (?=[a-z]{4})", "the "),
    (r"\bmy (?=[a-z]{4})", "our "),
    (r"\bmy (?=[a-z]{4})", "a "),
    (r"\bwhat (?=(?!is|are|do|does|did|was|if|would)[a-z]{4})", "which "),
    (r"\bwhich (?=[a-z]{4})", "what "),
    (r"\bsome (?=[a-z]{4})", "a few "),
    (r"\bsome (?=[a-z]{4})", ""),
    (r"\bany (?=[a-z]{4})", "some "),
    (r"\babout (?=[a-z]{4})", "on "),
    (r"\bvery ", ""),
    (r"\bin order to ", "to "),
    (r"\bdo i have to ", "do i need to "),
    (r"\bdo i need to ", "do i have to "),
    (r"\bmust i ", "do i have to "),
    (r"\bthat (?=i|you|we|is)", "which "),
    (r"\bone's ", "your "),
    (r"\bfor (?=[a-z]+ing)", "when "),
    (r"\bon the internet", "online"),
    (r"\bsomeone", "somebody"),
    (r"\bsomebody", "someone"),
    (r"\bpeople\b", "persons"),
    (r"\bpeople\b", "folks"),
    (r"\ba lot of", "lots of"),
    (r"\bthese days", "nowadays"),
    (r"\bright now", "at the moment"),
    (r"\bas well", "too"),
    (r"\b(can|should|do|did|will) i (?=[a-z])", r"\1 we "),
    (r"\b(can|should|do|will) (?:you|we) (?=[a-z])", r"\1 i "),
)
UNIT_FORMS = items(
    "kilometers km|miles mi|minutes mins|hours hrs|kilograms kg|kg kilos|pounds lbs|grams g|milligrams mg|"
    "dollars USD|"
    "euros EUR|january jan|february feb|august aug|september sept|october oct|november nov|december dec|monday mon|"
    "tuesday tue|thursday thurs|friday fri|gigabytes GB|percent %|inches in|litres liters|metres meters"
)
