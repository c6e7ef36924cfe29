"""The note renderer: a small, safe part of Jinja2.

A template may read fields, compare them, choose with ``if``, and use our filters. It can't loop,
call, import, assign, multiply strings or reach an attribute that is not a field of the row; so the
length of its output is bounded by its own length and that of the fields. The rest of Jinja2 is
refused by name when the template is compiled, not when it meets a customer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crmrules.contracts.renderer import RendererPlugin, Template, Vocabulary
from crmrules.errors import did_you_mean
from crmrules.model.text import Text
from crmrules.playbook.filters import Missing, filters, shown

LONGEST_TEMPLATE = 4000  # characters
LONGEST_OUTPUT = 2000
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.Name, nodes.Getattr,
    nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Const,
    nodes.List, nodes.Tuple, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg, nodes.Pos,
)  # fmt: skip
_TESTS = ("defined", "undefined", "none", "true", "false", "in")
_WORDS = {
    nodes.Call: "a call", nodes.For: "a loop", nodes.Include: "include", nodes.Import: "import",
    nodes.FromImport: "import", nodes.Extends: "extends", nodes.Macro: "macro", nodes.Assign: "set",
    nodes.AssignBlock: "set", nodes.Getitem: "[...]", nodes.Mul: "*", nodes.Div: "/", nodes.FloorDiv: "//",
    nodes.Mod: "%", nodes.Pow: "**", nodes.Block: "block", nodes.Dict: "a mapping",
}  # fmt: skip


class RenderError(ValueError):
    """A checked template failed on a row (it added a number to a text, say)."""


@dataclass(frozen=True)
class JinjaNote:
    """A compiled template; see :class:`crmrules.contracts.renderer.Template`."""

    paths: tuple[str, ...]
    template: JinjaTemplate

    def __call__(self, row: Mapping[str, Any]) -> str:
        context: dict[str, Any] = {}
        for path in self.paths:
            *outer, last = path.split(".")
            here = context
            for name in outer:
                here = here.setdefault(name, {})
            value = _find(row, path)
            here[last] = Missing(name=path) if value is None or value != value else value  # NaN is missing
        try:
            text = self.template.render(context).strip()
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise RenderError(f"the template can't be filled: {error}") from error
        return text if len(text) <= LONGEST_OUTPUT else text[: LONGEST_OUTPUT - 1] + "…"


def compile_template(template: str, vocabulary: Vocabulary) -> Template:
    """Check *template* and return the function that fills it.

    Raises ValueError with one plain sentence where it is not in our part of Jinja2, or reads a
    field that ``vocabulary.names`` does not have.
    """
    if len(template) > LONGEST_TEMPLATE:
        raise ValueError(f"the template has {len(template)} characters; {LONGEST_TEMPLATE} are allowed")
    note = _compiled(template, _environment(vocabulary))
    for path in note.paths:
        _check_path(path, list(note.paths), vocabulary)
    return note


@lru_cache(maxsize=4096)
def _compiled(template: str, environment: ImmutableSandboxedEnvironment) -> JinjaNote:
    """Compile once per language and vocabulary: a run meets the same few hundred templates again and again."""
    tree = parse(template, environment)
    paths = sorted({path for path, _ in _fields(tree)})
    _name_labels(tree)
    try:
        return JinjaNote(tuple(paths), environment.from_string(tree))
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("not a template: it is nested too deeply") from error


def compile_text(text: Text, vocabularies: Mapping[str, Vocabulary]) -> Mapping[str, Template]:
    """Compile *text* in each of its languages for which there is a vocabulary."""
    return {
        language: compile_template(template, vocabularies[language])
        for language, template in text.by_language.items()
        if language in vocabularies
    }


def parse(template: str, environment: ImmutableSandboxedEnvironment | None = None) -> nodes.Template:
    """Return the syntax tree of *template*; raise ValueError where it uses more than we allow."""
    environment = environment or _environment(Vocabulary())
    try:
        tree = environment.parse(template)
    except TemplateSyntaxError as error:
        raise ValueError(f"not a template: {error.message} (line {error.lineno})") from error
    except RecursionError as error:
        raise ValueError("not a template: it is nested too deeply") from error
    complaint = next(filter(None, (_complaint(node, environment) for node in _walk(tree))), "")
    if complaint:
        raise ValueError(complaint)
    return tree


def jinja_renderer() -> RendererPlugin:
    """Return the renderer that we ship."""
    return RendererPlugin(name="jinja", compile=compile_template)


def _environment(vocabulary: Vocabulary) -> ImmutableSandboxedEnvironment:
    labels = tuple(sorted((path, tuple(sorted(known.items()))) for path, known in vocabulary.labels.items()))
    return _cached_environment(vocabulary.language, labels)


@lru_cache(maxsize=32)
def _cached_environment(
    language: str, labels: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,  # notes are plain text; what enters is cleaned by `shown`
        undefined=Missing,
        finalize=lambda value: shown(value, language),
        cache_size=0,
    )
    environment.globals.clear()
    known = {path: dict(values) for path, values in labels}
    environment.filters.clear()
    environment.filters.update(filters(Vocabulary(language=language, labels=known)))
    for name in set(environment.tests) - set(_TESTS):
        del environment.tests[name]
    return environment


def _complaint(node: nodes.Node, environment: ImmutableSandboxedEnvironment) -> str:
    """Return what is wrong with one node, its children aside; '' where nothing is."""
    match node:
        case nodes.Name(name=name) | nodes.Getattr(node=nodes.Name() | nodes.Getattr(), attr=name):
            if name.startswith("_"):
                return f"{name!r} begins with an underscore; only fields of the row can be read"
        case nodes.Getattr(attr=name):
            return f".{name} is not a field; only fields of the row can be read"
        case nodes.Filter(name=name) if name not in environment.filters:
            return f"unknown filter {name!r}; allowed: {', '.join(sorted(environment.filters))}"
        case nodes.Test(name=name) if name not in environment.tests:
            return f"unknown test {name!r}; allowed: {', '.join(sorted(environment.tests))}"
        case _ if not isinstance(node, _ALLOWED):
            what = _WORDS.get(type(node), type(node).__name__.lower())
            return f"{what} is not allowed in a template; use fields, if, comparisons and filters"
    return ""


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _fields(node: nodes.Node) -> Iterator[tuple[str, nodes.Node]]:
    """Yield the longest dotted path of every field that is read below *node*."""
    if isinstance(node, (nodes.Name, nodes.Getattr)):
        yield _dotted(node), node
        return
    for child in node.iter_child_nodes():
        yield from _fields(child)


def _dotted(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return f"{_dotted(node.node)}.{node.attr}"
    assert isinstance(node, nodes.Name)
    return node.name


def _check_path(path: str, paths: list[str], vocabulary: Vocabulary) -> None:
    if inner := next((other for other in paths if other.startswith(f"{path}.")), ""):
        raise ValueError(f"{path!r} is read as a value and as a record ({inner!r}); read one of its fields")
    if vocabulary.names is not None and path not in vocabulary.names:
        hint = did_you_mean(path, vocabulary.names)
        raise ValueError(f"there is no field {path!r} here" + (f"; {hint}" if hint else ""))


def _name_labels(tree: nodes.Template) -> None:
    """Tell ``{{ role | label }}`` whose label is meant: the filter itself sees the value only."""
    for node in tree.find_all(nodes.Filter):
        if node.name == "label" and not node.args and isinstance(node.node, (nodes.Name, nodes.Getattr)):
            node.args = [nodes.Const(_dotted(node.node), environment=node.environment)]


def _find(row: Mapping[str, Any], path: str) -> Any:
    if path in row:
        return row[path]
    here: Any = row
    for name in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(name)
    return here
