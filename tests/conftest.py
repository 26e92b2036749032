from __future__ import annotations

import signal

# Who starts pytest in the background of a script has it ignore interrupts, and every process that tests start; some of them
# are interrupted, and the tests see what they do.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
