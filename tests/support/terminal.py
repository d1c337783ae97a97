# Runs a command in a terminal of its own, types, and prints what the terminal showed.
# usage: terminal.py FILE-OF-STEPS COMMAND…
# A step is `expect TEXT`, `type TEXT` (with Python's escapes) or `wait SECONDS`. The exit code is the command's.
import os, pty, select, sys, time

steps = open(sys.argv[1]).read().splitlines()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown, begin, patience = b"", 0, time.monotonic() + 30


def show(seconds):
    global shown
    if select.select([terminal], [], [], seconds)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            return False
    return True


for step in steps:
    verb, _, what = step.partition(" ")
    text = what.encode().decode("unicode_escape").encode("latin1")
    if verb == "type":
        os.write(terminal, text)
    elif verb == "wait":
        end = time.monotonic() + float(what)
        while time.monotonic() < end and show(0.05):
            pass
    else:
        while text not in shown[begin:]:
            if time.monotonic() > patience:
                sys.exit(f"{text} was never shown, but {shown}")
            if not show(0.1) and text not in shown[begin:]:
                sys.exit(f"{text} was not shown at the end, but {shown}")
        begin += shown[begin:].index(text) + len(text)
while show(30):
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
