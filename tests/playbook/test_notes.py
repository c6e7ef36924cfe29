"""Notes: the chosen sentences, joined as the language does, without what must not be said."""

from __future__ import annotations

from typing import Any

import pytest

from crmrules.contracts.renderer import Vocabulary
from crmrules.errors import RulesetError
from crmrules.language.conditions import ALWAYS
from crmrules.language.ruleset import Playbook, Sentence
from crmrules.model.text import text
from crmrules.playbook.notes import Dropped, Note, NoteRow, note_paths, render_notes
from crmrules.playbook.render import jinja_renderer
from crmrules.playbook.sentences import one_sentence, says_one_sentence


def sentence(id: str, zh: str, en: str) -> Sentence:
    return Sentence(id=id, of="contact", block=id, when=ALWAYS, say=text(zh, en))


PLAYBOOK = Playbook(
    blocks={"contact": ("concern", "proof", "next")},
    sentences=(
        sentence("concern", "{{ name }}关注{{ topic }}", "{{ name }} cares about {{ topic }}"),
        sentence("proof", "可提供{{ account.industry }}案例。", "Offer a case from {{ account.industry }}."),
        sentence("next", "{% if meeting %}约面谈{% endif %}", "{% if meeting %}Ask for a meeting{% endif %}"),
        sentence("sum", "{{ name + 1 }}", "{{ name + 1 }}"),
    ),
    forbidden=("回扣", "(?i)kickback"),
)
ALL = ("concern", "proof", "next")


def note(language: str, sentences: tuple[str, ...] = ALL, **fields: Any) -> Note:
    row = NoteRow(
        account_id="a1", object="contact", record_id="c1", sentences=sentences,
        fields={"name": "李", "topic": "ROI", "account.industry": "hospital", "meeting": True} | fields,
    )  # fmt: skip
    (made,) = render_notes([row], PLAYBOOK, {"contact": Vocabulary(language=language)}, jinja_renderer())
    return made


def test_the_chosen_sentences_stand_one_after_the_other() -> None:
    assert note("zh").body == "李关注ROI。可提供hospital案例。约面谈。"
    assert note("en").body == "李 cares about ROI. Offer a case from hospital. Ask for a meeting."
    assert note("en").sentences == ALL


def test_a_sentence_that_comes_out_empty_is_not_said() -> None:
    made = note("en", meeting=False)
    assert made.body.endswith("hospital.")
    assert made.sentences == ("concern", "proof")
    assert made.dropped == ()


@pytest.mark.parametrize("topic", ["回扣", "a KickBack"])
def test_a_sentence_with_forbidden_words_is_dropped_and_reported_even_when_the_data_brought_them(topic: str) -> None:
    made = note("zh", topic=topic)
    assert made.sentences == ("proof", "next")
    assert [d.sentence for d in made.dropped] == ["concern"]
    assert "forbidden" in made.dropped[0].reason


def test_a_sentence_that_fails_on_a_row_costs_that_sentence_only() -> None:
    made = note("en", sentences=("sum", "proof"))
    assert made.body == "Offer a case from hospital."
    assert isinstance(made.dropped[0], Dropped)


def test_no_more_than_three_sentences_are_said() -> None:
    assert len(note("en", sentences=(*ALL, "concern")).sentences) == 3


def test_every_wrong_template_and_pattern_is_reported_at_once() -> None:
    wrong = Playbook(blocks={}, sentences=(sentence("a", "{{ x", "{{ x"), sentence("b", "{{ y() }}", "{{ y() }}")))
    with pytest.raises(RulesetError) as caught:
        list(render_notes([], wrong, {"contact": Vocabulary()}, jinja_renderer()))
    assert [p.code for p in caught.value.problems] == ["bad-template", "bad-template"]
    unsafe = Playbook(blocks={}, sentences=(), forbidden=("(?=x)",))
    with pytest.raises(RulesetError, match="not RE2"):
        list(render_notes([], unsafe, {"contact": Vocabulary()}, jinja_renderer()))


def test_the_caller_can_ask_which_fields_the_sentences_read() -> None:
    paths = note_paths(PLAYBOOK, {"contact": Vocabulary()}, jinja_renderer())
    assert paths == {"contact": ("account.industry", "meeting", "name", "topic")}


@pytest.mark.parametrize(
    ("said", "one"),
    [
        ("", True), ("Call him", True), ("Call him.", True), ("Offer 3.5 seats, e.g. a trial.", True),
        ("Call him. Then write.", False), ("约面谈。", True), ("约面谈。再写信。", False), ("真的？！", True), ("“约吗？”", True),
        ("Acme Ltd. will buy", True), ("Really? Yes", False),
    ],
)  # fmt: skip
def test_one_sentence(said: str, one: bool) -> None:
    assert one_sentence(said) is one


@pytest.mark.parametrize(
    ("template", "one"),
    [
        ("{% if x %}Call {{ y }}.{% elif z %}Write.{% else %}Wait.{% endif %}", True),
        ("{% if x %}Call.{% endif %} Write.", False),
        ("约{{ name }}面谈。", True),
        ("约{{ name }}。面谈。", False),
    ],
)
def test_a_template_says_one_sentence_in_each_of_its_forms(template: str, one: bool) -> None:
    assert says_one_sentence(template) is one
