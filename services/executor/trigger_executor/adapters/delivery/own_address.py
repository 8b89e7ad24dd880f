"""Whether an address is one of this machine's, asked of the kernel.

A machine's public address is no private one, and what listens there may be the platform itself.
"""

import socket

from trigger_contracts.targets.addresses import Address


def is_own(address: Address) -> bool:
    """Whether packets to ``address`` would stay on this machine.

    The kernel says from which address it would send there, and to one of its own it would send
    from that very one. Nothing is sent: UDP has no connection to make.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.setblocking(False)
            probe.connect((str(address), 9))
            return bool(probe.getsockname()[0] == str(address))
    except OSError:
        return False
