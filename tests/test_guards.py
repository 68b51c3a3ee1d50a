from __future__ import annotations

import pytest

from llmc import guards
from llmc.guards import Refusal
from llmc.language import english

#: Similarities below and above the one from which a word more makes no other question.
FAR, NEAR = 0.954, 0.955


def refusal(new, stored, similarity=FAR):
    return guards.between(english.parse(new), english.parse(stored), similarity)


def guard(new, stored, similarity=FAR):
    found = refusal(new, stored, similarity)
    return found and found.guard


def alone(text, *, follows=False):
    return guards.alone(english.parse(text), follows=follows)


def refused(name, *pairs):
    return [pytest.param(name, *pair, id=f"{name} {at}") for at, pair in enumerate(pairs)]


# -- a question alone ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "?", "why", "what is it?", "so what?", "shorter", "and you?", "what is Docker?"],
)
def test_a_question_of_one_word_that_says_something_is_exact_only(text):
    assert alone(text) == Refusal("too short", "it has fewer than two words that say something")


@pytest.mark.parametrize(
    "text", ["how do I laugh?", "how should one study?", "how to get divorced"]
)
def test_a_way_to_do_something_is_two_things(text):
    assert alone(text) is None


@pytest.mark.parametrize("text", ["what should I do for college?", "how do I get out of debt?"])
def test_a_way_to_do_one_knows_not_what_is_one_thing(text):
    assert alone(text).guard == "too short"


@pytest.mark.parametrize("text", ["define entropy", "what is 7 times 8?", "list prime numbers"])
def test_two_words_that_say_something_may_be_compared(text):
    assert alone(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("and how do I do that in Python 3?", None),
        ("how do I do that in Python 3?", None),
        ("and the same in Python?", "it is a short turn of a conversation"),
        ("how does that work in Python?", "it is a short turn of a conversation"),
    ],
)
def test_a_later_turn_of_fewer_than_eight_words_leans_on_what_was_said(text, reason):
    found = alone(text, follows=True)

    assert (found and found.detail) == reason
    assert alone(text) is None


def test_a_follow_up_is_named():
    assert alone("a shorter poem please", follows=True) == Refusal(
        "follow-up", "it is a short turn of a conversation"
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("what is the weather in Oslo today?", "today"),
        ("who is the current king of Spain?", "current"),
        ("What is the latest version of Django?", "latest"),
        ("is the library open now?", "now"),
        ("what films came out recently?", "recently"),
        ("will it rain in Oslo tomorrow?", "tomorrow"),
    ],
)
def test_a_question_about_the_present_is_exact_only(text, word):
    assert alone(text) == Refusal("present", f"{word!r} names the present")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("who won the league this year?", "this year"),
        ("what do people wear these days?", "these days"),
        ("where can I ski this weekend?", "this weekend"),
    ],
)
def test_the_present_may_be_named_in_two_words(text, span):
    assert alone(text) == Refusal("present", f"'{span}' names the present")


@pytest.mark.parametrize(
    "text",
    [
        "what is the difference between direct and alternating current?",
        "who won the league in that year?",
        "what does this function do in a year?",
        "who won the tour the year before this?",
    ],
)
def test_words_like_those_of_the_present_may_be_compared(text):
    assert alone(text) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("tell me a random fact about cats", "random"),
        ("Surprise me with a cake recipe", "surprise"),
        ("roll two dice for me", "dice"),
        ("pick a card randomly from the deck", "randomly"),
    ],
)
def test_a_question_that_asks_for_chance_is_exact_only(text, word):
    assert alone(text) == Refusal("randomness", f"{word!r} asks for another answer each time")


# -- what two questions may differ in ------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("how do I rename a branch in git?", "How to rename a branch in git"),
        (
            "how do I rename a branch in git?",
            "Hi, could you please tell me how to rename a git branch?",
        ),
        ("what is the best way to peel a mango?", "how do I peel a mango?"),
        ("which is the best museum in Paris?", "what's the best museum in Paris?"),
        ("what are the symptoms of the flu?", "what are the signs of the flu?"),
        ("who discovered penicillin?", "who was penicillin discovered by?"),
        ("what does HTTP stand for?", "What is the meaning of HTTP?"),
        ("how tall is Mount Everest?", "what is the height of Mount Everest?"),
        ("how do I remove a folder in Linux?", "how do I delete a directory in Linux?"),
        ("who is the mayor of Oslo?", "who is Oslo's mayor?"),
        ("why does ice float on water?", "what is the reason that ice floats on water?"),
        ("list the moons of Jupiter", "what are the moons of Jupiter?"),
    ],
)
@pytest.mark.parametrize("similarity", [0.9, FAR, NEAR, 1.0])
def test_the_same_question_in_other_words_passes(new, stored, similarity):
    assert refusal(new, stored, similarity) is None
    assert refusal(stored, new, similarity) is None


QUESTION_FORMS = refused(
    "question form",
    ("when was the bridge built?", "who built the bridge?", "'when' and 'who'"),
    ("where was Mozart born?", "when was Mozart born?", "'where' and 'when'"),
    ("why do birds sing?", "how do birds sing?", "'why' and 'how'"),
    ("how tall is the tower?", "how old is the tower?", "'how tall' and 'how old'"),
    ("how many wolves live in Wales?", "where do wolves live in Wales?", "'how many' and 'where'"),
    ("should I learn the violin?", "how do I learn the violin?", "'should' and 'how to'"),
    ("should I call my landlord?", "can I call my landlord?", "'should' and 'yes or no'"),
    ("is the violin hard?", "how hard is the violin?", "'yes or no' and 'how hard'"),
    ("write a script that renames files", "how do I rename files?", "'write' and 'how to'"),
    ("what is it like to live in Oslo?", "where do I live in Oslo?", "'what like' and 'where'"),
    ("what is a tax haven, and why?", "what is a tax haven, and where?", "'why' and 'where'"),
)  # fmt: skip

VERBS = refused(
    "verb",
    ("who was the king of Spain?", "who is the king of Spain?", "'was' and 'is'"),
    ("were wolves common in Wales?", "are wolves common in Wales?", "'were' and 'are'"),
    ("was the bridge safe in Genoa?", "will the bridge be safe in Genoa?", "'was' and 'will'"),
    ("has Brazil won the world cup?", "will Brazil win the world cup?", "'has' and 'will'"),
    ("did it snow in Cairo?", "will it snow in Cairo?", "'did' and 'will'"),
    ("what should I eat in Rome?", "what can I eat in Rome?", "'should' and 'can'"),
    ("which roads must lorries take?", "which roads may lorries take?", "'must' and 'may'"),
)

DENIES = "one of them denies"
NEGATIONS = refused(
    "negation",
    ("which foods contain no gluten?", "which foods contain gluten?", DENIES),
    ("how do I never forget a name?", "how do I forget a name?", DENIES),
    ("why does my script not run?", "why does my script run?", DENIES),
    ("why don't cats like water?", "why do cats like water?", DENIES),
    ("what can you not put in a microwave?", "what can you put in a microwave?", DENIES),
    ("why isn't nobody at the party?", "why is nobody at the party?", DENIES),
    ("is it not safe to not eat or not sleep?", "is it safe to not sleep?", DENIES),
)

OPPOSITES = refused(
    "opposites",
    ("how do I open a port?", "how do I close a port?", "'open' and 'close'"),
    ("should I buy shares?", "should I sell shares?", "'buy' and 'sell'"),
    ("what should I eat before a run?", "what should I eat after a run?", "'before' and 'after'"),
    ("how do I ask her to a dance?", "how do I ask him to a dance?", "'her' and 'him'"),
    ("how do men age?", "how do women age?", "'men' and 'women'"),
    ("how do I fly to Rome?", "how do I fly from Rome?", "'to' and 'from'"),
    ("is it abnormal to feel tired?", "is it normal to feel tired?", "'abnormal' and 'normal'"),
    ("is it impossible to outrun a bear?", "is it possible to outrun a bear?",
     "'impossible' and 'possible'"),
    ("what is an asymmetric key?", "what is a symmetric key?", "'asymmetric' and 'symmetric'"),
    ("can ferns live in indirect light?", "can ferns live in direct light?",
     "'indirect' and 'direct'"),
)  # fmt: skip

CAPITALS = refused(
    "capitals",
    ("how do I polish a table?", "how do I Polish a table?", "'polish' and 'Polish'"),
    ("what does tar -x with c do?", "what does tar -x with C do?", "'c' and 'C'"),
    ("where is turkey from?", "where is Turkey from?", "'turkey' and 'Turkey'"),
)

ASKED_ABOUT = "its words are what is asked about"
WORDINGS = refused(
    "wording",
    ("how do I say it is here in Thai?", "how do I say there it is in Thai?", ASKED_ABOUT),
    ("translate you see us to Latin", "translate we see you to Latin", ASKED_ABOUT),
    ("rewrite it is here", "rewrite there it is", ASKED_ABOUT),
)

TURNING_WORDS = refused(
    "turning word",
    ("how do I keep all files except logs?", "how do I keep all files and logs?",
     "'except' on one side only"),
    ("which roads have fewer potholes?", "which roads have potholes?",
     "'fewer' on one side only"),
    ("do birds always migrate?", "do birds migrate?", "'always' on one side only"),
    ("how do I list both branches?", "how do I list branches?", "'both' on one side only"),
    ("what is the second largest lake?", "what is the largest lake?", "'second' on one side only"),
    ("do all birds migrate?", "do birds migrate?", "'all' on one side only"),
    ("what is between two lakes?", "what is in two lakes?", "'between' on one side only"),
    ("is sugar and salt bad for dogs?", "is sugar or salt bad for dogs?", "'and' and 'or'"),
)  # fmt: skip

ENTITIES = refused(
    "entity",
    ("how do I read a file in Python?", "how do I read a file in Ruby?",
     "'python' on one side only"),
    ("what is the best museum in Paris?", "what is the best museum?", "'paris' on one side only"),
    ("when did President Lincoln die?", "when did President Johnson die?",
     "'lincoln' on one side only"),
    ("who is the senator of Texas?", "who is the Senator?", "'texas' on one side only"),
    ("how do I use AWS and S?", "how do I use AWS?", "'s' on one side only"),
)  # fmt: skip

DONE_BY = "one asks who does it, the other to whom it is done"
HAS = "one asks who has it, the other who it is"
ROLES = refused(
    "role",
    ("who shot Kennedy?", "who did Kennedy shoot?", DONE_BY),
    ("which team beat Brazil?", "which team did Brazil beat?", DONE_BY),
    ("who killed Hamlet?", "whom did Hamlet kill?", DONE_BY),
    ("what is caused by stress?", "what causes stress?", DONE_BY),
    ("what is eaten by lions?", "what eats lions?", DONE_BY),
    ("how do I get hired at a bank?", "how do I hire at a bank?",
     "in one of them somebody is 'hired'"),
    ("who is Hamlet's uncle?", "whose uncle is Hamlet?", HAS),
    ("who is the uncle of Hamlet?", "whose uncle is Hamlet?", HAS),
    ("who is the father of Luke?", "who is Luke the father of?",
     "'of' stands before 'luk' in one of them"),
    ("what language is Chrome written in?", "what language is written in Chrome?",
     "'in' stands before 'chrom' in one of them"),
    ("what gifts are the cards for?", "what cards are for the gifts?",
     "'for' stands before 'gift' in one of them"),
    ("can I sue him?", "can he sue me?", "'i' and 'me'"),
    ("should we call her?", "should she call us?", "'we' and 'us'"),
    ("how do I know if I like him?", "how do I know if he likes me?", "'he' and 'him'"),
    ("how can I help my friend quit smoking?", "how can my friend help me quit smoking?",
     "'i' and 'me'"),
    ("how do I make my dog obey me?", "how do I obey my dog?", "'me' on one side only"),
    ("how do I tell my parents I failed?", "how do I tell my parents they failed?",
     "'they' and 'i'"),
    ("what if someone sues me?", "what if I sue someone?", "'me' and 'i'"),
    ("what should I do if he sues me?", "what should I do if I sue someone?", "'he' and 'i'"),
    ("must a seller tell a buyer about mold?", "must a buyer tell a seller about mold?",
     "'seller' comes first in one of them, 'buyer' in the other"),
    ("how many euros is a dollar?", "how many dollars is a euro?",
     "'euro' comes first in one of them, 'dollar' in the other"),
)  # fmt: skip

SUBSTITUTIONS = refused(
    "substitution",
    ("how do I peel a mango?", "how do I peel a kiwi?", "'mango' and 'kiwi'"),
    ("what do penguins eat in winter?", "what do seals eat in winter?", "'penguins' and 'seals'"),
    ("how do I cook rice with milk and salt?", "how do I steam rice with milk and pepper?",
     "'cook' and 'steam'"),
    ("which seal eats squid near cold shores?", "which penguin eats squid on flat wide shores?",
     "'seal' and 'penguin'"),
    ("how do I use a decorator in python?", "how do I define a decorator in python?",
     "'use' and 'define'"),
    ("is it easy to learn Java?", "is it possible to learn Java?", "'easy' and 'possible'"),
    ("is Kubernetes free?", "is Kubernetes good?", "'free' and 'good'"),
    ("what is the normal heart rate of a dog?", "what is the average heart rate of a dog?",
     "'normal' and 'average'"),
    ("what is a synonym for big?", "what is a synonym for large?", "'big' and 'large'"),
    ("what is the plural of child?", "what is the plural of kid?", "'child' and 'kid'"),
    ("what rhymes with begin?", "what rhymes with start?", "'begin' and 'start'"),
    ("how does an illness differ from a disease?", "how does an illness differ from a sickness?",
     "'disease' and 'sickness'"),
    ("what is the difference between a photo and an image?",
     "what is the difference between a photo and a picture?", "'image' and 'picture'"),
)  # fmt: skip

ORDERS = refused(
    "order",
    ("can I use two monitors with one laptop?", "can I use one monitor with two laptops?",
     "2 'monitors' and 2 'laptops'"),
    ("why do dogs chase cats?", "why do cats chase dogs?", "their words stand in reverse order"),
)  # fmt: skip

LANGUAGES = refused(
    "language",
    *(
        (new, stored, "it is no English that could be compared")
        for new, stored in (
            ("wie schreibe ich eine Datei?", "wie schreibe ich die Datei?"),
            ("как удалить файл?", "как удалить папку?"),
            ("how do I delete a file?", "как удалить файл?"),
            ("如何删除文件", "如何刪除文件"),
        )
    ),
)


@pytest.mark.parametrize(
    ("name", "new", "stored", "detail"),
    [
        *QUESTION_FORMS, *VERBS, *NEGATIONS, *OPPOSITES, *CAPITALS, *WORDINGS, *TURNING_WORDS,
        *ENTITIES, *ROLES, *SUBSTITUTIONS, *ORDERS, *LANGUAGES,
    ],
)  # fmt: skip
def test_a_guard_refuses_at_any_similarity_whichever_question_is_new(name, new, stored, detail):
    assert refusal(new, stored, 1.0) == Refusal(name, detail)
    assert refusal(new, stored, FAR) == Refusal(name, detail)
    assert guard(stored, new, 1.0) == name
    assert guard(stored, new, FAR) == name


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (
            "what is the capital of Peru, and what is its population?",
            "what is the capital of Peru?",
        ),
        ("who wrote Dracula and when did he die?", "who wrote Dracula?"),
        ("What is a cron job? How do I write it?", "What is a cron job?"),
    ],
)
def test_an_answer_to_more_than_was_asked_will_do_but_none_to_less(more, less):
    assert refusal(more, less, 1.0) == Refusal("second question", "it asks a second question")
    assert refusal(less, more, 1.0) is None


# -- what each guard lets pass -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("who wins, a lion or a tiger?", "will a lion or a tiger win?"),
        ("how do people stop smoking?", "how do I stop smoking?"),
        ("how much is a ticket to Rome?", "what is the price of a ticket to Rome?"),
        ("convert JSON to YAML", "how do I convert JSON to YAML?"),
    ],
)
def test_questions_of_two_forms_may_ask_for_the_same(new, stored):
    assert refusal(new, stored, FAR) is None
    assert refusal(stored, new, FAR) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("is yoga helpful for back pain?", "how is yoga helpful for back pain?"),
        ("what do I do to clean a rug?", "what is it that cleans a rug?"),
    ],
)
def test_some_forms_ask_for_the_same_only_where_all_else_is_near(new, stored):
    assert refusal(new, stored, NEAR) is None
    assert guard(new, stored, FAR) == "question form"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("what caused the fire of Rome?", "what was the cause of the fire of Rome?"),
        ("can I drink tap water in Rome?", "could I drink tap water in Rome?"),
        ("who was and is the king of Spain?", "who is the king of Spain?"),
        ("how can I fix a tap?", "how should I fix a tap?"),
    ],
)
def test_verbs_that_ask_for_the_same_pass(new, stored):
    assert refusal(new, stored) is None
    assert refusal(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("isn't Rome older than Paris?", "is Rome older than Paris?"),
        ("shouldn't I pay the toll road?", "should I pay the toll road?"),
        ("why doesn't my script run?", "why does my script not run?"),
    ],
)
def test_negations_that_ask_for_the_same_pass(new, stored):
    assert refusal(new, stored) is None
    assert refusal(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("how do I start and stop a service?", "how do I stop and start a service?"),
        ("how do I buy a used car?", "how do I purchase a used car?"),
        ("how do I merge files to one file?", "how do I merge files into one file?"),
        ("what is a web site map?", "what is a website map?"),
    ],
)
def test_words_that_are_no_opposites_pass(new, stored):
    assert refusal(new, stored) is None
    assert refusal(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("Polish a table for me", "polish a table for me"),
        ("how do I read a 5 mb file?", "how do I read a 5 MB file?"),
        ("what does python do with a file?", "what does Python do with a file?"),
        ("What is a tariff in Turkey?", "what is a tariff in Turkey?"),
        ("i want to swim, how do i start?", "I want to swim, how do I start?"),
    ],
)
def test_capitals_that_make_no_other_word_pass(new, stored):
    assert refusal(new, stored) is None
    assert refusal(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ('how do I say "I am here" in French?', 'how can I say "I am here" in French?'),
        ("what do people say about Oslo?", "what do the people say of Oslo?"),
    ],
)
def test_words_of_grammar_say_little_elsewhere(new, stored):
    assert refusal(new, stored) is None
    assert refusal(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("what are all the moons of Jupiter?", "what are the moons of Jupiter?"),
        ("which towns lie above 900 m?", "which towns lie over 900 m?"),
        ("how do I tell whether an egg is bad?", "how do I tell if an egg is bad?"),
        ("what is the difference between tea and mate?", "how do tea and mate differ?"),
    ],
)
def test_turning_words_that_turn_the_same_way_pass(new, stored):
    assert refusal(new, stored) is None
    assert refusal(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("when did Mahatma Gandhi die?", "when did Gandhi die?"),
        ("when was Dr Samuel Johnson born?", "when was Samuel Johnson born?"),
        ("when did George R Martin write it?", "when did George Martin write it?"),
        ("when was JavaScript made?", "when was javascript made?"),
    ],
)
def test_what_only_goes_with_a_name_makes_no_other_name(new, stored):
    assert refusal(new, stored, NEAR) is None
    assert refusal(stored, new, NEAR) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("who composed The Four Seasons?", "who were The Four Seasons composed by?"),
        ("how do I get motivated to train?", "how do I motivate myself to train?"),
        ("how do I get hired at a bank?", "how can I be hired at a bank?"),
        ("what do people do in Rome?", "what does one do in Rome?"),
        ("can I marry my cousin?", "can you marry your cousin?"),
        ("whose song is Hello from the album 25?", "whose song was Hello on the album 25?"),
        ("what country is Lisbon the capital of?", "Lisbon is the capital of what country?"),
        ("what are scissors made of?", "what material are scissors made of?"),
        ("for a beginner, what is the best violin?", "what is the best violin for a beginner?"),
        ("in chemistry, what is a mole?", "what is a mole in chemistry?"),
        ("what is 7 times 8?", "what is 8 times 7?"),
        ("do cats and dogs get along?", "do dogs and cats get along?"),
        ("how do I improve my memory?", "how do I improve the memory I have?"),
    ],
)
def test_who_does_it_is_the_same_in_these(new, stored):
    assert guard(new, stored, NEAR) != "role"
    assert guard(stored, new, NEAR) != "role"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("what are good mixers for gin?", "what are nice mixers for gin?"),
        (
            "what is the main purpose of a cat's tail?",
            "what is the primary purpose of a cat's tail?",
        ),
        ("who founded the red cross?", "who started the red cross?"),
        ("what is the best chess opening?", "what is your favorite chess opening?"),
        ("how does a film differ from a play?", "how does a movie differ from a play?"),
        ("what is it like to be a rich person?", "what is it like to be really rich?"),
        ("what is a simple trick for knots?", "what is a trick for simple knots?"),
    ],
)
def test_light_words_may_stand_for_each_other(new, stored):
    assert refusal(new, stored) is None
    assert refusal(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("do two cats need two boxes?", "do 2 cats need 2 boxes?"),
        ("what are 3 uses of a spoon?", "what are 3 functions of a spoon?"),
        ("how long is 5 km in miles?", "in miles, how long is 5 km?"),
    ],
)
def test_the_same_things_counted_pass_the_order(new, stored):
    assert guard(new, stored) != "order"
    assert guard(stored, new) != "order"


@pytest.mark.parametrize(
    "text",
    [
        "как удалить файл в линукс?",
        "wie lösche ich eine Datei?",
        "如何删除文件",
        "comment ça va ici?",
    ],
)
def test_another_language_serves_the_same_words(text):
    assert refusal(text, text) is None
    assert refusal(f"  {text.upper()} ", text.upper()) is None


# -- a word more ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "less", "word"),
    [
        ("write a short poem about rain", "write a poem about rain", "short"),
        ("list the dwarf planets", "list the planets", "dwarf"),
        ("what is the height of a giraffe's neck?", "what is a giraffe's neck?", "height"),
        ("where does it rain in winter in Wales?", "where does it rain in Wales?", "winter"),
        ("how many minutes does a red egg boil?", "how many minutes does an egg boil?", "red"),
        ("does every dog need a license?", "does a dog need a license?", "every"),
        ("is almost all glass recyclable?", "is all glass recyclable?", "almost"),
    ],
)  # fmt: skip
def test_some_words_are_never_a_word_too_many(more, less, word):
    expected = Refusal("narrowing", f"{word!r} on one side only")

    assert refusal(more, less, 1.0) == expected
    assert refusal(less, more, 1.0) == expected


@pytest.mark.parametrize(
    ("more", "less", "word"),
    [
        ("who makes gaming laptops?", "who makes laptops?", "gaming"),
        ("does milk contain sugar and fat?", "does milk contain sugar?", "fat"),
        ("do turtles swim when hurt?", "do turtles swim?", "hurt"),
        ("where do sea turtles lay eggs?", "where do turtles lay eggs?", "sea"),
    ],
)
def test_a_word_more_makes_another_question_unless_all_else_is_near(more, less, word):
    expected = Refusal("narrowing", f"{word!r} on one side only")

    assert refusal(more, less, FAR) == expected
    assert refusal(less, more, FAR) == expected
    assert refusal(more, less, NEAR) is None
    assert refusal(less, more, NEAR) is None


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("what are the best hidden museums in Rome?", "what are the best museums in Rome?"),
        ("list the names of Jupiter's moons", "what are the names of Jupiter's moons?"),
        ("what causes rust on iron?", "why is there rust on iron?"),
        ("what is the height of Ben Nevis?", "how tall is Ben Nevis?"),
        ("does milk contain sugar naturally?", "does milk contain sugar?"),
    ],
)
def test_a_word_that_narrows_nothing_passes(more, less):
    assert guard(more, less, FAR) is None
    assert guard(less, more, FAR) is None


def test_the_best_way_is_no_praise_of_things():
    more, less = "what is the best way for tall people to sit?", "what is the best way to sit?"

    assert guard(more, less, FAR) == "narrowing"


@pytest.mark.parametrize("similarity", [FAR, NEAR, 1.0])
def test_how_a_thing_is_done_depends_on_each_word_that_narrows_it(similarity):
    more, less = "how do I bake crusty bread?", "how do I bake bread?"

    assert refusal(more, less, similarity) == Refusal("narrowing", "'crusty' on one side only")


@pytest.mark.parametrize("text", ["", "?", "to", "who", "-x", "7", "by me"])
def test_what_is_hardly_a_sentence_is_compared_as_well(text):
    assert refusal(text, text) is None
    assert guard(text, "who wrote Dracula?") is not None
    assert guard("who wrote Dracula?", text) is not None


@pytest.mark.parametrize("text", ["number", "number?", "numbers", "how many", "how much", "by"])
def test_a_question_of_one_word_is_compared_with_any(text):
    assert refusal(text, "what is the price of a fig in Peru?") is not None
    assert refusal("what is the price of a fig in Peru?", text) is not None
