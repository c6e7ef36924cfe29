"""The document as one HTML file a language: no network, no script, prints well."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from crmrules.authoring.doc import diagram
from crmrules.authoring.doc.content import Document


def to_html(document: Document, other: str = "") -> str:
    """Return the page; *other* is the file name of the same document in the other language, '' for none."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = _environment().get_template("doc.html.j2")
    return template.render(doc=document, other=other, style=style, style_hash=digest, box_height=diagram.HEIGHT) + "\n"


@cache
def _style() -> str:
    """The report's sheet, so that all pages look like one house, and what is ours."""
    shared = files("crmrules.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    return shared + files("crmrules.authoring.doc").joinpath("templates/doc.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("crmrules.authoring.doc"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
