"""Rows made on demand and rows that were written read as one table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from .zoho import ZohoSimulator
from .zoho.client import Client
from .zoho.store import SORTS, Crowd, Deleted, Key, Row, Table

FIRST, START = 100, 1_000

tables = st.builds(
    lambda count, per_second, writes, removes: (count, per_second, writes, removes),
    st.integers(0, 12),
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(FIRST - 3, FIRST + 15), st.integers(START - 2, START + 15)), max_size=6),
    st.lists(st.integers(FIRST - 3, FIRST + 15), max_size=4),
)
keys = st.none() | st.tuples(st.integers(START - 3, START + 16), st.integers(FIRST - 4, FIRST + 16))


def built(
    count: int, per_second: int, writes: list[tuple[int, int]], removes: list[int]
) -> tuple[Table, dict[int, Row]]:
    """The table, and the same rows in a dict."""
    table = Table(crowd=Crowd(first=FIRST, count=count, start=START, per_second=per_second, make=lambda n: {"n": n}))
    plain: dict[int, Row] = {}
    for n in range(count):
        at = START + n // per_second
        plain[FIRST + n] = {"id": FIRST + n, "Created_Time": at, "Modified_Time": at, "n": n}
    for id, at in writes:
        row = {**plain.get(id, {"id": id, "Created_Time": at}), "Modified_Time": at}
        table.put(row)
        plain[id] = row
    for id in removes:
        if plain.pop(id, None) is not None:
            row = table.get(id)
            assert row is not None
            table.remove(Deleted(row=row, name="", by=1, at=1))
    return table, plain


@given(tables, st.sampled_from(SORTS), st.booleans(), keys, st.none() | st.integers(START - 3, START + 16))
def test_a_scan_gives_what_sorting_all_rows_gives(
    made: tuple[int, int, list[tuple[int, int]], list[int]],
    sort: str,
    descending: bool,
    after: Key | None,
    since: int | None,
) -> None:
    table, plain = built(*made)
    if after is not None and sort == "id":
        after = (after[1], after[1])
    expected = sorted(((row[sort], id) for id, row in plain.items()), reverse=descending)
    if since is not None:
        expected = [key for key in expected if plain[key[1]]["Modified_Time"] >= since]
    if after is not None:
        expected = [key for key in expected if (key < after if descending else key > after)]
    assert list(table.scan(sort, descending=descending, after=after, since=since)) == expected
    assert len(table) == len(plain)
    assert all(table.get(id) == row for id, row in plain.items())


def test_a_million_contacts_take_no_room_until_they_change() -> None:
    with ZohoSimulator() as sim:
        crm = Client(sim)
        ids = sim.add_crowd(1_000_000)
        assert crm.get("/Contacts/actions/count").json() == {"count": 1_000_006}
        newest = crm.rows("/Contacts", fields="Email", sort_by="Modified_Time", per_page=1)
        assert newest == [{"id": str(ids[-1]), "Email": "p999999@crowd.example"}]
        sim.clock.freeze()
        sim.person_touches("Contacts", ids[500_000:500_010], {"Title": "CFO"})
        since = {"headers": {"If-Modified-Since": sim.crm.time(sim.crm.now())}}
        changed = crm.rows("/Contacts", fields="Title", sort_by="Modified_Time", sort_order="asc", **since)
        assert [row["id"] for row in changed] == [str(id) for id in ids[500_000:500_010]]
        upsert = {"data": [{"Last_Name": "赵", "Email": "p7@crowd.example"}]}
        assert crm("POST", "/Contacts/upsert", upsert).json()["data"][0]["details"]["id"] == str(ids[7])
        assert len(sim.crm.tables["Contacts"].rows) == 17
