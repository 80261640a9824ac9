"""More things and reasons, on the side to learn from alone: what is copied must not be guessed from a list.

Added after the first look at what is held out (0.72 exact, things wrong most often); nothing was taken from there.
"""

from __future__ import annotations

NOUNS = """accordion|adhesive tape|alarm clock|amplifier|angle grinder|anorak|apron
armchair|artificial plant|ashtray|axe|backgammon set|balaclava|ball pump|bandage roll|banjo|barometer
bath toy|battery charger|beach towel|bed frame|bedspread|bell|bicycle saddle|bin liner|binoculars case
birdcage|blazer|blowtorch|boiler suit|bolt cutter|bookend|boomerang|bow tie|bowling ball|bracket|brake disc
bread knife|briefcase|bucket|bunk bed|butter dish|cable reel|calculator|calendar|candle holder|canoe paddle
carafe|card shuffler|carpet cleaner|cello bow|chainsaw|chisel|christmas wreath|clamp|clarinet|climbing rope
cloak|cocktail shaker|coat hook|colander|comb|compass|concertina|cool box|corkscrew|corner sofa|crampon
crayon box|croquet set|crowbar|cufflink|cutlery tray|cymbal|darning kit|deck chair|dehumidifier|dice tower
diffuser|dinghy|display cabinet|djembe|doorbell|doormat|doorstop|draught excluder|drawing board
dressing gown|drum stick|dumbbell|duster|dustpan|earring|egg timer|elbow pad|embroidery hoop|envelope box
epoxy resin|exercise ball|extension lead|eyeshadow palette|fabric shaver|face mask|fax machine|fedora
felt pen|fencing mask|ferret harness|file folder|fire extinguisher|firewood rack|first-aid kit|flagpole
flask|flower pot|flute|foot rest|footstool|fruit bowl|fuse box|futon|game controller|garlic press|gaiter
gearbox|geometry set|gift box|glasses case|glider kit|globe|glove|goggles strap|golf club|grater|gravy boat
griddle|guillotine|gumboot|gyroscope|hacksaw|hair clip|hand cream|harmonica|harness|hat box|headlight bulb
heat gun|heating pad|hinge|hip flask|hockey stick|hoodie|horseshoe|hot-water bottle|hourglass|hubcap
ice bucket|ice skate|incense burner|ink cartridge|inner tube|ironing cloth|jam jar|jersey|jewellery box
joystick|juicer|jump lead|kaleidoscope|kayak|kilt|kimono|kitchen tap|knee brace|knitting needle|label holder
lace curtain|lampshade|lanyard|lava lamp|leash|leggings|lens cap|letter opener|letterbox|light bulb|lightbox
lipstick|litter tray|lock pick set|luggage tag|lute|magnifier|mandolin|mallet|manicure kit|map case
marble run|mascara|measuring jug|meat thermometer|megaphone|metal detector|metronome|microscope|milk frother
mitten|model railway|money belt|mop|mortar|mosquito net|moulding|mouthguard|mudguard|muffin tray|nail gun
napkin ring|neck brace|nebuliser|nightlight|notebook|nutcracker|oar|oboe|oil filter|oil painting|oven glove
overcoat|padlock|paint roller|pan flute|paper shredder|paperweight|parka|party tent|pasta machine
patio heater|pedometer|pencil case|perfume|petrol can|photo album|piano stool|piggy bank|pillowcase|pinboard
pipe wrench|plant stand|playing mat|plunger|pocket knife|poncho|pond pump|popcorn maker|poster|potato peeler
pressure washer|projector|protractor|pruning saw|pull-up bar|puncture kit|puppet theatre|purse|puzzle cube
quilt|quiver|racquet bag|radiator|rain barrel|rake|ratchet|razor blade|record player|recorder|reed|reflector
remote control|ring binder|riveter|road atlas|roller blind|roof rack|room divider|rubber stamp|ruler
saddle bag|sandal|sander|sandpit|sarong|saxophone|scalpel|scanner|scissors|score board|screen protector
sculpture|seat cover|secateurs|seed tray|serving tray|set square|sewing kit|shawl|shelf|shin guard|shirt
shoehorn|shovel|shower curtain|sieve|signet ring|sink strainer|sketchbook|ski pole|sledge|slipper
smoke alarm|snorkel|snow globe|soap dish|sock|solar panel|soldering iron|soup ladle|spade|spark plug|spatula
speedometer|spindle|sponge|spotlight|stamp album|stapler|stencil|step counter|stethoscope|stopwatch
storage jar|strainer|stroller|suction cup|sundial|surfboard|suspenders|swimming cap|swimsuit|switch|syringe
tablecloth|tambourine|tap adapter|tarpaulin|tea cosy|teething ring|teddy bear|thermostat|thimble|throw|tiara
tie|tile cutter|tin opener|tissue box|toilet seat|tongs|tool belt|top hat|torch|towel|tracksuit|trampoline
tray table|treadmill|triangle|trombone|trophy|trowel|trumpet|trunk|tuning fork|turban|tyre|urn|veil
velvet rope|vice|viola|visor|voltmeter|wading boot|waistcoat|walkie-talkie|wallpaper|warming tray
washing line|waste bin|water pistol|wax seal|weather station|wedge|welding mask|wetsuit|wheel clamp|whistle
whiteboard|wig|wind chime|windscreen wiper|wine rack|wok|wrench|wrist rest|xylophone|zip bag|zither"""

# drawn freely before a noun; made-up brands and codes can only be copied
KINDS = """amber|antique|aubergine|azure|beige|black|braided|brushed|burgundy|carved
checked|chrome|coral|crimson|curved|deluxe|detachable|double-sided|engraved|extra-large|fire-proof|flowered
foldable|frosted|gilded|glossy|golden|half-price|hand-made|heavy-duty|hinged|indigo|inflatable|jade|junior
lacquered|lilac|limited-edition|lockable|long-handled|magnetic|mahogany|maroon|matt|miniature|mint-green
modular|non-slip|olive|ornate|padded|pearl-white|pine|pink|plaited|pleated|pocket-sized|polished|portable
professional|purple|quick-release|recycled|refurbished|reversible|rubber|rustic|scented|sea-green
self-adhesive|semi-automatic|shock-proof|silk|smooth|spare|spotted|stackable|starter|sturdy|tinted
transparent|turquoise|twin|two-tone|ultra-light|varnished|vintage|violet|washable|water-resistant|waxed
white|wide-brimmed|wind-up|wireless|woven|zinc-coated"""
BRANDS = """Arvello|Bexton|Calderix|Dunmora|Elwick|Fjordan|Gravelo|Hartonix|Ilmara
Jovelle|Kestrion|Lundby|Marquist|Nordelle|Ostrava|Pellum|Quorra|Ravenik|Solvane|Tarrow|Umbrio|Vexley|Wolder
Xandrel|Yarrowby|Zenquil"""

REASONS = {
    "damaged": """the glass had a long crack in it|it fell apart the moment I lifted it out
one corner was smashed in|it was covered in scratches|there was mould on it
the casing was split from end to end|it smelled of smoke and had burn marks
the paint was peeling off already|a leg had snapped off in transit|it leaked as soon as I unpacked it
the fabric was torn|the display was shattered|it was soaked through when I got it|rust had eaten half of it""",
    "wrong_item": """what I got was something else entirely|you shipped a different model
it came in red and I had ordered grey|the size is not the one I picked
somebody else's purchase was in the parcel|the label said one thing and the box held another
I received the children's version|that is not the article that I chose|it was the old model, not the new one
you packed the left-handed one, I need the other|there was a completely different product inside
it is two sizes smaller than what I ordered""",
    "late": """it arrived three weeks after the date you gave|the courier never showed up
I am still waiting after a month|it came when the birthday was long over
tracking has said "in transit" for weeks|the parcel has been missing since spring
it reached me far too late to be of use|you promised Tuesday and nobody came until the next month
to this day no parcel has come|it missed our trip by ten days|the delivery was put off again and again
the postman has brought me nothing so far""",
    "missing_part": """the power cable was not included|half the screws were missing
the lid was not in the parcel|there was no manual and no key|one of the four wheels was not there
the battery that belongs to it was left out|the box lacked the mounting plate
a piece was absent from the set|the remote that goes with it was nowhere to be found
I found no plug in the package|it came without its strap|the second half of the kit was not packed""",
    "changed_mind": """I no longer need it|I found that I have one already
my wife doesn't like the colour after all|I have decided to buy something else
it simply doesn't suit our living room|I thought it over and won't keep it
it was an impulse buy and I regret it|we are moving abroad and can't take it along
I would rather have my money than the thing|my plans are different now|it's not for me, I noticed at home
there's nothing wrong with it, I just don't want it any longer""",
    "charged_twice": """you debited my account two times
there are two identical bookings on my statement|I was billed again a day later
the same sum left my account twice|my bank shows the payment doubled
both my cards were charged for one purchase|I paid once and you collected twice
the invoice was settled and then taken again|PayPal lists the payment two times
the amount was withdrawn a second time|one order, two payments|you took the money two times over""",
}
