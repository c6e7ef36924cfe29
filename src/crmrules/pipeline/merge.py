"""The three-way merge of one target: last written by us / current in the CRM / desired.

Its laws, each held by a property test:

- A person's value is never overwritten. Whatever stands at a target and is not exactly what our
  last write left there is a person's, also where we never wrote.
- Where the CRM already says what we want there is nothing to do, whoever wrote it; what a person
  wrote stays a person's.
- Empty places may be filled, unless a person emptied them: who deletes our value wins for as
  long as we would only write the same again. A different outcome is news and is written.
- A CRM may spell a value in its own way (trim it, cut it). What it made of our last write counts
  as that write, so the difference is no reason to write again.
"""

from __future__ import annotations

from crmrules.model.changes import Verdict


def merge(*, written: str | None, wanted: str | None, current: str | None, desired: str | None) -> Verdict:
    """Decide about one target.

    ``written`` is what stood in the CRM after our last write, ``wanted`` what we had asked for
    then; both None where nothing is ours. None means empty, no tag, no note.
    """
    if current == desired:
        return Verdict.unchanged
    if current is None:
        deleted_by_a_person = written is not None and desired == wanted
        return Verdict.keep_human if deleted_by_a_person else Verdict.write
    if current != written:
        return Verdict.keep_human
    return Verdict.unchanged if desired == wanted else Verdict.write
