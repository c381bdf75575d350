#!/usr/bin/env python3
"""Runs a command on a terminal of its own: COLUMNS command [arguments]. What is written to stdin is typed there."""
import fcntl, os, pty, select, struct, sys, termios

columns, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    # By the command's own process: it must not look before its terminal has the size.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(columns), 0, 0))
    os.execvp(command[0], command)
listened = [terminal, 0]
while terminal in listened:
    for ready in select.select(listened, [], [])[0]:
        try:
            data = os.read(ready, 65536)
        except OSError:  # the terminal has no process any more
            data = b""
        if not data:
            listened.remove(ready)
        elif ready == 0:
            os.write(terminal, data)
        else:
            os.write(1, data)
status = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
