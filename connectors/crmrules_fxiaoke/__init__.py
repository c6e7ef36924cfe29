"""The connector `fxiaoke`: 纷享销客 (ShareCRM), by its open API."""
