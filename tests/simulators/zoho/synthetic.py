"""A crowd of contacts, told by a seed: number *n* is always the same person, and none is kept in memory."""

from __future__ import annotations

from .crm import Crm
from .store import Crowd, Row

_SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗"
_GIVEN = ("伟", "芳", "娜", "敏", "静", "磊", "洋", "艳", "勇", "杰", "秀英", "建国", "晓明", "😀", "Anna", "Jörg")
_TITLES = (
    "采购经理",
    "IT Director",
    "院长",
    "检验科主任",
    "CEO",
    "Purchasing, EMEA",
    '"Head" of IT',
    "",
    "总经理助理",
    "工程师",
)
_PER_SECOND = 3  # three share each second, as after an import


def contacts(crm: Crm, count: int, seed: int) -> Crowd:
    """*count* contacts of the living accounts; the last was made a day before now."""
    accounts = [row["id"] for row in crm.living("Accounts")] or [None]
    first = crm.new_ids(count)
    owner = crm.person

    def make(n: int) -> Row:
        mixed = (n * 2_654_435_761 + seed * 40_503) & 0xFFFF_FFFF
        return {
            "Last_Name": _SURNAMES[mixed % 20],
            "First_Name": _GIVEN[mixed // 20 % 16],
            "Title": _TITLES[mixed // 320 % 10],
            "Email": f"p{n}@crowd.example",
            "Phone": f"+86 10 {mixed % 10**8:08d}",
            "Account_Name": accounts[mixed // 3200 % len(accounts)],
            "Department": "研发\n二部" if mixed % 97 == 0 else "Sales",
            "Owner": owner,
            "Created_By": owner,
            "Modified_By": owner,
        }

    def find(field: str, value: str) -> int | None:
        name, _, host = value.partition("@")
        if field != "Email" or host != "crowd.example" or not name[1:].isdigit() or int(name[1:]) >= count:
            return None
        return first + int(name[1:])

    start = crm.now() - 24 * 3600 - count // _PER_SECOND
    return Crowd(first=first, count=count, start=start, per_second=_PER_SECOND, make=make, find=find)
