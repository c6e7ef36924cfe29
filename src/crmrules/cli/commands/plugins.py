"""``crmrules plugins``"""

from __future__ import annotations

from typing import Any

import click

from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("plugins")
@options.output
def command(format: str, lang: str, quiet: bool) -> int:
    """List connectors, engines, exporters, renderers and rulesets.

    Broken plugins are listed too; then the exit code is 1.
    """
    from crmrules.plugins.host import Offer, installed

    out = Output(format=format, lang=lang, quiet=quiet)
    host = installed()
    offers: list[tuple[str, str, Offer[Any]]] = [
        *(("connector", offer.name, offer) for offer in host.connectors),
        *(("engine", offer.name, offer) for offer in host.engines),
        *(("exporter", offer.name, offer) for offer in host.exporters),
        *(("renderer", offer.name, offer) for offer in host.renderers),
        *(
            ("ruleset", found.parent.name, offer)
            for offer in host.ruleset_folders
            for found in sorted(offer.item.glob("*/ruleset.yaml"))
        ),
    ]
    reasons = {offer.name: offer.item.available() for offer in host.engines}
    rows = [
        (kind, name, reasons.get(name, "") if kind == "engine" else "", str(offer.origin))
        for kind, name, offer in offers
    ]
    out.table(
        word("plugins", lang), (word("kind", lang), word("name", lang), word("message", lang), word("from", lang)), rows
    )
    for problem in host.problems:
        for line in str(problem).splitlines():
            out.note(line)
    out.json(
        {
            "offers": [
                {
                    "kind": kind, "name": name, "plugin": offer.origin.entry_point, "module": offer.origin.module,
                    "distribution": offer.origin.distribution,
                }
                for kind, name, offer in offers
            ],
            "problems": host.problems,
        }
    )  # fmt: skip
    return 1 if host.problems else 0
