"""One field of every kind that a ruleset may write, and what Tryton has no place for."""

from trytond.model import fields
from trytond.pool import PoolMeta


class Party(metaclass=PoolMeta):
    __name__ = "party.party"

    segment = fields.Char("Segment", size=80)
    remark = fields.Text("Remark")
    industry = fields.Char("Industry")
    nature = fields.Selection(
        [(None, ""), ("enterprise", "Enterprise"), ("public_institution", "Public institution")], "Nature"
    )
    staff = fields.Integer("Staff")
    potential = fields.Numeric("Potential", digits=(14, 2))
    satisfaction = fields.Float("Satisfaction")
    key_account = fields.Boolean("Key account")
    next_visit = fields.Date("Next visit")
    last_audit = fields.DateTime("Last audit")
