"""The evidence model in words: roles, what speaks for them, how sure one is, and how it fades."""

from __future__ import annotations

from crmrules.authoring.doc.content import Part, Table, cell
from crmrules.authoring.doc.wording import Wording
from crmrules.language.ruleset import EvidenceItem, RoleModel, Ruleset


def roles_parts(ruleset: Ruleset, say: Wording) -> list[Part]:
    """Return the parts of the section; none where the ruleset infers no roles."""
    model = ruleset.roles
    if model is None:
        return []
    return [
        _roles(model, say),
        _bands(model, say),
        *_evidence(model, say),
        _stances(model, say),
        *_questions(model, say),
    ]


def _roles(model: RoleModel, say: Wording) -> Part:
    rows = []
    for n, role in enumerate(model.precedence, 1):
        wins = say.word("wins_from", score=f"{model.wins_from[role]:.2f}") if role in model.wins_from else ""
        rows.append((cell(str(n), number=True), cell(say.labels.role(role, say.language), id=role), cell(wins)))
    return Part(
        title=say.word("roles"),
        lines=(say.word("ties", tie=f"{model.tie:.2f}"),),
        table=Table(heads=(say.word("no"), say.word("role"), ""), rows=tuple(rows)),
    )


def _bands(model: RoleModel, say: Wording) -> Part:
    rows = []
    for band, least in sorted(model.bands.items(), key=lambda entry: -entry[1]):
        need = model.minimum.get(band)
        also = []
        if need is not None:
            also.append(say.word("families_needed", n=need.families))
            if need.or_any:
                also.append(say.word("or_any", families=_families(model, need.or_any, say)))
        written = say.word("yes" if band in model.write_bands else "no_word")
        rows.append((cell(say.labels.band(band, say.language), id=band), cell(f"{least:.2f}", number=True), cell(*also), cell(written)))  # fmt: skip
    caps = (say.word("cap", families=_families(model, c.only, say), max=f"{c.max:.2f}") for c in model.caps)
    return Part(
        title=say.word("bands"),
        table=Table(heads=tuple(map(say.word, ("band", "from", "also", "written"))), rows=tuple(rows)),
        lines=tuple(caps),
    )


def _families(model: RoleModel, ids: tuple[str, ...], say: Wording) -> str:
    return " / ".join(model.families[id].label.of(say.language) or id for id in ids)


def _evidence(model: RoleModel, say: Wording) -> list[Part]:
    found = []
    for family in model.families.values():
        items = [item for item in model.items if item.family == family.id]
        if not items:
            continue
        life = say.word("days", n=family.half_life) if family.half_life else say.word("no_decay")
        rows = tuple(
            (
                cell(say.template(item.of, item.why) or item.id, id=item.id),
                cell(*say.lines(item.of, item.when), *_times(item, say)),
                cell(*_weights(item, say)),
            )
            for item in items
        )
        found.append(
            Part(
                title=f"{say.word('evidence')} · {family.label.of(say.language) or family.id}",
                facts=((say.word("half_life"), life),),
                table=Table(heads=tuple(map(say.word, ("evidence", "if", "weights"))), rows=rows),
            )
        )
    return found


def _times(item: EvidenceItem, say: Wording) -> tuple[str, ...]:
    return (say.word("at_least", n=item.at_least),) if item.at_least > 1 else ()


def _weights(item: EvidenceItem, say: Wording) -> list[str]:
    said = []
    for sign, weights in (("+", item.gives), ("−", item.against)):
        for role, weight in weights.items():
            name = say.word("declared") if item.role_from and sign == "+" else say.labels.role(role, say.language)
            said.append(f"{name} {sign}{weight:.2f}")
    if item.stance:
        said.append(f"{say.word('stance')}: {say.labels.stance(item.stance, say.language)}")
    return said


def _stances(model: RoleModel, say: Wording) -> Part:
    order = " → ".join(say.labels.stance(stance, say.language) for stance in model.stance.order)
    life = say.word("days", n=model.stance.half_life)
    return Part(title=say.word("stances"), lines=(order,), facts=((say.word("half_life"), life),))


def _questions(model: RoleModel, say: Wording) -> list[Part]:
    if not model.questions:
        return []
    rows = tuple(
        (
            cell(say.labels.role(question.role, say.language)),
            cell(question.ask.of(say.language), id=question.id),
            cell(*say.lines("part", question.when)),
            cell(f"{question.worth:.2f}", number=True),
        )
        for question in model.questions
    )
    asking = say.word("asking", n=model.asking.most, days=model.asking.within)
    heads = tuple(map(say.word, ("role", "question", "if", "worth")))
    return [Part(title=say.word("questions"), lines=(asking,), table=Table(heads=heads, rows=rows))]
