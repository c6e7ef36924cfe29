"""The contract suite: everything that a connector must do, as tests to inherit.

A connector's tests implement :class:`~crmrules.testing.suite.world.World` (how the CRM behind it is
used by people, and made to fail) and inherit the classes of :mod:`crmrules.testing.suite.contract`.
"""

import pytest

pytest.register_assert_rewrite("crmrules.testing.suite.contract", "crmrules.testing.suite.driving")
