"""``roles``: the evidence model."""

from __future__ import annotations

from crmrules.errors import Location
from crmrules.language.condition_reader import read_condition
from crmrules.language.document import Node
from crmrules.language.reading import Reader
from crmrules.language.ruleset import (
    UNKNOWN,
    Asking,
    Cap,
    EvidenceItem,
    Family,
    Minimum,
    Question,
    RoleModel,
    StanceModel,
)

ALL = "ALL"  # in `against`: every role
SAME_ROLE = "same_role"  # in `gives`: the role that stands in `role_from`
NO_BAND = "none"


def read_roles(reader: Reader, section: Node, at: Location) -> RoleModel:
    """Read ``roles``; names of roles, bands, families and stances must agree with each other."""
    roles = {role: reader.text(inner) for role, inner in section.value["roles"].items()}
    bands = {band: float(inner.value) for band, inner in section.value["bands"].items()}
    families = _families(reader, section.value["families"])
    stance = _stance(reader, section.value["stance"])
    caps, minimum, evidence = section.get("caps"), section.get("minimum"), section.get("evidence")
    items = (
        tuple(_item(reader, id, inner, evidence.where(id), roles, families, stance) for id, inner in evidence.items())
        if evidence is not None
        else ()
    )
    return RoleModel(
        roles=roles, precedence=_named(reader, "role", section.get("precedence"), roles) or tuple(roles),
        tie=_share(section, "tie", 0.05), wins_from=_weights(reader, section.get("wins_from"), roles),
        bands=dict(sorted(bands.items(), key=lambda item: -item[1])),
        minimum=_minimum(reader, minimum, bands, families) if minimum is not None else {},
        write_bands=_named(reader, "band", section.get("write_bands"), bands) if section.get("write_bands") else tuple(bands),
        keep_margin=_share(section, "keep_margin", 0.1), families=families,
        caps=tuple(_cap(reader, inner, families) for inner in caps) if caps is not None else (),
        items=items, stance=stance, native=_native(reader, section.get("native"), roles),
        questions=_questions(reader, section.get("questions"), roles, items),
        asking=_asking(reader, section.get("asking"), stance), at=at,
    )  # fmt: skip


def _share(section: Node, key: str, default: float) -> float:
    node = section.get(key)
    return float(node.value) if node is not None else default


def _named(reader: Reader, what: str, node: Node | None, known: object) -> tuple[str, ...]:
    """Return the names of a list; each must be one of *known*."""
    assert isinstance(known, (dict, tuple))
    for inner in node or ():
        if inner.value not in known:
            reader.unknown(what, str(inner.value), known, inner.at)
    return tuple(str(inner.value) for inner in node or ())


def _weights(reader: Reader, node: Node | None, roles: object, *more: str) -> dict[str, float]:
    assert isinstance(roles, dict)
    found = {}
    for role, inner in node.items() if node is not None else ():
        if role not in roles and role not in more:
            assert node is not None
            reader.unknown("role", role, (*roles, *more), node.where(role))
        found[role] = float(inner.value)
    return found


def _families(reader: Reader, node: Node) -> dict[str, Family]:
    found = {}
    for id, inner in node.items():
        half_life = inner.get("half_life")
        days = None if half_life is None or half_life.value == "none" else reader.duration(half_life, "account")
        if days is not None and (not isinstance(days, int) or days < 1):
            reader.complain(
                "wrong-type",
                "a half-life is a number of days, the same for every row",
                half_life.at if half_life else inner.at,
            )
            days = None
        found[id] = Family(id=id, label=reader.text(inner.get("label")), half_life=days)
    return found


def _minimum(reader: Reader, node: Node, bands: dict[str, float], families: dict[str, Family]) -> dict[str, Minimum]:
    found = {}
    for band, inner in node.items():
        if band not in bands:
            reader.unknown("band", band, bands, node.where(band))
        least = inner.get("families")
        or_any = _named(reader, "family", inner.get("or_any"), families)
        found[band] = Minimum(families=least.value if least is not None else 1, or_any=or_any)
    return found


def _cap(reader: Reader, node: Node, families: dict[str, Family]) -> Cap:
    return Cap(only=_named(reader, "family", node.get("only"), families), max=float(node.value["max"].value))


def _stance(reader: Reader, node: Node) -> StanceModel:
    order = tuple(str(inner.value) for inner in node.value["order"])
    labels, half_life = node.get("labels"), reader.duration(node.get("half_life"), "account")
    for stance, inner in labels.items() if labels is not None else ():
        if stance not in order:
            reader.unknown("stance", stance, order, inner.at)
    if not isinstance(half_life, int) or half_life < 1:
        reader.complain(
            "wrong-type", "a half-life is a number of days, the same for every row", node.value["half_life"].at
        )
        half_life = 1
    return StanceModel(
        order=order, labels={stance: reader.text(inner) for stance, inner in labels.items()} if labels is not None else {},
        half_life=half_life, sticky=_named(reader, "stance", node.get("sticky"), order), floor=_share(node, "floor", 0.3),
    )  # fmt: skip


def _native(reader: Reader, node: Node | None, roles: object) -> dict[str, str]:
    assert isinstance(roles, dict)
    found = {}
    for label, inner in node.items() if node is not None else ():
        if inner.value not in roles:
            reader.unknown("role", str(inner.value), roles, inner.at)
        found[label.lower()] = str(inner.value)
    return found


def _item(
    reader: Reader, id: str, node: Node, at: Location, roles: object, families: dict[str, Family], stance: StanceModel
) -> EvidenceItem:
    frame = reader.source(node.value["of"])[1]
    family, position, least = node.value["family"], node.get("stance"), node.get("at_least")
    if family.value not in families:
        reader.unknown("family", str(family.value), families, family.at)
    if position is not None and position.value not in stance.order:
        reader.unknown("stance", str(position.value), stance.order, position.at)
    role_from = node.get("role_from")
    gives, against = node.get("gives"), node.get("against")
    if gives is None and against is None and position is None:
        reader.complain("missing-key", f"the evidence '{id}' says nothing", node.at, "gives, against or stance")
    if role_from is not None and (gives is None or gives.get(SAME_ROLE) is None):
        reader.complain(
            "missing-key", "'role_from' needs a weight in 'gives'", role_from.at, f"gives: {{{SAME_ROLE}: 0.7}}"
        )
    if role_from is None and gives is not None and gives.get(SAME_ROLE) is not None:
        reader.complain(
            "missing-key", f"'{SAME_ROLE}' needs 'role_from'", gives.where(SAME_ROLE), "the field that holds the role"
        )
    return EvidenceItem(
        id=id, of=str(node.value["of"].value), when=read_condition(reader, frame, node.get("when")),
        who=reader.use(frame, node.get("who"), "text"), family=str(family.value),
        gives=_weights(reader, gives, roles, SAME_ROLE), against=_weights(reader, against, roles, ALL),
        stance=str(position.value) if position is not None else "", deal=reader.use(frame, node.get("deal"), "text"),
        date=reader.use(frame, node.get("date"), "date"), at_least=least.value if least is not None else 1,
        role_from=reader.use(frame, role_from, "text"), why=reader.text(node.get("why")), at=at,
    )  # fmt: skip


def _questions(
    reader: Reader, node: Node | None, roles: object, items: tuple[EvidenceItem, ...]
) -> tuple[Question, ...]:
    """Read ``questions``; the role asked about is the one that the answer speaks for most, unless it is named."""
    assert isinstance(roles, dict)
    known, found = {item.id: item for item in items}, []
    for id, inner in node.items() if node is not None else ():
        answer, named, worth = inner.value["answer"], inner.get("role"), inner.get("worth")
        item = known.get(answer.value)
        if item is None:
            reader.unknown("evidence", str(answer.value), known, answer.at)
            continue
        gives = {role: weight for role, weight in item.gives.items() if role in roles}
        if SAME_ROLE in item.gives and named is not None:
            gives = {**dict.fromkeys(roles, item.gives[SAME_ROLE]), **gives}
        if named is not None and named.value not in gives:
            reader.unknown("role", str(named.value), gives, named.at)
            continue
        if not gives:
            hint = "name the role with `role`" if SAME_ROLE in item.gives else ""
            reader.complain(
                "wrong-value", f"'{item.id}' speaks for no role", answer.at, "evidence that gives one", hint
            )
            continue
        assert node is not None
        found.append(Question(
            id=id, role=str(named.value) if named is not None else max(gives, key=lambda role: gives[role]),
            answer=item.id, ask=reader.text(inner.get("ask")), when=read_condition(reader, "part", inner.get("when")),
            worth=float(worth.value) if worth is not None else 1.0, at=node.where(id),
        ))  # fmt: skip
    return tuple(found)


def _asking(reader: Reader, node: Node | None, stance: StanceModel) -> Asking:
    if node is None:
        return Asking()
    most, within, ready = node.get("most"), node.get("within"), node.get("stance")
    days = reader.duration(within, "account") if within is not None else Asking.within
    if not isinstance(days, int):
        reader.complain(
            "wrong-type", "this is a number of days, the same for every row", within.at if within else node.at
        )
        days = Asking.within
    for name, inner in ready.items() if ready is not None else ():
        if name not in (*stance.order, UNKNOWN):
            reader.unknown("stance", name, (*stance.order, UNKNOWN), inner.at)
    return Asking(
        most=most.value if most is not None else Asking.most, within=days,
        closeness=_share(node, "closeness", Asking.closeness),
        stance={name: float(inner.value) for name, inner in ready.items()} if ready is not None else {},
    )  # fmt: skip
