"""Real CRM servers for the tests, built and started on loopback."""
