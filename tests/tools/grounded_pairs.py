"""Sources with sentences that they bear out, and sentences about the same that they do not; written for this."""

from __future__ import annotations

PAIRS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "The Alder bridge was opened in 1931 and carries 14,000 cars a day. "
        "It closes to lorries over 7.5 tonnes at night. "
        "Repairs of the deck will begin in March and last ten weeks.",
        (
            "The bridge has been open since 1931.",
            "Lorries heavier than 7.5 tonnes may not cross at night.",
            "Work on the deck starts in March and takes ten weeks.",
        ),
        (
            "The bridge was designed by the engineer Ottilie Kranz.",
            "About 22,000 cars cross it every day.",
            "A toll of two euro is charged on weekdays.",
        ),
    ),
    (
        "Our return policy: goods may be sent back within 30 days if they are unused. "
        "Refunds are paid to the card that was charged, within five working days. "
        "Shipping costs are not refunded.",
        (
            "You can return unused goods within 30 days.",
            "The money goes back to the card you paid with, in five working days.",
            "Costs of shipping will not be paid back.",
        ),
        (
            "You can return goods within 90 days without a receipt.",
            "Refunds are also available as store vouchers worth ten percent more.",
            "Our courier will collect the parcel from your home for free.",
        ),
    ),
    (
        "Basil needs six hours of sun. Water it when the top of the soil is dry, "
        "never over the leaves. Pinch out the flowers so that the leaves keep their taste.",
        (
            "Basil wants about six hours of sun.",
            "Give it water once the top of the soil has dried.",
            "Pinching out flowers keeps the taste of the leaves.",
        ),
        (
            "Feed the plant with tomato fertiliser twice a month.",
            "Basil came to Europe with Alexander the Great.",
            "It survives frost down to minus ten degrees.",
        ),
    ),
    (
        "The meeting was chaired by Ines Duarte. "
        "The board agreed to raise the budget of the library by 12 percent. "
        "A vote on the new car park was put off until June.",
        (
            "Ines Duarte chaired the meeting.",
            "The library gets a budget that is 12 percent higher.",
            "The vote on the car park was postponed to June.",
        ),
        (
            "The mayor Paul Hesse left the meeting in protest.",
            "The board approved the new car park.",
            "The budget for schools was cut by three million.",
        ),
    ),
    (
        "Error E41 means that the pump is blocked. Switch the machine off, "
        "open the flap below the door and clean the filter. If the error stays, call service.",
        (
            "E41 says the pump is blocked.",
            "Turn the machine off and clean the filter behind the flap below the door.",
            "Call service if the error does not go away.",
        ),
        (
            "E41 means the heating element is broken and must be replaced.",
            "A new pump costs about 80 euro.",
            "The warranty covers this fault for five years.",
        ),
    ),
    (
        "Lake Orsa is 248 metres deep and frozen from December to April. Fishing needs a permit, "
        "which the kiosk at the harbour sells. Motor boats are forbidden.",
        (
            "The lake is 248 metres deep.",
            "It is frozen between December and April.",
            "You can buy a fishing permit at the kiosk in the harbour.",
        ),
        (
            "The lake is home to a rare kind of seal.",
            "Motor boats can be rented at the southern shore.",
            "The permit for fishing costs 25 crowns a week.",
        ),
    ),
    (
        "The trial had 412 patients. Half of them took the drug for 24 weeks. "
        "Headache was the most frequent side effect, in 9 percent. "
        "Blood pressure fell by 11 points on average.",
        (
            "412 patients took part in the trial.",
            "Headache, in 9 percent, was the most common side effect.",
            "On average blood pressure fell by 11 points.",
        ),
        (
            "The drug also lowered the risk of stroke by a third.",
            "Patients over 75 were excluded.",
            "The trial was paid for by the company Medira.",
        ),
    ),
    (
        "To reset your password, open Settings, choose Security and press Reset. "
        "A link is mailed to you; it works for 15 minutes. Support can't see your password.",
        (
            "Open Settings, go to Security and press Reset.",
            "The link that you get by mail works for 15 minutes.",
            "Support staff can not see the password.",
        ),
        (
            "You will have to answer your secret question first.",
            "Passwords expire every 90 days.",
            "Two wrong attempts lock the account for a day.",
        ),
    ),
    (
        "Train 7 to Karlsby leaves at 8:05 from platform 3. It stops at Norrby and Alm. "
        "Seats need no booking, bicycles do.",
        (
            "Train 7 leaves platform 3 at 8:05.",
            "On its way to Karlsby it stops at Norrby and Alm.",
            "Bicycles have to be booked, seats do not.",
        ),
        (
            "The train has a restaurant car.",
            "The journey takes two hours and ten minutes.",
            "Tickets are half price for students.",
        ),
    ),
    (
        "Der Hof hat 40 Kühe und verkauft Milch und Käse. "
        "Der Laden ist freitags von 14 bis 18 Uhr offen. Hunde dürfen nicht in den Stall.",
        (
            "Auf dem Hof leben 40 Kühe.",
            "Freitags ist der Laden von 14 bis 18 Uhr offen.",
            "In den Stall dürfen keine Hunde.",
        ),
        (
            "Der Hof gehört seit 1890 der Familie Brandt.",
            "Im Sommer gibt es Führungen für Schulklassen.",
            "Der Käse gewann einen Preis in Wien.",
        ),
    ),
)
