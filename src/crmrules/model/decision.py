"""The tables of a decision: what `decide` leaves in its DuckDB file and everything later reads.

Wide tables (`account_outcome`, `contact_outcome`, `deal_outcome`) hold one row per subject: its
id, account_id, every feature and class of the ruleset under its own name, and for each class
``<name>.rule``, the id of the rule that won (NULL: the class's ``otherwise`` or ``copy``).
The tables below are long; their columns are fixed here.
"""

from __future__ import annotations

from collections.abc import Mapping

# table -> column -> DuckDB type
TABLES: Mapping[str, Mapping[str, str]] = {
    "meta": {
        "as_of": "DATE", "ruleset": "VARCHAR", "ruleset_digest": "VARCHAR", "engine": "VARCHAR", "snapshot": "VARCHAR",
    },
    "evidence": {
        "account_id": "VARCHAR", "contact_id": "VARCHAR",
        "deal_id": "VARCHAR",  # '' counts for every deal
        "item": "VARCHAR", "family": "VARCHAR", "role": "VARCHAR", "against": "BOOLEAN",
        "weight": "DOUBLE",  # as the ruleset says
        "decayed": "DOUBLE",  # after decay
        "date": "DATE", "source_object": "VARCHAR", "source_id": "VARCHAR",
    },
    "stance_evidence": {
        "account_id": "VARCHAR", "contact_id": "VARCHAR", "deal_id": "VARCHAR", "item": "VARCHAR", "stance": "VARCHAR",
        "decayed": "DOUBLE", "date": "DATE", "source_object": "VARCHAR", "source_id": "VARCHAR",
    },
    "role_score": {
        "account_id": "VARCHAR", "contact_id": "VARCHAR",
        "deal_id": "VARCHAR",  # '' = no particular deal
        "role": "VARCHAR", "score": "DOUBLE", "band": "VARCHAR", "families": "INTEGER",
    },
    # A contact in a deal: one row for each contact with deal_id '' (no particular deal) and one for each open deal
    # of its account. After these columns stands one DOUBLE per role of the ruleset: its score, 0 when there is none.
    "part": {
        "account_id": "VARCHAR", "contact_id": "VARCHAR", "deal_id": "VARCHAR",
        "specific": "BOOLEAN",  # has evidence on this very deal
        "role": "VARCHAR", "score": "DOUBLE", "band": "VARCHAR", "roles": "VARCHAR[]",  # roles >= low, best first
        "stance": "VARCHAR", "source": "VARCHAR",  # inferred | manual
    },
    "contact_role": {  # the roll-up: what a contact's tag says
        "account_id": "VARCHAR", "contact_id": "VARCHAR", "deal_id": "VARCHAR", "role": "VARCHAR", "score": "DOUBLE",
        "band": "VARCHAR", "roles": "VARCHAR[]", "stance": "VARCHAR", "source": "VARCHAR", "writable": "BOOLEAN",
    },
    # Whom to ask what, where nobody is known to play a role: the best few of each open deal, and of each account
    # without one. `gain` is in bits (crmrules.evaluation.questions).
    "question": {
        "account_id": "VARCHAR",
        "deal_id": "VARCHAR",  # '' = the account has no open deal
        "place": "INTEGER",  # 1 = the best of the deal
        "account_place": "INTEGER",  # 1 = the best of the account
        "question": "VARCHAR", "role": "VARCHAR",  # id of the question, and the role that it is about
        "ask_contact_id": "VARCHAR",
        "about_contact_id": "VARCHAR",  # who seems to play the role so far, '' = nobody
        "question_zh": "VARCHAR", "question_en": "VARCHAR",
        "gain": "DOUBLE",  # expected fall of uncertainty, times what it is worth
        "knows": "DOUBLE",  # how likely it is that the contact can and will tell, 0..1
    },
    "flag": {
        "account_id": "VARCHAR", "contact_id": "VARCHAR", "deal_id": "VARCHAR",  # '' where it is not about one
        "object": "VARCHAR", "record_id": "VARCHAR", "flag": "VARCHAR",
    },
    "note": {
        "account_id": "VARCHAR", "object": "VARCHAR", "record_id": "VARCHAR", "language": "VARCHAR", "body": "VARCHAR",
        "sentences": "VARCHAR[]",
    },
    "desired": {
        "object": "VARCHAR", "record_id": "VARCHAR", "account_id": "VARCHAR", "kind": "VARCHAR", "name": "VARCHAR",
        "value": "VARCHAR", "rule": "VARCHAR", "reason_zh": "VARCHAR", "reason_en": "VARCHAR",
    },
    "guarded": {  # subjects that a guard keeps us from deciding or writing about
        "object": "VARCHAR", "record_id": "VARCHAR", "guard": "VARCHAR", "effect": "VARCHAR",
    },
    "conflict": {  # unique / any: rules that disagreed
        "object": "VARCHAR", "record_id": "VARCHAR", "dimension": "VARCHAR", "rules": "VARCHAR[]",
    },
    "unmatched": {"lexicon": "VARCHAR", "text": "VARCHAR", "times": "BIGINT"},
    "unheard": {  # texts of activities, by kind ('' = not said)
        "type": "VARCHAR", "direction": "VARCHAR", "texts": "BIGINT",
        "unmatched": "BIGINT",  # in which no phrase of any cue stands
        "unattributed": "BIGINT",  # in which one stands, and it was said about nobody whom we know, or denied
    },
    "unheard_phrase": {  # what recurs in unmatched texts of a sample; nothing that occurs in few accounts, no name
        "phrase": "VARCHAR", "texts": "BIGINT", "accounts": "BIGINT",
    },
}  # fmt: skip


def create(table: str) -> str:
    """Return the CREATE TABLE statement of one of :data:`TABLES`."""
    columns = ", ".join(f'"{name}" {type}' for name, type in TABLES[table].items())
    return f'CREATE TABLE "{table}" ({columns})'
