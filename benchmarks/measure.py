"""Runs processes and reads the kernel's account of them."""
import os, signal, subprocess, threading, time
from dataclasses import dataclass


class Failed(Exception):
    """A case could not be measured; the text says why, in one line a reader can act on."""


@dataclass
class Sample:
    seconds: float       # wall clock, start to end of the process
    cpu: float           # user + system of the process and of the children it waited for
    rss: int             # bytes; the peak of the process (ru_maxrss)
    code: int
    out: str             # path of its standard output


def end(process):
    """Asks a process to end, and kills one that does not within half a minute."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(command, work, env=None, accept=(0,), timeout=900, name="run"):
    """One process, measured by wait4. Raises Failed with the end of its errors when the exit code is not accepted."""
    out, err = f"{work}/{name}.out", f"{work}/{name}.err"
    with open(out, "wb") as o, open(err, "wb") as e:
        start = time.perf_counter()
        try:
            # posix_spawn would do; the point is that this process is small, since a child's peak begins with its parent's.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=env, start_new_session=True)
        except OSError as cause:
            raise Failed(f"{command[0]}: {cause.strerror}") from None
        late = threading.Event()

        def stop():
            late.set()
            os.killpg(process.pid, signal.SIGKILL)
        timer = threading.Timer(timeout, stop)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
        seconds = time.perf_counter() - start
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if late.is_set():
        raise Failed(f"{os.path.basename(command[0])} was stopped after {timeout} s")
    if code not in accept:
        tail = " | ".join(open(err, errors="replace").read().strip().splitlines()[-3:])[-300:]
        raise Failed(f"{os.path.basename(command[0])} {' '.join(command[1:3])}: exit {code}: {tail or 'no message'}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, code, out)


def median(values):
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def interleave(runs, *actions):
    """One run of each that is not counted, so that the page cache is warm for all; then in turn, `runs` times each.

    Gives a list of samples per action; an action that raised Failed gives the Failed and is not run again.
    """
    results = [[] for _ in actions]
    for i in range(runs + 1):
        for n, action in enumerate(actions):
            if action is None or isinstance(results[n], Failed):
                continue
            try:
                sample = action()
            except Failed as cause:
                results[n] = cause
                continue
            if i > 0:
                results[n].append(sample)
    return results
