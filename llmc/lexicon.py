"""Which English words say little, which ones turn a question, and which mean the same?

Closed classes and general knowledge of English. Words that inflect stand in their base form.
"""

from __future__ import annotations

__all__ = [
    "ALIKE", "AUXILIARIES", "DIRECTED", "ENGLISH", "FOREIGN", "FUNCTION", "IRREGULAR", "LIGHT",
    "NEGATIONS", "OPPOSITES", "OPPOSITE_PREFIXES", "PRESENT", "SUFFIXES", "SYNONYMS", "TURNING",
    "WRITING",
]  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words of grammar. They hold a sentence together, and say nothing alone.
FUNCTION = _words(
    "a an the this that these those there here it its itself he him his she hers her they them"
    " their theirs we us our ours i me my mine you your yours one ones oneself someone somebody"
    " anyone anybody everyone everybody yourself myself himself herself themselves ourselves"
    " something anything everything who whom whose which what when where why how whether"
    " be am is are was were been being do does did done doing have has had having will would shall"
    " should can could may might must ought need get got let 's"
    " to of in on at by for from with into onto as about so such too very and or but yet if then"
    " during via per using also just even ever while because though although vs etc eg ie ok some any much many most lot"
    " thing please kindly thanks thank hi hello hey d m s t re ve ll"
)

#: Words of grammar that turn what is asked: one that stands on one side only is a difference.
TURNING = _words(
    "before after until till since except excluding besides unless under below beneath above over"
    " against only both either than more less fewer least first second third fourth fifth last next"
    " previous prior ago within beyond instead inside outside between among per via twice"
    " half double same other another each every always together alone again still already not"
)

NEGATIONS = _words("not no never neither nor none nothing nobody nowhere without cannot hardly non")

AUXILIARIES = _words(
    "am is are was were do does did have has had will would shall should can could may might must"
)

#: Words that say which of two is which: what follows them must be the same.
DIRECTED = _words(
    "to from into onto in on of by than before after over under with without for against about as"
    " not no if until since through at"
)

#: Words that make the order of two things indifferent.
ALIKE = _words(
    "and or between vs versus difference differ compare comparison better both either similarity"
)

#: Words that a question gains or loses without another answer.
LIGHT = _words(
    "good great best better well nice amazing awesome useful helpful interesting favorite possible"
    " possibly actual actually real really true exact exactly basic basically main various certain"
    " specific particular particularly general generally overall typical typically normally usually"
    " simple simply easy easily quick quickly way tip idea advice suggestion method technique"
    " explain describe tell question know understand wonder think believe consider opinion according"
    " recommend suggest want like try able want wish mean meaning meant definition define example"
    " various respectively currently proper properly own personal personally everyday daily life"
    " world ever serious seriously truly completely totally absolutely single manage start"
    " happen exist consist involve available give show there need help people person please chance"
    " process purpose following given certain going plan planning supposed able feel feeling look primary principal key essential fundamental common typical usual normal decent reliable trustworthy properly correctly effectively effective successfully successful expect expected learn learning try trying decide going else yes anyone somehow especially regarding related time"
)

#: They name the present, or what is found out by looking around.
PRESENT = _words(
    "today tonight tomorrow yesterday now nowadays latest newest current currently recent recently"
    " presently upcoming"
)

#: They ask for a text to be made, where a question with `how` asks for the making of it.
WRITING = _words(
    "write compose draft translate summarize summarise rewrite rephrase paraphrase proofread"
    " generate imagine"
)

#: Forms that follow no rule.
IRREGULAR = {
    form: base
    for base, forms in {
        "man": "men", "woman": "women", "child": "children kid kids", "person": "people persons",
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
        "string": "strings", "thing": "things", "use": "using used uses", "forget": "forgot forgotten",
        "good": "best better", "bad": "worst worse",
        "steal": "stole stolen", "hide": "hid hidden", "freeze": "froze frozen", "ride": "rode ridden",
        "hold": "held", "meet": "met", "pay": "paid", "say": "said", "catch": "caught", "feel": "felt",
        "lead": "led", "shoot": "shot", "sing": "sang sung", "swim": "swam swum", "throw": "threw thrown",
        "becom": "became becoming become", "travel": "travelled travelling", "cancel": "cancelled",
        "control": "controlling controlled", "favorite": "favourite favorites favourites",
        "colour": "color colors", "organiz": "organise organised", "analyz": "analyse",
    }.items()
    for form in forms.split()
}  # fmt: skip

#: Groups of words of which one may stand for the other in a question.
SYNONYMS = tuple(
    _words(group)
    for group in (
        "begin start commence",
        "quit exit leave",
        "stop quit end",
        "delete remove erase",
        "create make build",
        "show display print list view see find",
        "find get",
        "buy purchase get",
        "fix repair solve resolve",
        "big large huge",
        "small little tiny",
        "fast quick rapid",
        "easy simple",
        "hard difficult tough",
        "movie film",
        "picture photo image",
        "improve enhance increase",
        "use utilize employ",
        "help assist",
        "choose select pick",
        "change modify alter edit",
        "folder directory",
        "get obtain acquire gain receive",
        "earn make",
        "way method technique tip",
        "illness disease",
        "car automobile",
        "doctor physician",
        "mean meaning definition",
        "author writer",
        "learn study",
        "phone mobile cellphone smartphone",
        "increase raise boost",
        "reduce decrease lower",
        "difference differ distinguish",
        "country nation",
        "company firm",
        "benefit advantage pro",
        "drawback disadvantage con downside",
        "reason cause",
        "famous popular",
        "rich wealthy",
        "smart intelligent clever",
        "strange weird odd",
        "fridge refrigerator",
        "relate link connect",
        "ready prepare capable",
        "skill ability",
        "overcome combat beat",
        "internet online web",
        "website site",
        "maximum highest max",
        "min minimum low",
        "see check know tell",
        "salary pay wage",
        "job work career",
        "house home",
        "correct right",
        "happen occur",
        "call name",
        "speed fast",
        "usa us america",
        "uk britain",
        "laptop notebook",
        "bug error",
        "condition status",
        "become be get",
        "like enjoy",
        "cost price",
        "teenager teen",
        "near close",
        "photo picture",
        "town city",
        "kill die",
        "copy duplicate",
        "stay be",
        "train teach",
        "exam test",
        "college university",
        "money cash",
        "suggest recommend",
    )
)

#: Words of which one excludes the other.
OPPOSITES = tuple(
    (_words(left), _words(right))
    for left, _, right in (
        pair.partition("/")
        for pair in (
            "buy purchase/sell", "max maximum highest/min minimum lowest", "push/pull",
            "open/close shut closed", "start begin enable/stop end disable", "good best better/bad worst worse",
            "big large bigger larger biggest largest long longer tall/small little smaller smallest short shorter",
            "high higher/low lower", "more most/less least fewer fewest", "increase gain raise/decrease lose reduce lower",
            "before/after", "first/last", "next/previous", "on/off", "up/down", "in/out", "inside/outside",
            "above over/below under", "left/right", "top/bottom", "front/back", "north/south", "east/west",
            "old older oldest/new newer newest young younger", "hot warm/cold cool", "fast quick/slow", "early/late",
            "add append insert/remove delete drop", "create/delete destroy drop", "show/hide", "lock/unlock",
            "accept allow grant permit/decline reject deny refuse revoke forbid", "import/export", "upload/download",
            "encrypt/decrypt", "encode/decode", "compress zip/decompress extract unzip", "ascending/descending",
            "local/remote", "source/destination target", "row/column", "inclusive/exclusive", "include/exclude",
            "public/private", "static/dynamic", "input/output", "read/write", "send/receive", "give/take get",
            "love like/hate dislike", "win/lose", "live/die", "male man boy husband he/female woman girl wife she",
            "mother mom/father dad", "brother/sister", "son/daughter", "adult/child kid", "cat/dog", "day/night",
            "morning/evening", "rise/fall", "advantage pro benefit/disadvantage con drawback risk", "cause/effect",
            "question/answer", "borrow/lend", "rent/buy", "teach/learn", "arrive/depart leave", "arrival/departure",
            "enter/exit leave", "save/discard", "commit/revert", "merge/rebase split", "join/split", "encourage/discourage",
            "true/false", "positive/negative", "success/failure", "pass succeed/fail", "always/never", "all every/none",
            "same similar alike/different difference", "minor/major", "legal/illegal", "safe/dangerous unsafe",
            "client/server", "parent/child", "horizontal/vertical", "wide/narrow", "thick/thin", "heavy/light",
            "full/empty", "wet/dry", "hard/soft", "hard difficult/easy", "sync/async", "mount/unmount", "undo/redo",
            "upper uppercase/lower lowercase", "singular/plural", "past/future", "am/pm", "import/declare",
            "with/without", "to/from", "into/from", "for/against", "since/until", "vertical/horizontal", "strong/weak",
            "rich/poor", "cheap/expensive", "host/guest", "lead/follow", "attack/defend", "import/emit", "earn/spend",
        )
    )
)  # fmt: skip

#: Beginnings of words that turn them round.
OPPOSITE_PREFIXES = tuple(
    [
        "un",
        "in",
        "im",
        "il",
        "ir",
        "dis",
        "de",
        "non",
        "re",
        "mis",
        "anti",
        "over",
        "under",
        "up",
        "down",
        "pre",
        "post",
        "en",
        "ex",
        "out",
        "a",
    ]
)

#: Endings by which nouns are made of verbs and the like.
SUFFIXES = tuple(
    [
        "ational",
        "ation",
        "ition",
        "ional",
        "ional",
        "ment",
        "ance",
        "ence",
        "ness",
        "ing",
        "ion",
        "ity",
        "ies",
        "ed",
        "al",
        "at",
        "ly",
        "es",
        "e",
        "s",
        "y",
    ]
)

#: English words of grammar that hardly another language has.
ENGLISH = _words(
    "the of and to is are was were what which who how why when where does did do should would could"
    " can with without from for by this that these there it you your my his their between into"
    " about if or not be been has have had an at than because while list make get find show write"
    " give explain using use file my i"
)

#: Words of grammar of other languages that English does not have.
FOREIGN = _words(
    "der das und ist nicht ein eine einen einem einer ich wie wir mit auf f\u00fcr zu den dem wer"
    " warum kann sind wird hat oder aber wenn von bei nach \u00fcber kein keine"
    " el los las una que como por para del es cu\u00e1l qu\u00e9 c\u00f3mo donde quien porque sin"
    " pero con y se su le les une est dans pour avec qui quel quelle comment pourquoi sur pas je"
    " nous vous il elle et ou des du au aux ce cette sans"
    " lo gli che di per sono della perch\u00e9 una uno della nel alla quale"
    " uma um os da dos das na em n\u00e3o isso qual fazer sem"
    " het een niet van hoe wat waar voor zijn wordt naar geen"
    " och att det som inte hur jag av ikke hvordan hva og af"
    " jak nie jest co czy dla czym bez ve bir nas\u0131l ne i\u00e7in nedir mi"
)
