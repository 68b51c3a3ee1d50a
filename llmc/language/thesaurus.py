"""Which English words mean the same, and of which does one exclude the other?

General knowledge of English. Words that inflect stand in their base form.
"""

from __future__ import annotations

__all__ = ["OPPOSITES", "SUFFIXES", "SYNONYMS"]


def _lines(text: str) -> list[str]:
    return [line for line in text.replace("\n", "|").split("|") if line.strip()]


def _groups(text: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(line.split()) for line in _lines(text))


def _pairs(text: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    pairs = (line.partition("/") for line in _lines(text))
    return tuple((frozenset(left.split()), frozenset(right.split())) for left, _, right in pairs)


#: Groups of words of which one may stand for the other in a question. What differs in a shell, in
#: a program or at the doctor's is left out: fetch and pull, update and upgrade, drop and delete.
SYNONYMS = _groups("""
    begin start commence|stop end cease halt quit|quit exit leave|finish complete end
    delete remove erase|create make build generate|make prepare cook|show display print list view
    see view|find locate search get|look see|get obtain acquire gain|buy purchase get
    fix repair solve resolve|solution solve|big large huge|small little tiny|short brief
    fast quick rapid|easy simple|hard difficult tough|difficult difficulty|movie film
    picture photo image photograph|improve enhance increase boost|use utilize employ utilise
    help assist aid|choose select pick|choose choice|change modify alter edit|folder directory dir
    repository repo|database db|javascript js|typescript ts|postgres postgresql|kubernetes k8s
    regex regexp|function func|parameter argument param|configuration config|environment env
    application app|information info detail|documentation docs doc|website site webpage
    internet online web|phone mobile cellphone smartphone telephone|television tv|laptop notebook
    earn make|way method technique|illness disease sickness|sick ill|car automobile
    doctor physician|mean meaning definition|author writer|author write|learn study|increase raise
    grow growth|reduce decrease lower|reduce reduction|lose loss|gain increase|country nation
    company firm|difference differ distinguish distinction different vs versus|compare comparison
    famous popular|benefit advantage pro|drawback disadvantage con downside|reason cause
    rich wealthy wealth|smart intelligent clever|strange weird odd bizarre|fridge refrigerator
    relate link connect|ready prepare capable|skill ability|overcome combat beat|handle deal cope
    maximum highest max|minimum lowest min|salary pay wage income|job work career employment
    house home|correct right|happen occur|call name|usa us america american|uk britain british
    bug error|mistake error|condition status state|become be get|like enjoy love|cost price
    expensive costly|cheap inexpensive affordable|teenager teen|near close nearby|town city
    kill die|die death|copy duplicate|stay be remain|train teach|exam test examination
    college university|money cash|suggest recommend advise|suggestion recommendation advice tip
    describe description|explain explanation|tell say|talk speak|answer reply response
    happy happiness|sad sadness
    angry mad anger|afraid scared fear|necessary required needed require|allow permit
    forbid prohibit ban|legal law|avoid prevent|trip journey|travel trip visit|holiday vacation
    plane airplane aircraft|gas petrol gasoline|elevator lift|apartment flat|soccer football
    shop store|dinner supper|healthy health|ill illness|exercise workout|height tall|length long
    width wide|depth deep|age old|size big large|distance far|duration long|weight heavy weigh
    speed fast|amount quantity|percent percentage|symptom sign|treat cure treatment
    medicine medication drug|pain ache hurt|belly stomach|grow cultivate|trash garbage rubbish
    clean wash|quickly fast rapidly|often frequently|rarely seldom|main primary major|nearly almost
    approximately about roughly|perhaps maybe|hire recruit|resign quit|succeed success successful
    fail failure|win victory|president leader|steal rob theft|police cop|election vote
    invent invention|discover discovery|found founder|paint painter|compose composer
    translate translation|translator translate|think thought|believe belief|remember recall
    attempt try|goal aim objective|plan strategy|feature characteristic|result outcome
    effect impact influence|affect influence impact|guide tutorial|course class|novel book
    decide decision|permit permission|produce production|analyz analysis|arrive arrival
    remove removal|approve approval|strong strength|weak weakness|hungry hunger
    depressed depression|anxious anxiety|lonely loneliness|jealous jealousy|motivate motivation
    focus concentrate concentration|convert conversion|multiply multiplication|subtract subtraction
    divide division|derive derivative|install installation|sell sale|marry marriage|born birth
    mom mother mum|dad father|kid child baby|spouse partner|guy man|lawyer attorney|boss manager
    employee worker|buddy friend|beautiful beauty|dangerous danger|safe safety|true truth
    confident confidence|know knowledge|live life|fly flight|verify check|calculate compute
    begin beginning|see check|check find|list enumerate name|prevent stop|shot shoot
    clothes clothing garment|wide vast|variety collection|bad harmful|dumb stupid idiot
    vegetable veggie|comfort calm soothe|man human people|qualify qualification|rivalry conflict
    fight beat|place city|range variety|weekly week|monthly month|yearly annual annually year
    capitalize uppercase|term word|whole entire|eat consume|avg average|avg mean|get receive
    force make
""")

#: Words of which one excludes the other.
OPPOSITES = _pairs("""
    buy purchase/sell|max maximum highest/min minimum lowest|push/pull|open/close shut closed
    start begin enable/stop end disable|good best better/bad worst worse|high higher/low lower
    big large bigger larger biggest largest/small little smaller smallest|long longer tall/short
    shorter longest/shortest|more most/less least fewer fewest|before/after|first/last|on/off
    increase gain raise/decrease lose reduce lower|next/previous|up/down|in/out|inside/outside
    above over/below under|left/right|top/bottom|front/back|north/south|east/west|wet/dry
    old older oldest/new newer newest young younger|hot warm/cold cool|fast quick/slow|early/late
    add append insert/remove delete drop|create/delete destroy drop|show/hide|lock/unlock
    accept allow grant permit/decline reject deny refuse revoke forbid|import/export|mount/unmount
    upload/download|encrypt/decrypt|encode/decode|compress zip/decompress extract unzip
    ascending/descending|local/remote|source/destination target|row/column|inclusive/exclusive
    include/exclude|public/private|static/dynamic|input/output|read/write|send/receive
    give/take get|love like/hate dislike|win/lose|live/die|mother mom/father dad|brother/sister
    male man boy husband he him his himself/female woman girl wife she her hers herself
    son/daughter|adult/child kid|cat/dog
    day/night|morning/evening|rise/fall|advantage pro benefit/disadvantage con drawback risk
    cause/effect|question/answer|borrow/lend|rent/buy|teach/learn|arrive/depart leave
    arrival/departure|enter/exit leave|save/discard|commit/revert|merge/rebase split|join/split
    encourage/discourage|true/false|positive/negative|success/failure|pass succeed/fail
    always/never|all every/none|same similar alike/different difference|minor/major|legal/illegal
    safe ok okay fine healthy harmless/dangerous unsafe harmful unhealthy bad risky
    client/server|parent/child|horizontal/vertical|wide/narrow|thick/thin
    heavy/light|full/empty|hard/soft|hard difficult/easy|sync/async|undo/redo|past/future|am/pm
    upper uppercase/lower lowercase|singular/plural|with/without|to/from|into/from|for/against
    since/until|strong/weak|rich/poor|cheap/expensive|host/guest|lead/follow|attack/defend
    earn/spend|pros/cons|visible/hidden|known/unknown|likely/unlikely
    absolute/relative|internal/external|manual/automatic|stable/unstable|valid/invalid
    online/offline|sent/received|majority/minority|attach/detach|install/uninstall
    allowed/forbidden|cure prevent/cause|gross/net|shallow/deep|fixed/variable|guilty/innocent
    odd/even|clockwise/counterclockwise|inner/outer|foreground/background|front/rear|debit/credit
    supply/demand|lender/borrower|employer/employee|landlord/tenant|buyer/seller|summer/winter
    sunrise/sunset|acid/base alkaline|uncle/aunt|nephew/niece|king/queen|eligible/exempt
    remember/forget|float/sink|friend/enemy|optimistic/pessimistic|introvert/extrovert
    subscribe/unsubscribe|follow/unfollow|connect/disconnect|register/unregister|raise/lower
""")

#: Endings by which nouns and adverbs are made, and `-ate`, as stems have them.
SUFFIXES = (
    "ational", "ation", "ition", "ional", "ment", "anc", "enc", "ant", "ent", "ness", "ion", "li",
    "at", "er", "or",
)  # fmt: skip
