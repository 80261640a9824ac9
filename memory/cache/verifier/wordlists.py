"""Small closed classes of English words, and how forms are written alike."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    """From "form form>kept; ..." each form with what is kept of it."""
    made = {}
    for item in text.split(";"):
        forms, _, kept = item.partition(">")
        made.update(dict.fromkeys(forms.split(), kept.strip()))
    return made


NUMBERS = _pairs(
    "zero>0;one>1;two>2;three>3;four>4;five>5;six>6;seven>7;eight>8;nine>9;ten>10;eleven>11;twelve "
    "dozen>12;thirteen>13;fourteen>14;fifteen>15;sixteen>16;seventeen>17;eighteen>18;nineteen>19;"
    "twenty>20;thirty>30;forty fourty>40;fifty>50;sixty>60;seventy>70;eighty>80;ninety>90;twice>2;"
    "first>1;second>2;third>3;fourth>4;fifth>5;sixth>6;seventh>7;eighth>8;ninth>9;tenth>10;"
    "eleventh>11;twelfth>12;thirteenth>13;fourteenth>14;fifteenth>15;sixteenth>16;seventeenth>17;"
    "eighteenth>18;nineteenth>19;twentieth>20;thirtieth>30"
)
MULTIPLES = {"hundred": 100, "thousand": 1000, "k": 1000, "grand": 1000, "lakh": 100_000, "lac": 100_000}
MULTIPLES |= {"million": 10**6, "mn": 10**6, "mio": 10**6, "crore": 10**7, "billion": 10**9, "bn": 10**9}

UNITS = _pairs(
    "$ usd dollars bucks>dollar;€ eur euros>euro;£ gbp pounds quid>pound;¥ jpy>yen;₹ rs inr rupees "
    "rs.>rupee;chf francs>franc;cny rmb>yuan;pesos mxn>peso;aud>aud;cad>cad;cents>cent;pence>penny;"
    "% pct percentage>percent;° degrees deg>degree;celsius centigrade>celsius;"
    "fahrenheit>fahrenheit;kelvin>kelvin;km kms kilometers kilometre kilometres>kilometer;m metres "
    "meters metre>meter;cm cms centimeters centimetre centimetres>centimeter;mm millimeters "
    "millimetre millimetres>millimeter;mi miles>mile;ft feet>foot;inches>inch;yd yds yards>yard;kg "
    "kgs kilos kilo kilograms>kilogram;g gr grams gram gramme grammes>gram;mg milligrams>milligram;"
    "mcg micrograms>microgram;lb lbs>pound;oz ounces>ounce;tons tonnes tonne>ton;stones>stone;l "
    "litres liters litre>liter;ml millilitres milliliters>milliliter;gal gallons>gallon;cups>cup;"
    "tbsp tablespoons>tablespoon;tsp teaspoons>teaspoon;pints>pint;sec secs seconds>seconds;min "
    "mins minutes>minute;hr hrs hours>hour;days>day;wk weeks>week;fortnights>fortnight;"
    "months>month;yr yrs years>year;decades>decade;centuries>century;am a.m. a.m>am;pm p.m. p.m>pm;"
    "mb megabytes>megabyte;gb gigabytes>gigabyte;tb terabytes>terabyte;kb kilobytes>kilobyte;"
    "mph>mph;kmh kph>kmh;kwh>kwh;watts>watt;volts>volt;amps>amp;calories kcal cal>calorie;"
    "joules>joule"
)
UNIT = frozenset(UNITS.values())

DATES = _pairs(
    "jan>january;feb>february;mar>march;apr>april;jun>june;jul>july;aug>august;sep sept>september;"
    "oct>october;nov>november;dec>december;mon mondays>monday;tue tues tuesdays>tuesday;wed "
    "wednesdays>wednesday;thu thur thurs thursdays>thursday;fri fridays>friday;sat "
    "saturdays>saturday;sun sundays>sunday;tonite>tonight;tmrw tomorow tommorow tommorrow>tomorrow;"
    "weekends>weekend"
)
DATE = frozenset(DATES.values()) - {"march", "may"} | _words(
    "january february march april may june july august september october november december monday "
    "tuesday wednesday thursday friday saturday sunday today tomorrow yesterday tonight morning "
    "afternoon evening night noon midnight spring summer autumn fall winter weekend weekday "
    "christmas easter"
)

CONTRACTIONS = {
    "won't": "will not", "can't": "can not", "cannot": "can not", "cant": "can not", "shan't": "shall not",
    "ain't": "is not", "dont": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not",
    "wasnt": "was not", "arent": "are not", "wont": "will not", "havent": "have not", "hasnt": "has not",
    "shouldnt": "should not", "couldnt": "could not", "wouldnt": "would not", "let's": "let us", "y'all": "you all",
    "im": "i am", "ive": "i have", "whats": "what is", "hows": "how is", "wheres": "where is", "whos": "who is",
    "thats": "that is", "theres": "there is", "youre": "you are", "gonna": "going to", "wanna": "want to",
    "gotta": "got to", "gimme": "give me", "unable": "not able", "u": "you", "ur": "your", "r": "are",
    "pls": "please", "plz": "please", "thx": "thanks", "ppl": "people", "w/o": "without", "w/": "with",
    "vs": "versus", "vs.": "versus", "info": "information", "tv": "television", "telly": "television",
    "n't": "not", "nite": "night", "bday": "birthday", "pic": "picture", "pics": "picture", "photo": "picture",
    "&": "and", "+": "plus", "uk": "uk", "us": "us", "usa": "us", "u.s.": "us", "u.s": "us", "america": "us",
    "england": "england", "britain": "uk", "nyc": "new york", "asap": "soon", "bc": "because", "cuz": "because",
    "coz": "because", "thru": "through", "tho": "though", "b4": "before", "2day": "today", "wifi": "wifi",
    "til": "until", "till": "until", "ok": "okay", "mom": "mother", "mum": "mother", "dad": "father",
    "kid": "child", "kids": "child",
}  # fmt: skip
ENDINGS = {"'s": "is", "'re": "are", "'m": "am", "'ll": "will", "'ve": "have", "'d": "would"}

NEGATIONS = _words("not no never none nobody nothing nowhere neither nor hardly without")
MORE = _words("more most many much higher greater bigger larger better best increase")
LESS = _words("less least few fewer lower smaller worse worst decrease")
HE = _words("he him his himself")
SHE = _words("she her hers herself")
PREPOSITIONS = _words(
    "from to into onto with without before after above below over under in out inside outside on "
    "off by for against between among during until since through across behind beside near within "
    "of at about per than as via up down around toward towards"
)
QUANTIFIERS = _words(
    "all some any every each none most many few several both half only just even almost always "
    "never sometimes often usually everyone someone anyone everything something anything once "
    "again still already yet also too"
)
PAST = _words("was were did had used former formerly previously ago been")
FUTURE = _words("will shall going become becoming becomes soon")
MODALS = _words("can could may might must should would shall will need have ought able allowed")
WH = _words("what which who whom whose when where why how whether")
LINKS = _words("and or versus with")  # what stands on their two sides may change places
MUTUAL = _words(
    "married marry engaged dating date sibling siblings brother sister friend friends similar same "
    "equal equals different difference compare compared comparison between neighbor neighbors "
    "border borders cousin cousins together partner partners spouse twin twins colleague "
    "colleagues related match versus meet met live lives opposite identical parallel adjacent "
    "divorced roommates roommate better worse"
)
STOP = _words(
    "a an the is are am be been being do does did doing have has had having i me my mine myself we "
    "our ours us you your yours it its itself this that these those there here and or but if then "
    "so because of in on at by for about as up down out what which who whom whose when where why "
    "how will would shall should can could may might must to from with he him his she her hers "
    "they them their one's get got go going really actually truly very quite just simply somehow "
    "basically currently exactly please kindly thanks thank hi hello hey tell know want like way "
    "ways best-way s t let make some any also too even such into per than vs"
)
POLITE = _words(
    "please kindly thanks thank hi hello hey sir madam dear sorry okay just really actually truly "
    "quite simply somehow basically exactly literally honestly currently"
)
