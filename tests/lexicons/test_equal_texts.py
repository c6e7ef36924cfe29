"""Records that share a text share its reading, and nothing is doubled by it."""

from __future__ import annotations

import duckdb

from crmrules.evaluation.lexicons import apply_lexicons
from crmrules.language.ruleset import Lexicon, LexiconBlock, Pattern, Ruleset
from crmrules.model.text import Text
from crmrules.stores.snapshot import empty_snapshot, load_rows


def test_a_lexicon_over_one_field_has_one_row_for_each_text() -> None:
    boss = Pattern(id="boss", pattern="总经理", literal=True, gives={"level": "L1"})
    lexicon = Lexicon(
        name="titles", of="contact", field="title", prefix="title", split=(), levels=("L1",), modifiers=(),
        blocks=(LexiconBlock(name="level", gives="level", patterns=(boss,)),),
    )  # fmt: skip
    ruleset = Ruleset(
        name="r", version="1", label=Text(), languages=("zh",), folder="", extends=(), lexicons={"titles": lexicon}
    )
    con = duckdb.connect()
    empty_snapshot(con)
    load_rows(
        con, "contact", [{"id": f"c{n}", "title": title} for n, title in enumerate(("总经理", "总经理", "Clerk"))]
    )
    apply_lexicons(con, ruleset)
    found = con.execute("SELECT title, title_level FROM lexicon_titles ORDER BY title").fetchall()
    assert found == [("Clerk", None), ("总经理", "L1")]
    assert con.execute("SELECT text, times FROM unmatched").fetchall() == [("Clerk", 1)]
