"""``flags``, ``guards``, ``playbook`` and ``write``: what follows from what was decided."""

from __future__ import annotations

import re

from crmrules.language.condition_reader import read_condition
from crmrules.language.document import Node
from crmrules.language.reading import Reader
from crmrules.language.ruleset import UNKNOWN, Flag, Guard, Playbook, Sentence, Write

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _text(node: Node, key: str) -> str:
    return str(node.value[key].value)


def read_flags(reader: Reader, section: Node) -> dict[str, Flag]:
    """Read ``flags``."""
    found = {}
    for id, node in section.items():
        of, severity = _text(node, "of"), node.get("severity")
        found[id] = Flag(
            id=id, of=of, when=read_condition(reader, of, node.get("when")), label=reader.text(node.get("label")),
            why=reader.text(node.get("why")), severity=severity.value if severity is not None else "warning",
            at=section.where(id),
        )  # fmt: skip
    return found


def read_guards(reader: Reader, section: Node) -> tuple[Guard, ...]:
    """Read ``guards``."""
    return tuple(
        Guard(id=id, of=_text(node, "of"), when=read_condition(reader, _text(node, "of"), node.get("when")),
              effect=node.value["effect"].value, why=reader.text(node.get("why")), at=section.where(id))
        for id, node in section.items()
    )  # fmt: skip


def read_playbook(reader: Reader, section: Node) -> Playbook:
    """Read ``playbook``; every sentence belongs to a block."""
    blocks = {subject: tuple(str(i.value) for i in inner) for subject, inner in section.value["blocks"].items()}
    sentences = []
    entries = section.value["sentences"]
    for id, node in entries.items():
        of, block = _text(node, "of"), node.value["block"]
        if block.value not in blocks.get(of, ()):
            reader.unknown("block", str(block.value), blocks.get(of, ()), block.at)
        sentences.append(Sentence(
            id=id, of=of, block=str(block.value), when=read_condition(reader, of, node.get("when")),
            say=reader.text(node.get("say")), at=entries.where(id),
        ))  # fmt: skip
    return Playbook(blocks=blocks, sentences=tuple(sentences), forbidden=reader.patterns(section.get("forbidden")),
                    title=reader.text(section.get("title")))  # fmt: skip


def read_write(reader: Reader, section: Node) -> tuple[Write, ...]:
    """Read ``write``; that its outcomes exist is checked later."""
    found = []
    for id, node in section.items():
        of, skip = _text(node, "of"), node.get("skip")
        to, name = next(iter(node.value["to"].items()))
        for placeholder in _PLACEHOLDER.findall(str(name.value)) if to == "tag" else ():
            if placeholder != "value":
                reader.unknown("placeholder", placeholder, ("value",), name.at)
        found.append(Write(
            id=id, of=of, outcome=_text(node, "outcome"), to=to, name=str(name.value),
            when=read_condition(reader, of, node.get("when")),
            skip=tuple(str(inner.value) for inner in skip) if skip is not None else (UNKNOWN,), at=section.where(id),
        ))  # fmt: skip
    return tuple(found)
