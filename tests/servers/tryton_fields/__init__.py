"""A Tryton module as a client would have one made: further fields of a party."""

from trytond.pool import Pool

from . import party


def register() -> None:
    Pool.register(party.Party, module="crm_fields", type_="model")
