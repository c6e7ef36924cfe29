"""Is it one sentence? A note has three sentences at most, so each template must say just one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import nodes

from crmrules.playbook.render import parse

_MOST_FORMS = 64  # texts that the branches of one template can yield
_ABBREVIATIONS = re.compile(r"\b(?:e\.g|i\.e|vs|Dr|Mr|Mrs|Ms|No|approx|etc|Inc|Ltd|Co)\.", re.IGNORECASE)
_END = re.compile(r"[。！？!?]+[”’」』\"')）]*|\.[\"')]*(?=\s|$)")


def one_sentence(text: str) -> bool:
    """Return whether *text*, in Chinese or English, is one sentence at most.

    A full stop inside a number or after a common abbreviation ends nothing.
    """
    plain = _ABBREVIATIONS.sub("x", text.strip())
    first = _END.search(plain)
    return first is None or not plain[first.end() :].strip()


def says_one_sentence(template: str) -> bool:
    """Return whether *template* says one sentence at most whichever of its branches are taken.

    Fields count as one word each: a name such as "Acme Ltd. China" is the customer's affair.
    Raises ValueError where it is not a template of ours.
    """
    return all(one_sentence(form) for form in _forms(parse(template).body))


def _forms(body: list[nodes.Node]) -> Iterator[str]:
    texts = [""]
    for node in body:
        if isinstance(node, nodes.If):
            branches = [node.body, *(elif_.body for elif_ in node.elif_), node.else_]
            ends = [form for branch in branches for form in _forms(branch)]
        elif isinstance(node, nodes.Output):
            ends = ["".join(part.data if isinstance(part, nodes.TemplateData) else "x" for part in node.nodes)]
        else:
            ends = list(_forms(list(node.iter_child_nodes())))
        texts = [text + end for text in texts for end in ends]
        if len(texts) > _MOST_FORMS:
            raise ValueError(f"the template has more than {_MOST_FORMS} forms; write several sentences instead")
    yield from texts
