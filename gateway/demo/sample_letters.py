"""What people wrote, and what some pretend that people wrote."""

from __future__ import annotations

from gateway.demo.samples import FORGED, NOBODY, SENT, File, Sample

MIA = ("mia@example.org",)
BOTH = ("joe@example.org", "mia@example.org")
LEA = ("lea@example.net",)

_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c489".replace(" ", "")
    + "0000000d49444154789c6360f8cfc0f01f00050001ff89993d1d0000000049454e44ae426082"
)
_LONG = (
    "Re: Fwd: Re: minutes of the meeting of the working group on the renewal of the roof, the gutters and the "
    "lightning conductor of the old school house, with the open questions of last spring and the list of all who "
    "have not answered yet, please read before Thursday"
)

LETTERS = (
    Sample(
        0.3,
        "Anna Roth",
        "anna.roth@lindenhof.example",
        "Offer for the roof",
        "Dear Joe,\n\nas agreed on the telephone, here is our offer for the new roof. The drawing shows the north side.\n"
        "It holds until the end of the month.\n\nKind regards\nAnna Roth",
        files=(File("roof-offer.pdf", "application/pdf", _PDF * 120), File("north-side.png", "image/png", _PNG)),
        score=-0.8,
    ),
    Sample(
        1.2,
        "Tomás Vega",
        "tomas@vega-translations.example",
        "Presupuesto para la traducción del manual",
        "Estimado Joe:\n\nle envío el presupuesto para la traducción del manual al español. Podemos empezar el lunes.\n\n"
        "Un saludo\nTomás Vega",
        files=(File("presupuesto.pdf", "application/pdf", _PDF * 60),),
        score=-0.3,
    ),
    Sample(
        2.6,
        "Grace Okoro",
        "grace@okoro-gardens.example",
        "Are you the Joe who lost a grey cat?",
        "Hello,\n\na grey cat with a white paw has moved into our greenhouse. The vet read your name from its chip.\n"
        "She is well and eats a lot. Ring me when you like: 555 0134.\n\nGrace",
        proof=SENT,
        files=(File("cat.png", "image/png", _PNG * 40),),
        score=1.4,
    ),
    Sample(
        3.1,
        "Account Safety",
        "service@xn--bnk-6cd.example",
        "Your card was blocked - act within 24 hours",
        "Dear customer,\n\nyour card was blocked. Sign in at once to unblock it:\n"
        "http://bank.example.login.unlock-card.example/now\n\nYour bank",
        html=(
            "<html><body><h1>Your card was blocked</h1><p>Dear customer, <a "
            'href="http://bank.example.login.unlock-card.example/now">https://bank.example/</a> wants you to sign in.'
            '</p><img src="http://pixel.unlock-card.example/joe.gif" width="1" height="1"><script>document.title='
            '"caught"</script><form action="http://unlock-card.example/"><input name="pin"></form></body></html>'
        ),
        proof=SENT,
        score=11.7,
    ),
    Sample(
        4.4,
        "Hannah Weiß",
        "hannah.weiss@bergbau-archiv.example",
        "Frage zu Ihrem Vortrag über Förderseile",
        "Sehr geehrter Herr Joe,\n\nIhr Vortrag am Dienstag hat mir sehr gefallen. Darf ich die Bilder der Förderseile "
        "in unserem Heft zeigen? Natürlich mit Ihrem Namen.\n\nFreundliche Grüße\nHannah Weiß",
        score=-1.1,
    ),
    Sample(
        6.0,
        "Your Bank",
        "service@bank.example",
        "Important: confirm your telephone number",
        "Dear customer,\n\nwe could not reach you. Confirm your number and your password in the attached form.\n\n"
        "Your bank",
        proof=FORGED,
        to=BOTH,
        files=(File("confirm-form.pdf.exe", "application/octet-stream", b"This is only a text with an odd name.\n"),),
        score=14.2,
    ),
    Sample(
        7.5,
        "Priya Nair",
        "priya@northline-signs.example",
        "Artwork for the new door sign, second try",
        "Hi Mia,\n\nthe first mail bounced because of its size, so here it is again, smaller. Is the green right?\n\nPriya",
        to=MIA,
        files=(
            File("sign-front.png", "image/png", _PNG * 300),
            File("sign-back.png", "image/png", _PNG * 280),
            File("colours.csv", "text/csv", b"name,value\ngreen,#176b63\nwhite,#ffffff\n"),
            File("prices.pdf", "application/pdf", _PDF * 20),
        ),
        score=0.6,
    ),
    Sample(
        9.8,
        "Jean-Luc Moreau",
        "jl.moreau@atelier-moreau.example",
        "Votre commande de chaises : un détail à confirmer",
        "Bonjour,\n\nles chaises sont prêtes. Préférez-vous le vernis mat ou brillant ? Nous livrons jeudi.\n\n"
        "Cordialement\nJean-Luc Moreau",
        to=BOTH,
        score=0.1,
    ),
    Sample(
        13.0,
        "Board of the allotment society",
        "board@allotments-west.example",
        _LONG,
        "Dear all,\n\nthe minutes are below. Please answer the three questions at their end.\n\nThe board",
        proof=SENT,
        to=BOTH,
        score=0.9,
    ),
    Sample(
        19.5,
        "田中 美咲",
        "misaki.tanaka@hoshi-paper.example",
        "紙のサンプルについて",
        "ジョー様\n\nお世話になっております。先日お問い合わせいただいた紙のサンプルを本日お送りしました。\n\n田中 美咲",
        score=0.3,
    ),
    Sample(
        22.0,
        "Oleh Marchenko",
        "oleh@steppe-honey.example",
        "Honey for your shop",
        "Good day,\n\nwe make honey and look for small shops. May I send you three jars, free of charge?\n\nOleh",
        proof=NOBODY,
        to=MIA,
        score=4.8,
    ),
    Sample(
        26.5,
        "مريم حداد",
        "mariam@cedar-school.example",
        "دعوة إلى معرض المدرسة",
        "مرحبًا جو،\n\nيسعدنا أن ندعوك إلى معرض رسومات الأطفال يوم السبت القادم في الساعة العاشرة.\n\nمع التحية\nمريم حداد",
        score=0.2,
    ),
    Sample(
        29.0,
        "Ella",
        "ella.k@postbox.example",
        "",
        "are you coming on sunday? mum asks\n\nsent from the old phone",
        proof=SENT,
        score=1.9,
    ),
    Sample(
        33.3,
        "Marta Kowalska",
        "marta@kowalska-druk.example",
        "Poprawki do ulotki",
        "Dzień dobry,\n\nw załączniku przesyłam poprawioną ulotkę. Proszę o akceptację do piątku.\n\nMarta Kowalska",
        to=MIA,
        files=(File("ulotka-v3.pdf", "application/pdf", _PDF * 90),),
        score=-0.4,
    ),
    Sample(
        41.0,
        "Dr. Samuel Adeyemi",
        "s.adeyemi@riverside-clinic.example",
        "Your appointment on Thursday has to move",
        "Dear Joe,\n\nI am at a conference on Thursday. Would Friday at nine suit you? Please answer by tomorrow.\n\n"
        "Samuel Adeyemi",
        score=-1.3,
    ),
    Sample(
        52.0,
        "joe@example.org",
        "boss@quick-invoices.example",
        "Urgent payment today, please keep it quiet",
        "Joe,\n\nI am in a meeting and cannot talk. Pay the attached invoice now, I explain later.\n\nThe boss",
        proof=NOBODY,
        files=(File("invoice_8841.html", "text/html", b"<p>Pay here.</p>\n"),),
        score=9.3,
    ),
    Sample(
        61.0,
        "Ελένη Παππά",
        "eleni@pappa-boats.example",
        "Το σκάφος είναι έτοιμο",
        "Γεια σας,\n\nτο σκάφος είναι έτοιμο και σας περιμένει στο λιμάνι. Πότε θα έρθετε;\n\nΕλένη Παππά",
        score=-0.2,
    ),
    Sample(
        75.0,
        "Nadia from the print fair",
        "nadia@fairgrounds.example",
        "We met at stand 14",
        "Hello Mia,\n\nit was nice to meet you at stand 14. Here is the link to the paper we spoke of:\n"
        "https://fairgrounds.example/papers/14\n\nNadia",
        to=MIA,
        html=(
            "<p>Hello Mia,</p><p>it was nice to meet you at <b>stand 14</b>. Here is "
            '<a href="https://fairgrounds.example/papers/14">the paper we spoke of</a>.</p>'
            '<p><img src="https://fairgrounds.example/logo.png" alt="Print fair"></p><p>Nadia</p>'
        ),
        score=1.1,
    ),
    Sample(
        98.0,
        "Yusuf Demir",
        "yusuf@demir-tesisat.example",
        "Kazan bakımı için randevu",
        "Merhaba,\n\nkazan bakımı için salı günü saat 10 uygun mu?\n\nSaygılarımla\nYusuf Demir",
        proof=SENT,
        score=0.8,
    ),
    Sample(
        121.0,
        "Win a garden",
        "prize@garden-lottery.example",
        "CONGRATULATIONS!!! You won a garden with a pond 🎉🎉🎉",
        "You won! Send us your address, your date of birth and a fee of 40.\n",
        proof=NOBODY,
        to=BOTH,
        score=16.5,
    ),
    Sample(
        170.0,
        "Professor Lin Wei",
        "lin.wei@harbour-university.example",
        "关于您的文章的问题",
        "您好！\n\n我读了您关于屋顶绿化的文章，想请教两个问题。期待您的回复。\n\n林伟",
        score=-0.6,
    ),
    Sample(
        224.0,
        "Old Friends' Choir",
        "singing@old-friends-choir.example",
        "Rehearsal in the new hall",
        "Dear Joe,\n\nfrom next month on we sing in the new hall behind the mill. Bring a chair.\n\nThe choir",
        proof=SENT,
        to=BOTH,
        score=0.7,
    ),
    Sample(
        296.0,
        "Peter Holm",
        "peter@holm-bikes.example",
        "Your bicycle is repaired",
        "Hello Joe,\n\nthe bicycle is ready. We close at six.\n\nPeter",
        proof=NOBODY,
        score=2.3,
    ),
    Sample(
        318.0,
        "Ines Duarte",
        "ines@duarte-azulejos.example",
        "Azulejos: amostras para a cozinha",
        "Olá Mia,\n\nas amostras seguem amanhã. Qual é a cor preferida?\n\nInês Duarte",
        to=MIA,
    ),
    Sample(
        1.9,
        "Ruth Amsel",
        "ruth@amsel-books.example",
        "Your book is in",
        "Dear Lea,\n\nthe book about bees has come. We keep it for you until Saturday.\n\nRuth Amsel",
        to=LEA,
        score=-0.4,
    ),
    Sample(
        21.0,
        "Parcel Desk",
        "desk@parcel-waits-now.example",
        "Your parcel waits: pay the customs fee",
        "Your parcel is held. Pay 1.99 today:\nhttp://parcel-waits-now.example/pay\n",
        proof=NOBODY,
        to=LEA,
        score=9.4,
    ),
    Sample(
        75.0,
        "Karel Novotný",
        "karel@novotny-klavir.example",
        "Ladění klavíru v pátek",
        "Dobrý den,\n\nhodí se Vám pátek v deset hodin?\n\nS pozdravem\nKarel Novotný",
        proof=SENT,
        to=LEA,
        score=0.2,
    ),
)
