"""What was written about customers and no phrase knew: how many texts, of which kind, and the words that recur in them.

``unheard`` counts every text of an activity; ``unheard_phrase`` lists the wording that recurs in texts in which no
pattern of any cue stands. What is shown must not tell about a person, so a phrase is listed only where it occurs in
texts of several accounts, holds no digit, and no name of a contact, account or user. Texts of accounts
and of participants under a guard, or who opted out, are counted but never read.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import duckdb

from crmrules.evaluation.normalise import normalise_all

MOST_PHRASES = 50
LEAST_ACCOUNTS = 3  # in the texts of which a phrase must occur
_READ = 5_000  # texts in which wording is looked for, spread over all accounts
_CHARACTERS = 400  # of each text
_MOST_WORDS, _MOST_SIGNS = 4, 12  # of a phrase in words, or in Chinese characters
_SAME = 0.7  # a part that hardly ever stands without the whole is not listed itself
_RUNS = re.compile(r"[a-z][a-z'-]*(?: [a-z][a-z'-]*)*|[\u3400-\u9fff]+")
_ENGLISH = (
    "a about after all an and any are as at be been but by can could did do does for from had has have he her his how i if"
    " in into is it its me my no not of on or our she should so than that the their them then there they this to up us was"
    " we were what when which who will with would you your"
)
_FILLERS = frozenset(_ENGLISH.split())  # a phrase neither begins nor ends with one


def count_unheard(con: duckdb.DuckDBPyConnection) -> None:
    """Append to `unheard` and `unheard_phrase`; needs `mention` and the temporary table `heard` of find_mentions."""
    con.execute(
        """INSERT INTO unheard
        SELECT coalesce(a.type, ''), coalesce(lower(a.direction), ''), count(*),
               count(*) FILTER (WHERE m.activity_id IS NULL AND NOT coalesce(h.certain, false)),
               count(*) FILTER (WHERE m.activity_id IS NULL AND coalesce(h.certain, false))
        FROM snapshot.activity a LEFT JOIN heard h USING (id)
        LEFT JOIN (SELECT DISTINCT activity_id FROM mention) m ON m.activity_id = a.id
        WHERE trim(a.text) <> '' GROUP BY ALL ORDER BY ALL"""
    )
    texts = con.execute(_TEXTS, [_CHARACTERS, _READ]).fetchall()
    found = recurring([(account, text) for account, text in texts], _names(con, {account for account, _ in texts}))
    if found:
        con.executemany("INSERT INTO unheard_phrase VALUES (?, ?, ?)", found[:MOST_PHRASES])


_TEXTS = """SELECT a.account_id, left(a.text, ?) AS text FROM snapshot.activity a
LEFT JOIN heard h USING (id) LEFT JOIN snapshot.account o ON o.id = a.account_id
WHERE trim(a.text) <> '' AND a.account_id IS NOT NULL AND NOT coalesce(h.certain, false)
  AND NOT coalesce(o.opt_out, false)
  AND NOT EXISTS (SELECT 1 FROM guarded g WHERE g.object = 'account' AND g.record_id = a.account_id)
  AND NOT EXISTS (SELECT 1 FROM mention m WHERE m.activity_id = a.id)
  AND NOT EXISTS (SELECT 1 FROM snapshot.activity_contact x
                  LEFT JOIN guarded g ON g.object = 'contact' AND g.record_id = x.contact_id
                  LEFT JOIN snapshot.contact c ON c.id = x.contact_id
                  WHERE x.activity_id = a.id AND (g.record_id IS NOT NULL OR c.opt_out))
ORDER BY md5(a.id), a.id LIMIT ?"""


def recurring(texts: Iterable[tuple[str, str]], names: frozenset[str] = frozenset()) -> list[tuple[str, int, int]]:
    """Return (phrase, texts, accounts) of what recurs in *texts* (account, text), the most frequent first.

    *names*: what no phrase may hold, normalised. A phrase is two to four words, or three to twelve Chinese characters.
    """
    rows = list(texts)
    times: Counter[str] = Counter()
    accounts: defaultdict[str, set[str]] = defaultdict(set)
    for (account, _), text in zip(rows, normalise_all(text for _, text in rows), strict=True):
        grams = {gram for run in _RUNS.findall(text) for gram in _grams(run)}
        times.update(grams)
        for gram in grams:
            accounts[gram].add(account)
    known = {
        gram: times[gram]
        for gram, where in accounts.items()
        if len(where) >= LEAST_ACCOUNTS and names.isdisjoint(_parts(gram.replace("'s", "")))
    }
    dominated = _dominated(known)
    whole = sorted(known.keys() - dominated, key=lambda gram: (-known[gram], -len(gram), gram))
    return [(gram, known[gram], len(accounts[gram])) for gram in whole]


def _grams(run: str) -> Iterator[str]:
    """Yield the phrases of a run of words, or of Chinese characters."""
    units, gap = _units(run)
    least, most = (2, _MOST_WORDS) if gap else (3, _MOST_SIGNS)
    for start in range(len(units)):
        for end in range(start + least, min(start + most, len(units)) + 1):
            inside = units[start:end]
            if not (inside[0] in _FILLERS or inside[-1] in _FILLERS):
                yield gap.join(inside)


def _units(run: str) -> tuple[list[str], str]:
    """Return the words of a run, or its Chinese characters, and what stands between them."""
    return (run.split(), " ") if run.isascii() else (list(run), "")


def _parts(gram: str) -> Iterator[str]:
    units, gap = _units(gram)
    for start in range(len(units)):
        for end in range(start + 1, len(units) + 1):
            yield gap.join(units[start:end])


def _dominated(known: dict[str, int]) -> set[str]:
    """Return the phrases that hardly ever stand without a longer one."""
    found: set[str] = set()
    for gram, times in known.items():
        found.update(part for part in _parts(gram) if part != gram and part in known and times >= _SAME * known[part])
    return found


def _names(con: duckdb.DuckDBPyConnection, accounts: set[str]) -> frozenset[str]:
    """Names of *accounts*, of their contacts and of our users: whole, and those of people also word by word."""
    ids = sorted(accounts)
    people = con.execute(
        "SELECT name FROM snapshot.contact WHERE name IS NOT NULL AND list_contains(?, account_id)"
        ' UNION SELECT name FROM snapshot."user" WHERE name IS NOT NULL ORDER BY 1',
        [ids],
    ).fetchall()
    firms = con.execute(
        "SELECT DISTINCT name FROM snapshot.account WHERE name IS NOT NULL AND list_contains(?, id) ORDER BY 1", [ids]
    ).fetchall()
    found: set[str] = set()
    for name in normalise_all(row[0] for row in people):
        found.update((name, *name.split()))
    found.update(normalise_all(row[0] for row in firms))
    return frozenset(name for name in found if len(name) > 1)
