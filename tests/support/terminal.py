# Runs a command in a terminal of its own, types, and prints what the terminal showed.
# usage: terminal.py FILE-OF-STEPS COMMAND…
# A step is `expect TEXT`, `type TEXT` (with Python's escapes) or `wait SECONDS`. The exit code is the command's.
# It gives up when neither a byte nor CPU time came for a minute.
import glob, os, pty, select, sys, time

steps = open(sys.argv[1]).read().splitlines()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown, begin = b"", 0
idle, looked, seen = 0, time.monotonic(), (0, 0)


def show(seconds):
    global shown
    if select.select([terminal], [], [], seconds)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            return False
    elif is_stuck():
        sys.exit(f"nothing happens any more; shown was {shown}")
    return True


def is_stuck():
    global idle, looked, seen
    if time.monotonic() < looked + 1:
        return False
    looked = time.monotonic()
    now = len(shown), cpu_ticks()
    # The sampler of memreel goes on with less.
    if now[0] > seen[0] or now[1] >= seen[1] + 25:
        idle, seen = 0, now
    else:
        idle, seen = idle + 1, (seen[0], min(seen[1], now[1]))
    return idle >= 60


# CPU time of all that runs in the terminal.
def cpu_ticks():
    ticks = 0
    for name in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = open(name).read().rsplit(") ", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == pid:
            ticks += sum(map(int, fields[11:15]))
    return ticks


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
            if not show(0.1) and text not in shown[begin:]:
                sys.exit(f"{text} was not shown at the end, but {shown}")
        begin += shown[begin:].index(text) + len(text)
while show(1.1):
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
