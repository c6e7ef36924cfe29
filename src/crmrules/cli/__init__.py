"""The command line: words, tables and exit codes around :mod:`crmrules.app`."""
