"""Tryton as a CRM: parties, sale opportunities, sales and notes of a server of series 7.0 or 8, by RPC."""
