"""A strict stand-in for Fxiaoke's open API (纷享销客), by what is known of it in public.

What nobody outside has verified is a switch (:class:`Switches`), so a client can be tested under both answers.
``with FxiaokeSim() as sim`` listens on loopback; `sim.people` is what its users do behind a client's back.
"""

from .crm import App, FxiaokeSim
from .limits import Limits
from .switches import Switches

__all__ = ["App", "FxiaokeSim", "Limits", "Switches"]
