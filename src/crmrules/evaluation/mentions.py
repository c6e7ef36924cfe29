"""The derived frame ``mention``: what the texts of activities say about contacts.

DuckDB throws out every text in which no cue can stand; the rest is read clause by clause
(:mod:`crmrules.evaluation.attribution`), account by account.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import groupby

import duckdb
import pyarrow as pa

from crmrules.evaluation.attribution import Talk, TextReader, text_reader
from crmrules.evaluation.clauses import readable
from crmrules.evaluation.normalise import normalise_all, simplify
from crmrules.evaluation.persons import Directory, Person, shown
from crmrules.language.ruleset import Phrases, Ruleset

_COLUMNS = {
    "activity_id": "VARCHAR", "account_id": "VARCHAR", "deal_id": "VARCHAR", "date": "DATE", "direction": "VARCHAR",
    "type": "VARCHAR", "contact_id": "VARCHAR", "speaker_id": "VARCHAR", "cue": "VARCHAR", "clause": "VARCHAR",
}  # fmt: skip
_FOUND = (
    ("n", pa.int64()), ("place", pa.int64()), ("contact_id", pa.string()), ("speaker_id", pa.string()),
    ("cue", pa.string()), ("clause", pa.string()),
)  # fmt: skip
_LEFT = ("left", "inactive", "departed", "离职", "离任")
_NOBODY: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
_BATCH = 20_000  # texts in memory at once
_LONGEST_FILTER = 4_000  # characters of one pattern
# What tidying does to a text, as far as it can decide whether a cue stands there.
_WIDE, _PLAIN = "\uff0c\uff1a\uff1b\uff01\uff1f\uff08\uff09\u2018\u2019\u201c\u201d\u2014\u2013", ",:;!?()''\"\"--"
_BLANK = (
    r"[\s\x00-\x1f\x7f\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{e000}-\x{f8ff}]+"
)
_COMPATIBLE = r"[\x{ff10}-\x{ff19}\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}\x{fb00}-\x{fb06}\x{f900}-\x{faff}]"  # always read


def find_mentions(con: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> None:
    """Create the table ``mention`` (replaced when it exists), empty where the ruleset has no phrases."""
    columns = ", ".join(f'"{name}" {type}' for name, type in _COLUMNS.items())
    con.execute(f"CREATE OR REPLACE TABLE mention ({columns})")
    phrases = ruleset.phrases
    if phrases is None or not phrases.cues:
        return
    filters = cue_filters(phrases)
    con.execute(f"CREATE OR REPLACE TEMP TABLE _heard AS {_candidates_sql(len(filters))}", filters)
    row = con.execute("SELECT count(*) FROM _heard").fetchone()
    reader = text_reader(phrases)
    for start in range(1, (row[0] if row else 0) + 1, _BATCH):
        con.register("_found", _attributions(con, reader, start))
        con.execute(
            "INSERT INTO mention SELECT a.id, a.account_id, a.deal_id, a.date, a.direction, a.type, f.contact_id, "
            "f.speaker_id, f.cue, f.clause FROM _found AS f JOIN _heard AS a USING (n) ORDER BY f.n, f.place"
        )
        con.unregister("_found")
    con.execute("CREATE OR REPLACE TEMP TABLE heard AS SELECT id, certain FROM _heard")  # for the unheard
    con.execute("DROP TABLE _heard")


def cue_filters(phrases: Phrases) -> list[str]:
    """Return RE2 patterns of which one stands in every text in which a cue stands (and in some more)."""
    filters: list[str] = []
    for pattern in dict.fromkeys(_widened(simplify(text)) for cue in phrases.cues for text in cue.patterns):
        # NOTE: an automaton of everything outgrows RE2's memory and falls back to a search thirty times slower
        if filters and len(filters[-1]) + len(pattern) < _LONGEST_FILTER:
            filters[-1] += f"|{pattern}"
        else:
            filters.append(f"(?i){pattern}")
    return filters


def _candidates_sql(filters: int) -> str:
    plain = f"regexp_replace(translate(text, '{_sql(_WIDE)}', '{_sql(_PLAIN)}'), '{_BLANK}', ' ', 'g')"
    matches = " OR ".join(["regexp_matches(plain, ?)"] * filters)
    return (
        "SELECT row_number() OVER (ORDER BY account_id, id) AS n, id, account_id, deal_id, date, "
        f"lower(direction) AS direction, type, text, certain FROM (SELECT *, ({matches}) AS certain FROM "
        f"(SELECT *, {plain} AS plain FROM (SELECT * REPLACE (left(text, 4000) AS text) FROM snapshot.activity "
        f"WHERE text IS NOT NULL AND account_id IS NOT NULL))) WHERE certain OR regexp_matches(text, '{_COMPATIBLE}')"
    )


def _sql(text: str) -> str:
    return text.replace("'", "''")


@cache
def _traditional() -> dict[str, str]:
    """Simplified character -> the traditional ones that become it."""
    characters = [chr(code) for code in range(0x3400, 0xA000)]
    found: defaultdict[str, str] = defaultdict(str)
    for character, simple in zip(characters, simplify("\n".join(characters)).split("\n"), strict=True):
        if simple != character:
            found[simple] += character
    return dict(found)


def _widened(pattern: str) -> str:
    """Let *pattern* match a whole, untidied text: anybody for ``{who}``, traditional characters too, no anchors."""
    pattern = pattern.replace("{who}", ".*")
    widened, in_class, position = [], False, 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "\\":
            pair = character + pattern[position : position + 1]
            position += 1
            widened.append("" if pair in ("\\A", "\\z") else pair)
        elif character in "^$" and not in_class:
            continue
        else:
            opens = character == "[" and not in_class
            in_class = (in_class or opens) and character != "]"
            if opens and pattern[position : position + 1] == "^":
                widened.append("[")
                character, position = "^", position + 1
            others = _traditional().get(character, "")
            widened.append(f"[{character}{others}]" if others and not in_class else character + others)
    return "".join(widened)


def _attributions(con: duckdb.DuckDBPyConnection, reader: TextReader, start: int) -> pa.Table:
    """Read one batch of texts; rows in the texts' order, numbered by place."""
    batch = f"n BETWEEN {start} AND {start + _BATCH - 1}"
    texts = con.execute(
        f"SELECT account_id, n, text, id, coalesce(direction, '') FROM _heard WHERE {batch} ORDER BY n"
    ).fetchall()
    # NOTE: tidied all together, because a conversion costs far more than its text
    read = zip(texts, shown(readable(row[2]) for row in texts), strict=True)
    people, present = _people(con, batch), _present(con, batch)
    rows: list[tuple[object, ...]] = []
    for account, group in groupby(read, key=lambda pair: pair[0][0]):
        activities = list(group)
        directory = Directory(
            people.get(account, []), reader.honorifics, "\n".join(folded for _, (_, folded) in activities)
        )
        for (_, number, _, activity, direction), (cased, folded) in activities:
            everybody, themselves = present.get(activity, _NOBODY)
            sole = next(iter(themselves)) if len(themselves) == 1 else None
            for found in reader.read(Talk(cased, folded, direction, everybody, sole), directory):
                rows.append((number, len(rows), *found))
    return pa.table(
        {name: pa.array(column, type=type) for (name, type), column in zip(_FOUND, _turned(rows), strict=True)}
    )


def _turned(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * len(_FOUND)


def _people(con: duckdb.DuckDBPyConnection, batch: str) -> dict[str, list[Person]]:
    rows = con.execute(
        "SELECT account_id, id, coalesce(name, ''), coalesce(title, ''), coalesce(department, ''), "
        f"coalesce(lower(status), '') NOT IN {_LEFT} FROM snapshot.contact "
        f"WHERE account_id IN (SELECT account_id FROM _heard WHERE {batch}) ORDER BY account_id, id"
    ).fetchall()
    plain = iter(normalise_all(text for row in rows for text in row[2:5]))
    people = [(row[0], Person(row[1], next(plain), next(plain), next(plain), row[5])) for row in rows]
    return {account: [person for _, person in group] for account, group in groupby(people, key=lambda pair: pair[0])}


def _present(con: duckdb.DuckDBPyConnection, batch: str) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Activity -> everybody who takes part in whatever way, and those who do so themselves."""
    rows = con.execute(
        "SELECT activity_id, contact_id, coalesce(part, 'participant') = 'participant' FROM snapshot.activity_contact "
        f"WHERE contact_id IS NOT NULL AND activity_id IN (SELECT id FROM _heard WHERE {batch}) ORDER BY activity_id"
    ).fetchall()
    found = {}
    for activity, group in groupby(rows, key=lambda row: row[0]):
        members = list(group)
        found[activity] = frozenset(m[1] for m in members), frozenset(m[1] for m in members if m[2])
    return found
