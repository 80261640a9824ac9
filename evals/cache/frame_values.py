"""Words that fill sentence frames: own lists, written for this."""

from __future__ import annotations

from stepwell.evals.cache.edit_values import words

DEEDS = (
    "call called|call;invite invited|invite;help helped|help;hug hugged|hug;hire hired|hire;sue sued|sue;"
    "visit visited|visit;meet met|meet;pay paid|pay;blame blamed|blame;rescue rescued|rescue;teach taught|teach;"
    "follow followed|follow;trust trusted|trust;beat beaten|beat;chase chased|chase;cheat cheated|cheat;"
    "warn warned|warn;kiss kissed|kiss;fire fired|fire;film filmed|film;greet greeted|greet;ignore ignored|ignore;"
    "interview interviewed|interview;admire admired|admire;betray betrayed|betray;forgive forgiven|forgive;"
    "replace replaced|replace;see seen|see;insult insulted|insult;contact contacted|contact;stop stopped|stop"
)
OBJECTS = (
    "parcel:lose lost;open opened;send sent;hide hidden;return returned|letter:write written;read read;sign signed;"
    "burn burnt|bike:steal stolen;paint painted;sell sold;fix fixed|cake:bake baked;eat eaten;drop dropped;"
    "order ordered|song:sing sung;record recorded;write written|window:break broken;clean cleaned;close closed|"
    "dog:feed fed;adopt adopted;walk walked|contract:sign signed;cancel cancelled;draft drafted|"
    "garden:plan planned;water watered;design designed|painting:buy bought;frame framed;copy copied"
)
MUTUAL = (
    "married to|related to|friends with|a cousin of|engaged to|in love with each other, like|a neighbour of|"
    "a classmate of|the same age as|as tall as|divorced from|going out with|a twin of|on the same team as|"
    "a colleague of|a roommate of|in business with|a sibling of"
).replace("in love with each other, like|", "")
ONE_WAY = (
    "the boss of|the father of|older than|taller than|in love with|afraid of|the doctor of|a fan of|angry with|"
    "richer than|jealous of|the tenant of|faster than|a student of|proud of|the heir of|the coach of|younger than|"
    "a customer of|a follower of|stronger than|suing|paying|the owner of|the creator of|the lawyer of"
)
MEASURES = (
    "tall short|old young|heavy light|long short|fast slow|cheap expensive|big small|strong weak|rich poor|loud quiet|"
    "bright dark|hard soft|warm cold|wide narrow|deep shallow|safe dangerous|easy difficult|clean dirty"
)
COMPARED = (
    "trains:buses|cats:dogs|apples:pears|gold:silver|laptops:tablets|whales:sharks|bicycles:scooters|rice:pasta|"
    "lions:tigers|rivers:lakes|copper:iron|oak:pine|coffee:tea|ferries:planes|hotels:hostels|wool:cotton|eagles:owls"
)
TRAITS = (
    "confident insecure|patient impatient|optimistic pessimistic|polite rude|generous stingy|brave timid|active lazy|"
    "honest dishonest|calm nervous|organised messy|friendly hostile|modest arrogant|careful careless|tidy untidy|"
    "flexible rigid|independent dependent|creative unimaginative|cheerful gloomy|loyal disloyal|humble proud|"
    "tolerant intolerant|reliable unreliable|mature childish|curious indifferent|sociable shy|serious silly"
)
ALIKE = (
    "brave courageous|smart intelligent|happy joyful|calm peaceful|rich wealthy|kind compassionate|honest truthful|"
    "famous renowned|funny humorous|angry furious|thin slim|attractive good-looking|polite courteous|lazy idle|"
    "stubborn obstinate|strong powerful|modest humble|cautious careful|silent quiet|wise sage"
).replace("|wise sage", "")
TRADES = words(
    "plumber pilot baker surgeon barber judge painter chemist farmer dentist violinist translator carpenter butcher "
    "tailor sailor detective librarian florist diver paramedic jeweller mechanic welder programmer cashier midwife "
    "economist novelist poet banker broker sculptor drummer referee optician vet roofer postman miner"
)
NATIONS = words(
    "Greek Polish Swedish Brazilian Kenyan Turkish Dutch Irish Peruvian Korean Danish Cuban Swiss Finnish Thai Czech "
    "Chilean Nigerian Welsh Hungarian Norwegian Moroccan Belgian Vietnamese Portuguese Scottish Argentine Egyptian"
)
PETS = words(
    "hamster parrot gecko tortoise pony ferret canary puppy kitten guinea-pig lizard hedgehog goose donkey"
)
FOODS = words(
    "spinach honey yoghurt walnuts grapes oats tuna mango broccoli raisins bacon lentils cheese garlic"
)
PARTS = words("ankle shoulder thumb jaw hip neck toe calf elbow rib knee wrist heel shin back hamstring")
SPORTS = words("rugby squash volleyball badminton hockey judo golf handball basketball cricket")
DOINGS = (
    "brush my teeth:eat breakfast|stretch:run|rinse rice:cook it|paint a wall:sand it|shower:swim|take vitamins:eat|"
    "sign a lease:see the flat|prune roses:feed them|drink water:exercise|wash jeans:wear them|nap:study|"
    "salt meat:grill it|book a hotel:get a visa|water plants:repot them|walk a dog:feed it|iron a shirt:starch it"
)
REASONS = (
    "park here|swim after lunch|drink tap water abroad|work on Sundays|tip the driver|wear shorts at work|"
    "travel alone|skip breakfast|bring a dog on the train|pay by cheque|record a phone call|share a password|"
    "sleep on the floor|use a VPN|sell home-made jam|fly a drone|camp on the beach|quit without notice"
)
JUDGES = words(
    "critics scientists voters teachers experts fans doctors farmers historians players engineers chefs"
)
SUPERLATIVES = (
    "best goalkeeper in Europe|most useful app for students|worst film of the decade|safest city in Asia|"
    "greatest composer ever|most dangerous snake|healthiest breakfast|best guitarist alive|funniest sitcom|"
    "most beautiful coast|hardest language|strongest coffee|best airline for families|cleverest animal"
)
INFLUENTIAL = (
    "fake",
    "retired",
    "would-be",
    "former",
    "amateur",
    "unlicensed",
    "aspiring",
    "vegan",
    "fictional",
    "blind",
)
IDLE = ("really", "actually", "truly", "indeed", "in fact", "honestly", "by any chance")
TRIPS = ("flight", "train", "bus", "ferry", "cheap ticket", "night train", "car rental", "parcel delivery")
