"""Which English words say little, and which ones turn a question?

Closed classes and general knowledge of English. Words that inflect stand in their base form.
"""

from __future__ import annotations

__all__ = [
    "ALIKE",
    "ARTICLES",
    "AUXILIARIES",
    "CAPITONYMS",
    "DIRECTED",
    "EACH",
    "ENGLISH",
    "FOREIGN",
    "FUNCTION",
    "GIVEN",
    "HALVES",
    "IDEAS",
    "IDIOMS",
    "INTRODUCE",
    "IRREGULAR",
    "KINDS",
    "LANGUAGE",
    "LANGUAGES",
    "LIGHT",
    "LISTING",
    "MEASURES",
    "NEGATIONS",
    "PERSONS",
    "PLACES",
    "POINTING",
    "PRAISE",
    "PRESENT",
    "PRESENT_SPANS",
    "RANDOM",
    "REASONS",
    "REMEDIES",
    "SHAPES",
    "SOME",
    "TIMES",
    "TIMES_OF_DAY",
    "TITLES",
    "TURNING",
    "WAY",
    "WAYS",
    "WHOLE",
    "WRITING",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words of grammar. They hold a sentence together, and say nothing alone.
FUNCTION = _words("""
    a an the this that these those there here it its itself he him his she hers her they them their
     we us our i me my you your one ones oneself someone somebody anyone
    anybody everyone everybody yourself myself himself herself themselves ourselves something
    anything everything who whom whose which what when where why how be am is are was were
    been being do does did done doing have has had having will would shall should can could may
    might must ought need get got let 's to of in on at by for from with into onto as about so such
    too very and or but yet then during via using also just even ever because though
    although vs etc eg ie ok some any much many most lot thing please kindly thanks thank hi hello
    hey d m s t re ve ll already still again through along across upon toward towards around
""")

ARTICLES = _words("a an the my your")
POINTING = ARTICLES | {"our", "this", "that"}

#: Words of grammar that turn what is asked: one that stands on one side only is a difference.
TURNING = _words("""
    before after until since except unless under below beneath above over against only both either
    than more less fewer least first second third fourth fifth last next previous prior ago within
    beyond instead inside outside between among per twice half double same other another each always
    together alone not all several if whether while wrong ours theirs mine yours
""")

NEGATIONS = _words("not no never neither nor none nothing nobody nowhere without hardly non")

AUXILIARIES = _words("""
    am is are was were do does did have has had will would shall should can could may might must
""")

#: Words that say which of two is which: what follows them must be the same.
DIRECTED = _words("""
    to from into onto in on of by than before after over under with without for against about as not
    no if until since through at
""")

#: Words that make the order of two things indifferent.
ALIKE = _words("""
    and or distinguish between vs versus difference differ different compare comparison better both
    either similarity
""")

#: Words that a question gains or loses without another answer.
LIGHT = _words("""
    good great best better well nice amazing awesome useful helpful interesting favorite possible
    possibly actual actually real really true exact exactly basic basically main various certain
    specific particular particularly general generally overall typical typically normally usual
    usually simple simply easy easily quick quickly way tip idea advice suggestion method technique
    major explain describe tell question know understand wonder think believe consider opinion
    according recommend suggest want like try able wish mean meaning definition define example
    respectively proper properly own personal personally everyday daily life world serious seriously
    truly completely totally absolutely single manage start happen exist consist involve available
    give show help people person chance process purpose following given going plan planning supposed
    feel feeling look primary principal key essential fundamental common normal decent reliable
    trustworthy correctly effectively effective successfully successful expect learn else yes
    especially regarding related step procedure instruction mind easiest simplest time find found
    use used
    ensure wisely nicely efficiently smoothly
""")

#: Words that are another one with a capital, and units that are.
CAPITONYMS = _words("""
    polish china turkey may march august job reading nice mobile mb gb kb tb
""")

#: They ask for a text to be made, where a question with `how` asks for the making of it.
WRITING = _words("""
    write compose draft translate summarize summarise rewrite rephrase paraphrase proofread generate
    imagine
""")

#: Words about words: every word of such a question counts, those of grammar as well.
LANGUAGE = _words("""
    translate translation spell spelling spelled spelt pronounce pronounced conjugate grammar
    grammatical grammatically rewrite rephrase proofread
""")

#: Words of an instruction behind whose colon stands what it is about.
GIVEN = (
    LANGUAGE
    | WRITING
    | _words("""
    this these following below say sentence phrase word words idiom text texts code email mail
    message letter paragraph article title review comment tweet question questions essay story poem
    line lines list number numbers json log error input classify correct fix improve answer reply
    respond grade extract label continue complete convert solve simplify shorten expand format sort
    count reverse parse detect identify compare define explain describe sentiment topic language
    """)
)

#: Orders that a `what are` stands for.
LISTING = _words("list name enumerate")

#: What is praised where any good answer will do, and what is praised elsewhere.
PRAISE = _words("""
    best good great favorite favourite nice cool interesting awesome amazing useful top trustworthy
""")
WAY = _words("way ways time practice method option")

#: Words after which something is named.
INTRODUCE = _words("""
    in on for with from at by to without into onto using via through of or and like as during about
    along
""")

#: Names in front of which, or behind which, these stand say no more than the name alone.
TITLES = _words("mr mrs ms dr prof professor sir president senator mahatma saint lord lady")

#: They name the present, or what is found out by looking around.
PRESENT = _words("""
    today tonight tomorrow yesterday now nowadays latest newest current currently recent recently
    presently upcoming
""")

#: They do so in two words.
PRESENT_SPANS = frozenset(
    (pointer, span)
    for pointer in ("this", "these")
    for span in ("morning", "afternoon", "evening", "weekend", "week", "month", "year", "days")
)

#: Words for a time; never a word too many.
TIMES_OF_DAY = _words("""
    monday tuesday wednesday thursday friday saturday sunday january february march april june july
    august september october november december morning noon afternoon evening night midnight spring
    summer autumn fall winter weekend weekday weekends weekdays
""")

#: They ask for another answer each time.
RANDOM = _words("random randomly surprise dice")

#: What a `which` may ask for in the place of a `where`, a `who` or a `when`.
PLACES = _words("""
    place places city cities town area areas country countries site sites website websites location
    locations spot spots shop shops store stores region regions
""")
PERSONS = _words("person people candidate player actor author president scientist singer leader")
TIMES = _words("time year date day month century age period")
REASONS = _words("reason reasons cause causes caused why")
WAYS = _words("way ways tips methods steps measures procedure process instructions")
REMEDIES = _words("solution solutions trick tricks remedy remedies")
IDEAS = _words("suggestions ideas things strategies techniques advice")

#: The nouns that a `how` with an adjective asks for.
MEASURES = {
    adjective: _words(nouns)
    for adjective, nouns in {
        "many": "number count amount quantity", "much": "amount cost price fee salary quantity",
        "long": "duration length time", "far": "distance", "old": "age", "tall": "height",
        "high": "height", "deep": "depth", "wide": "width", "big": "size", "large": "size",
        "fast": "speed", "heavy": "weight weigh", "hot": "temperature", "cold": "temperature",
        "often": "frequency", "hard": "difficulty",
    }.items()
}  # fmt: skip

#: Several words in a row that stand for others, or for none; the longest first.
IDIOMS = {
    tuple(phrase.split()): tuple(meaning.split())
    for phrase, _, meaning in (
        line.partition(":")
        for line in (
            "why or why not:", "if so:", "if yes:", "of all time:ever", "in order to:to",
            "as well as:and", "stand for:mean", "stands for:mean", "short for:mean",
            "give me a list of:list", "give me the list of:list", "with the list of:",
            "what type of:what", "what types of:what", "what kind of:what", "what kinds of:what",
            "what sort of:what", "what sorts of:what", "one way:oneway", "round trip:roundtrip",
            "how come:why", "create a new:create a", "make a new:make a", "add a new:add a",
            "open a new:open a", "count the number of:count", "best of the best:best",
            "look for:search", "looking for:search", "turn off:switch off", "turn on:switch on",
            "turned off:switch off", "turned on:switch on", "would you say:", "the city of:",
            "for loop:forloop", "for loops:forloop", "while loop:whileloop",
            "while loops:whileloop", "degrees celsius:celsius", "degrees fahrenheit:fahrenheit",
            "get rid of:remove", "gets rid of:remove", "getting rid of:remove",
            "the united states of america:usa", "united states of america:usa",
            "the united states:usa", "united states:usa",
            "united kingdom:uk", "artificial intelligence:ai", "machine learning:ml",
            "regular expression:regex", "regular expressions:regex", "with no:without",
            "such as:like", "due to:because", "because of:because", "more than:over",
            "less than:under", "fewer than:under", "prior to:before", "at least:least",
            "a lot of:many", "lots of:many", "plenty of:many", "a couple of:some", "set up:setup",
            "log in:login", "sign in:login", "log on:login", "log out:logout", "sign up:signup",
            "back up:backup", "web site:website", "e mail:email", "now that:because",
            "as of:since", "how much time:how long", "iterate over:loop through",
            "loop over:loop through", "iterate through:loop through",
            "iterating over:loop through", "looping over:loop through", "one another:each other",
            "out of:from",
        )
    )
}  # fmt: skip

#: Forms that follow no rule.
IRREGULAR = {
    form: base
    for base, forms in {
        "man": "men", "woman": "women", "child": "children kid kids", "person": "persons",
        "foot": "feet", "tooth": "teeth", "mouse": "mice", "goods": "goods",
        "write": "wrote written writing", "make": "made making", "build": "built", "buy": "bought",
        "run": "ran running", "find": "found", "give": "gave given giving", "take": "took taken",
        "go": "went gone goes going", "come": "came coming", "see": "saw seen",
        "know": "knew known", "think": "thought", "speak": "spoke spoken", "break": "broke broken",
        "eat": "ate eaten", "drink": "drank drunk", "win": "won", "lose": "lost losing",
        "die": "dying died", "begin": "began begun", "choose": "chose chosen choosing",
        "drive": "drove driven", "fall": "fell fallen", "grow": "grew grown", "keep": "kept",
        "leave": "left", "mean": "meant", "sell": "sold", "send": "sent", "sleep": "slept",
        "spend": "spent", "teach": "taught", "tell": "told", "understand": "understood",
        "wear": "wore worn", "life": "lives", "wife": "wives", "leaf": "leaves", "get": "gotten",
        "news": "news", "series": "series", "pandas": "pandas", "rails": "rails",
        "string": "strings", "thing": "things", "use": "using used uses",
        "forget": "forgot forgotten", "good": "best better", "bad": "worst worse",
        "steal": "stole stolen", "hide": "hid hidden", "freeze": "froze frozen",
        "ride": "rode ridden", "hold": "held", "meet": "met", "pay": "paid", "say": "said",
        "catch": "caught", "feel": "felt", "lead": "led", "sing": "sang sung",
        "swim": "swam swum", "throw": "threw thrown", "becom": "became becoming become",
        "travel": "travelled travelling traveling traveled", "undo": "undid undone undoing",
        "tire": "tyre tyres", "gray": "grey",
        "theater": "theatre theatres", "fiber": "fibre fibres", "program": "programme programmes",
        "catalog": "catalogue catalogues", "license": "licence licences", "defense": "defence",
        "practice": "practise practised practising", "aluminum": "aluminium", "mold": "mould",
        "jewelry": "jewellery", "enroll": "enrol", "fulfill": "fulfil",
        "cancel": "cancelled canceled",
        "control": "controlling controlled", "favorite": "favourite favorites favourites",
        "color": "colour colours colors", "organiz": "organise organised organising",
        "analyz": "analyse analysed analysing", "center": "centre centres centers",
    }.items()
    for form in forms.split()
}  # fmt: skip

#: Behind these, `but` and `save` leave something out.
WHOLE = _words("""
    all every everything everyone everybody any anything anyone anybody each none nothing nobody no
""")
EACH = _words("everyone everybody everything")
SOME = _words("someone somebody something anyone anybody anything")

#: Nouns that only say what the word before them names: Rust and the language Rust.
KINDS = _words("""
    language languages command keyword disease syndrome condition disorder app application website
    site sites page company agency firm series movie film show book novel song brand people person
    status school university college institute culture government software program tool package
    framework library protocol algorithm device product service services industry field sector
    exam test process plan material area region period code level lock wave waves ray rays cell
    cells value type kind form word work price cost
""")

#: Light words that are half of a term as often as not: primary key, common law, mean error.
HALVES = _words("""
    specific particular general primary principal key essential fundamental common normal mean
    personal basic simple single main major life world time used daily everyday
""")

LANGUAGES = _words("""
    english spanish french german italian portuguese dutch swedish norwegian danish finnish polish
    czech hungarian romanian greek turkish russian ukrainian arabic hebrew persian hindi urdu
    bengali tamil telugu chinese mandarin cantonese japanese korean vietnamese thai indonesian
    latin swahili
""")

#: What an answer may be given as.
SHAPES = LANGUAGES | _words("""
    sentence sentences word paragraph paragraphs line lines page pages table list bullet
    bullets points json yaml csv xml markdown html latex poem poems rhyme rhymes haiku song verse
    essay story tweet diagram steps
""")

#: English words of grammar that hardly another language has.
ENGLISH = _words("""
    the of and to is are was were what which who how why when where does did do should would could
    can with without from for by this that these there it you my his their between into about if or
    not be been has have had an at than because while list make get find show write give explain
    using use file i
""")

#: Words of grammar of other languages that English does not have.
FOREIGN = _words("""
    der das und ist nicht ein eine einen einem einer ich wie wir mit auf für zu den dem wer warum
    kann sind wird hat oder aber wenn von bei nach über kein keine el los las una que como por para
    del es cuál qué cómo donde quien porque sin pero con y se su le les une est dans pour avec qui
    quel quelle comment pourquoi sur pas je nous vous il elle et ou des du au aux ce cette sans lo
    gli che di per sono della perché uno nel alla quale uma um os da dos na em não o isso qual fazer
    sem het een niet van hoe wat waar voor zijn wordt naar geen och att det som inte hur jag av ikke
    hvordan hva og af jak nie jest co czy dla czym bez ve bir ne için nedir mi
""")
