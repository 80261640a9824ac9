"""What the refund mails are put together from: whole mails, things bought, reasons, greetings. All of it our own text.

A mail's sentences stand between " | " where their order is free. Slots: {order} {item} {an_item} {money} {why} (a
clause that begins in lower case) {Why}; and what is not to be extracted: {other} (a thing that is to be kept),
{order2}, {ticket}, {phone}, {date}, {fee}.
"""

from __future__ import annotations

REASONS = {
    "damaged": """it arrived with a crack right across the front|it was in pieces when I opened the box
one corner is smashed|it came scratched all over|there is a big dent in the side
the box was soaked and what was inside is ruined|it got crushed on the way|it has a hole in it
something in the parcel had leaked all over it|it was already snapped in two when I unpacked it
it looks as if somebody drove over it|the courier must have dropped it, it is bent out of shape
it is chipped along the edge|it was torn when it got here|it has stains and scuffs all over
half of it is squashed flat|I found it broken under an intact wrapping
it must have been knocked about, the whole back is caved in|there are deep scrapes on it, clearly from transport
it turned up in a terrible state, bent and battered|it was wet through and swollen from the rain
it came out of the wrapping with a split down the middle|it reached me shattered
it was badly packed and did not survive the journey""",
    "wrong_item": """you sent me something else altogether|the parcel held somebody else's order
what I unpacked is a completely different product|I received the wrong colour
the size on the label is not the one I chose|this is not the model I picked on your site
you mixed up two parcels and I got the neighbour's|what came is not what I ordered
I asked for the large one and was sent the small one|a different article was in the box
your warehouse packed another product|the thing I was given isn't the one on my receipt
I was expecting one product and was handed another|you shipped black although I had picked white
another version than the one I bought was delivered|the label says one thing and the box contains another
I was sent the children's version by mistake|somebody at your end took the wrong one off the shelf
the parcel contained an article I have never heard of|it is the older edition, and I had chosen the new one
it turns out you confused my parcel with another customer's|what came out of the parcel was not mine
I chose a different one from what you delivered|I got an entirely different make""",
    "late": """it came three weeks too late|it still hasn't arrived|it never turned up|the parcel is nowhere to be found
the birthday it was meant for had passed by the time it came|I have been waiting for over a month
tracking has not moved for twenty days|delivery took far longer than promised|it got here long after the promised day
the courier kept putting off the delivery|your two-day delivery took nineteen days
we left on holiday before it came, and it was for the trip|nothing has been delivered to date
it showed up after the wedding it was bought for|you promised it for Friday and two Fridays have gone by
I am still without it after six weeks|it was stuck in some depot for ages|the day of delivery was postponed four times
I needed it by the first of the month and it wasn't here|it has been "on its way" since last month
it was delivered much too late to be of use|no parcel has reached me so far
weeks went by before the van finally came|it spent a month in transit""",
    "missing_part": """a piece was missing from the box|the screws were not included|there was no power cable with it
parts of it were missing|the set is not complete|one piece of the set isn't there
the accessories shown in the picture were left out|the cover that belongs to it was not in the parcel
I can't use it without the fittings, and they weren't packed|half of the contents were absent
you forgot to put in the charger|the manual lists nine pieces and I count seven|two of the attachments are lacking
an essential part is nowhere in the packaging|the bag with the small parts wasn't there|it came without its lid
the box was one component short|it is incomplete|not all the pieces were in the carton
the connecting piece has been left out|the adapter that should come with it wasn't in there
I searched the packaging twice and the handle is not there|something is missing, it can't be put together
a bracket and four bolts are lacking""",
    "changed_mind": """I have changed my mind|I no longer need it|I found one I like better
it doesn't go with the rest of the room|my partner bought the same one and we don't need two
I ordered it on a whim and regret it|on second thoughts I'd rather do without it
I don't like it as much as I thought I would|I decided against it|it's perfectly fine, I just don't want it any more
it was a gift and she already has one|I have since bought another one in town|we are moving and have no room for it
it isn't for me after all|I thought it over and will not keep it
my plans are different now and it's of no use to me|I realised I can't really afford it
I clicked too fast and don't actually want one|there's nothing wrong with it, it's simply not my taste
my daughter talked me out of it|I would sooner keep my old one|I got cold feet about the purchase
having slept on it I would rather have the money|I bought it in a hurry and won't be using it""",
    "charged_twice": """my card was charged twice|you took the money two times|the same sum left my account twice
I was billed double|there are two identical payments on my statement|I paid once and you debited it once more
the payment went through a second time|your system booked the purchase double|my bank shows the charge two times
I see a duplicate charge for it|PayPal took it twice|the sum was deducted again a day later
you charged me again for something I had already paid|I only bought one and paid for it two times over
the invoice was settled twice by mistake|my credit card was hit with it twice
both payments went out although the first had worked
the checkout hung, I pressed once more, and both payments were taken|the sum appears in duplicate on my bill
somebody at your end collected the payment for a second time|I've been invoiced two times for a single purchase
it has been taken from my account a second time|my statement lists one purchase and two debits
the money was withdrawn once on Monday and once more on Tuesday""",
}

# noun: what may stand before it; now and then the noun stands alone
ITEMS = """kettle: electric, steel, travel|toaster: two-slice, retro, long-slot|blender: hand, glass, smoothie
coffee grinder: manual, burr|espresso machine: compact, red|teapot: porcelain, cast-iron|frying pan: copper, 28 cm
saucepan: enamel, small|casserole: oval, orange|knife block: bamboo, oak|chopping board: walnut, marble
bread bin: metal, cream|spice rack: wall, revolving|salad spinner: green, large|kitchen scale: digital, flat
mixing bowl: ceramic, nesting|pepper mill: wooden, tall|cake stand: glass, three-tier|waffle iron: heart, double
rice cooker: mini, six-cup|water filter: under-sink, jug|soda maker: white, slim|bottle opener: brass, wall
desk lamp: LED, brass, folding|floor lamp: arc, reading|bedside light: dimmable, clip-on|chandelier: crystal, paper
mirror: round, bathroom, full-length|picture frame: A3, silver, oak|wall clock: railway, silent|vase: tall, blue glass
rug: wool, striped, hallway|curtain: blackout, linen|cushion: velvet, sofa|blanket: fleece, weighted, picnic
duvet: summer, king-size|pillow: memory foam, feather|mattress topper: thin, cooling|bath mat: cork, grey
towel rail: heated, double|laundry basket: wicker, folding|ironing board: wide, tabletop|steam iron: cordless, light
vacuum cleaner: robot, bagless, handheld|broom: outdoor, soft|clothes rack: steel, ceiling|shoe cabinet: narrow, white
bookshelf: ladder, five-shelf|coffee table: round, oval|bar stool: swivel, leather|office chair: mesh, kneeling
standing desk: electric, corner|filing cabinet: two-drawer, black|wardrobe: sliding, canvas|cot: wooden, travel
high chair: folding, beech|pushchair: three-wheel, light|baby monitor: video, audio|car seat: swivel, booster
rocking horse: grey, small|doll's house: wooden, three-floor|train set: wooden, starter|jigsaw puzzle: 1000-piece, map
board game: family, strategy|chess set: travel, marble|kite: stunt, rainbow|scooter: kick, electric
skateboard: mini, maple|bicycle helmet: blue, road|bike pump: floor, mini|bike lock: folding, chain|pannier: waterproof
tent: two-man, family|sleeping bag: down, mummy|camping stove: gas, titanium|head torch: rechargeable, running
rucksack: 40-litre, school|suitcase: cabin, hard-shell|umbrella: storm, pocket|walking stick: carbon, folding
yoga mat: cork, thick|kettlebell: 12 kg, vinyl|rowing machine: water, folding|skipping rope: speed, leather
tennis racket: junior, graphite|football: leather, size 5|fishing rod: fly, telescopic|dartboard: bristle, magnetic
guitar: acoustic, half-size|ukulele: soprano, koa|keyboard stand: X-shaped, double|music stand: folding, orchestral
microphone: USB, studio|headset: wireless, wired|loudspeaker: bookshelf, shower|turntable: belt-drive, portable
radio: DAB, kitchen|monitor: 27-inch, curved|webcam: full HD, conference|mouse: vertical, silent
laptop sleeve: felt, 14-inch|docking station: USB-C, dual|hard disk: external, 2 TB|printer: laser, label
router: Wi-Fi 6, travel|power bank: solar, slim|phone case: clear, leather|smartwatch: sports, ladies'
tripod: carbon, tabletop|camera bag: canvas, sling|dashcam: rear, 4K|telescope: beginner's, refractor
drill: cordless, hammer|screwdriver set: precision, 32-piece|spirit level: laser, 60 cm|workbench: folding, oak
ladder: telescopic, loft|toolbox: steel, rolling|jigsaw: pendulum, battery|glue gun: mini, hot
lawn mower: push, robot|hedge trimmer: pole, 50 cm|watering can: zinc, long-spout|garden hose: 30 m, coiled
wheelbarrow: galvanised, folding|parasol: tilting, beach|bird feeder: window, squirrel-proof|hammock: cotton, camping
barbecue: charcoal, table|fire bowl: rusty, 80 cm|compost bin: slatted, kitchen|greenhouse: walk-in, mini
dog bed: orthopaedic, wicker|cat flap: microchip, glass|aquarium: 60-litre, nano|hamster cage: two-level
raincoat: yellow, long|winter jacket: padded, hooded|cardigan: merino, grey|dress: polka-dot, linen
scarf: cashmere, tartan|beanie: knitted, reflective|belt: braided, suede|handbag: quilted, mini
wallet: slim, zip|bracelet: charm, copper|wristwatch: automatic, quartz|necklace: pearl, silver
hairdryer: ionic, folding|electric razor: wet and dry, foil|toothbrush: sonic, bamboo|bathroom scale: glass, smart
massage gun: mini, quiet|air purifier: bedroom, HEPA|humidifier: ultrasonic, nursery|fan heater: ceramic, upright
sewing machine: overlock, beginner's|knitting kit: chunky, baby|easel: field, studio|fountain pen: broad, steel"""

HELLOS = """Hello,|Hi,|Hi there,|Dear Sir or Madam,|Dear team,|Good morning,|Good afternoon,|Good evening,|Hello there,
Dear customer service,|To whom it may concern,|Hey,|Dear shop team,|Greetings,|Dear all,|Hello support,|Morning!
Dear support team,|Hi team,|Dear ladies and gentlemen,|Hiya,|Good day,|Hello everyone,|Hi customer care,|Dear sirs,"""
BYES = """Kind regards|Best regards|Best wishes|Thanks|Many thanks|Thank you in advance|Regards|Yours sincerely
Yours faithfully|Cheers|Thanks a lot|With kind regards|All the best|Best|Thank you|Sincerely|Warm regards|Bye for now
Thanks for your help|With best wishes|Hoping for a quick answer|Have a nice day|Thx|Looking forward to your reply"""
FIRST_NAMES = """Anna|Ben|Carla|David|Elif|Fatima|George|Hanna|Igor|Jane|Karim|Laura|Marek|Nadia|Oliver|Paula|Quentin
Rosa|Stefan|Tanja|Umar|Vera|Will|Xenia|Yusuf|Zoe|Amir|Brigitte|Cem|Dorota|Emil|Freya|Giulia|Henrik|Ines|Jonas"""
LAST_NAMES = """Abbott|Berger|Costa|Dahl|Eriksson|Farouk|Graham|Hofer|Ivanova|Jansen|Kowalski|Lindqvist|Moreau|Novak
Okafor|Petrov|Quinn|Rossi|Santos|Tanaka|Ueda|Vogel|Walsh|Yilmaz|Zeller|Ahmed|Brandt|Chan|Demir|Ekström|Fischer|Gomez
Hughes|Ito|Jovanovic|Keller"""

MAILS = """\
I would like a refund for the {item}. | The order number is {order}. | I paid {money}. | The reason: {why}.

Please refund {money} for order {order}. It was for {an_item}. {Why}.

I ordered {an_item} from you on {date} and {why}. My order is {order}. I want the {money} back.

Order {order}: {why}. Kindly return the {money} that I paid for the {item}.

Could you give me my money back for the {item}? It cost {money}. {Why}. You'll find it under order {order}.

I'm writing about order number {order}, placed on {date}. {Why}, so I would like to be refunded {money} \
for the {item}.

Unfortunately {why}. I am talking about the {item} from order {order}, for which {money} was paid. Please \
refund me.

{Why}. That is the whole story of my {item}. Refund {money}, please. Order: {order}.

This is the third time I write. {Why}! I want {money} back for the {item}, order {order}, and I want it \
this week.

Order: {order}
Product: {item}
Paid: {money}
Problem: {why}
Please refund.

Item - {item}
Order no. - {order}
What happened - {why}
Sum to be refunded - {money}

My order {order} had two things in it, {an_item} and {an_other}. The {other} is lovely and I keep it. The \
{item} I would like refunded ({money}), since {why}.

There were two articles in the parcel. The {other} is fine. As for the {item}: {why}. Please pay back \
{money}. Order no. {order}.

Sorry to trouble you again, my ticket is {ticket}. {Why}. The order was {order}, the product {an_item}, \
and the price {money}. I'd like the money back.

Ref. {ticket}. As I said on the phone, {why}. So please refund the {item} ({money}) from order {order}.

I paid {money} plus {fee} for delivery. The delivery you can keep, but I want the price of the {item} back \
because {why}. Order {order}.

For order {order} I was charged {money} for the {item} and {fee} for postage. {Why}. Please refund the \
item only, the postage is all right.

Can I get a refund? {Why}. It's the {item} in {order}, {money}. You can ring me on {phone}.

My number is {phone} should you need to call. I bought {an_item} ({money}, order {order}) and {why}. I'd \
like a refund.

On {date} I placed order {order} with you for {an_item} at {money}. To my regret {why}. I hereby ask for a \
full refund.

I hereby withdraw from the purchase of the {item} (order {order}). The reason is that {why}. Please \
transfer {money} to the account I paid from.

hello i need refund pls. order {order}. {item}. {why}. i payed {money}

refund please!! {order} / {item} / {money} / {why}

Quick one: {why}, so could you refund the {item}? Order {order}, {money}. Ta.

I have always been happy with your shop, but this time {why}. It concerns the {item}, which was {money}. \
My order number was {order}. I would be grateful for a refund.

My mother bought the {item} from you as a present for me, order {order}. {Why}. She paid {money} and would \
like to have it back.

My husband ordered {an_item} under number {order}. He asks me to tell you that {why}. We'd like to have \
our {money} back.

You have my {money}, and I have no joy. {Why}. It was {an_item}. Order {order}. Refund it, please.

I am very disappointed. | {Why}. | I paid {money} for this {item}. | Please refund order {order} at once.

What a pity: {why}. I had been looking forward to the {item} so much. Please book back the {money}. The \
order had the number {order}.

With regard to your invoice for {order}: please cancel the {item} and reimburse {money}. Grounds: {why}.

Re: order {order}
{Why}. Therefore I request reimbursement of {money} for the {item}.

Subject: refund {order}
I want to claim back {money} for {an_item}. {Why}.

Subject: {item}
Please look into order {order}. {Why}. I'm owed {money} as far as I can see.

Subject: money back
It's about {order}, bought on {date}. I chose {an_item} for {money} and {why}. What do I have to do to get \
a refund?

How do I get my {money} back? The order is {order}, the article is called {item}, and {why}.

Do you refund by bank transfer? I'm owed {money} for the {item}, as {why}. It was order {order} of {date}.

Would it be possible to refund the {item}? {Why}. The price was {money} and the order number {order}.

I have two orders with you. {order2} is fine, no complaints. {order} is the trouble: {why}. Please refund \
the {item}, {money}.

Please don't mix it up with my order {order2}, which came as it should. This is about {order}, {an_item}: \
{why}. The refund would be {money}.

First, thanks for the fast answer on ticket {ticket}. Second, I still want a refund of {money} for the \
{item}. Third, {why}. All of it is about my order {order}.

1. Order {order}
2. {item}
3. {Why}
4. Refund wanted: {money}

- what: {item}
- why: {why}
- how much: {money}
- order: {order}

The {item} (order {order}) is going to cost you {money}, I'm afraid, because {why}. Please refund it.

After a long wait on your hotline I try it by mail. {Why}. Order {order} was for {an_item} and I paid \
{money}. I expect a refund.

I don't want a voucher and I don't want a replacement. I want {money}. {Why}. The {item} was in order \
{order}.

A replacement is no use to me, only the money is, {money} to be exact. The {item} from order {order}: {why}.

Please refund. {Why}. {money}, {item}, order {order}. That is all.

I hope you can help me. I bought {an_item} in your summer sale for {money} and {why}. Here is the order \
number: {order}.

I'm a bit embarrassed to ask, but {why}. Could I return the {item} and have the {money} back? Order number \
{order}.

{money} is a lot of money for me. I spent it on {an_item} (your reference {order}) and now {why}. Please \
give it back.

In short: order {order}, one {item}, {money}. {Why}. Refund, please.

It says on your site that you refund within thirty days. On {date} I bought {an_item}, and {why}. Refund \
{money}, then. You have it under {order}.

According to your terms I can ask for my money. So I ask: {money} for the {item}. {Why}. The number on the \
confirmation is {order}.

Your confirmation said {order}. What I had ordered was {an_item}. {Why}. Give me back the {money}, please.

I spoke to a colleague of yours on {date}, who told me to write down what happened: {why}. It's the \
{item}, order {order}, price {money}. I would like it refunded.

The receipt shows {an_item} for {money} and {an_other}. I only want to be refunded for the first one, as \
{why}. Order {order}.

Everything else in order {order} was good, including the {other}. But the {item}? {Why}. I'd like {money} \
back for it.

You may remember me, I praised your {other} last year. This time I am less happy: {why}. It's the {item} \
of order {order}. Please refund {money}.

I bought {an_item} and {an_other} together. With the {item}, {why}, so please refund that part, {money}. \
Number of the order: {order}.

Since {why}, I'd ask you to refund the {item}. | It was {money}. | My order: {order}.

Because {why}, I am asking for {money} back. Product: {item}, order: {order}.

As {why}, please take back order {order} and pay me the {money} for the {item}.

I can't accept this. {Why}. Refund my {money} within fourteen days or I will take the matter further. \
{item}, order {order}.

My lawyer says I'm entitled to a refund of {money}. The {item} you sold me under {order}: {why}.

Not sure whether I am writing to the right address. | I'd like to have {money} refunded. | It was paid for \
{an_item}. | {Why}. | Order {order}.

forgot to say in my last mail: the order no is {order} and the price was {money}. it's about the {item}, \
{why}. i'd like my money back

ok so {why}. that's the {item}, {order}. you owe me {money}

Please cancel. | {Why}. | {item}. | {order}. | {money} back to my card.

I am away until {date}, so please answer by mail. {Why}. Order {order} contained {an_item}. Please send \
{money} back to my card.

Customer number {ticket}, order number {order}. I ask you to refund the {item} at {money}, because {why}.

Account: {ticket}. Order: {order}. I was going to keep the {item}, but {why}. I'd like the {money} back.

I pressed the refund button on your site but nothing happened, hence this mail. Order {order}; {item}; \
{money}; {why}.

Your chat bot could not help me. It's simple, really: {why}. The order is {order}. The {item} cost \
{money}. I'd like that back.

I bought the last {item} you had, at {money}. {Why}. Can I have a refund for order {order}?

When I ordered {an_item} (no. {order}) I did not think I'd write this mail. But {why}, and I'd like to be \
paid back {money}.

The parcel with the number {ticket} belongs to my order {order}. {Why}. Please refund the {item}, which \
was {money}.

Tracking number {ticket}. Order {order}. {Why}. I therefore want {money} for the {item} back.

I was told a refund takes five working days. It's about {an_item}, {money}, and {why}. Please start it for \
order {order}.

On your page the {item} is {money}, and that's what I paid in {order}. {Why}. I'd like a refund.

Price paid: {money}. | Order: {order}. | Bought: {an_item}. | {Why}. | I ask for my money back.

I got a discount of {fee}, so in the end I paid {money} for the {item}. {Why}. Please refund what I paid. \
Order {order}.

I already have {fee} back from you for the delivery. What is still open is the {item} itself, {money}, \
order {order}. {Why}.

Hope you're well. My purchase {order} didn't work out: {why}. Could the {money} for the {item} be returned \
to me?

It's about the {item} again. {Why}. I've been through this with two of your colleagues. Just refund \
{order}, please, it's {money}.

Never again. {Why}. {order} was my first and last order with you. The {item} goes back, the {money} comes \
to me.

I'd be glad if you could refund {money}. Order {order} of {date} was for {an_item}, and {why}.

Here are the facts. Order {order}, {date}, {an_item}, {money}. And then: {why}. A refund would be fair.

As a student I can't just lose {money}. {Why}. I'm speaking of the {item}, order no. {order}.

I run a small office and ordered {an_item} for it, order {order}. {Why}. Please credit us {money}.

We at the nursery bought {an_item} for {money}. | {Why}. | Our order has the number {order}. | We would \
like a refund.

Purchase number {order} needs to be undone. {Why}. The {item} was {money}, which I want on my card again.

Please see the attached photo of the {item}. {Why}. My refund should be {money}. The order was {order}.

You asked for the order number: it is {order}. You asked for the product: {an_item}. You asked for the \
reason: {why}. The refund I expect is {money}."""
