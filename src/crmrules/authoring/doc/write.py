"""Put the document into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crmrules.authoring.doc.build import document
from crmrules.authoring.doc.html import to_html
from crmrules.authoring.doc.markdown import to_markdown
from crmrules.language.ruleset import Ruleset


def write_document(ruleset: Ruleset, folder: Path, languages: Sequence[str]) -> tuple[Path, ...]:
    """Write ``<name>.<language>.html`` and ``.md`` for each language; return the files.

    The same ruleset gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for language in languages:
        made = document(ruleset, language)
        other = next((f"{ruleset.name}.{code}.html" for code in languages if code != language), "")
        for suffix, text in (("html", to_html(made, other)), ("md", to_markdown(made))):
            file = folder / f"{ruleset.name}.{language}.{suffix}"
            file.write_text(text, encoding="utf-8", newline="\n")
            written.append(file)
    return tuple(written)
