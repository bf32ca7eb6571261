"""What each check of ./plimsoll scan adds to the bare scan: processor time, as a share

usage: ./bench inspect [--runs N] [--case NAME]… [--clamd SOCKET] [--image FILE] [--program FILE]      default: 5 runs, every case
cases: secret malware-none malware malware-million history configuration licence all clamd clamd-stream      what they are and the goals: docs/benchmarks.md
--clamd: the unix socket of a clamd that runs, for the cases clamd and clamd-stream; its own processor time is shown apart.
--image, --program: a docker-save file and an executable that stand there already, instead of those that are made.
environment: as for ./bench scan. Exit code 0 when every case ran, 1 when one failed; a goal that is not met is said, not failed.
"""
import argparse, json, os, random, shutil, socket, struct, sys, tempfile, time
import bench_scan
from bench_scan import CACHE, MB, ROOT, shared, step
from measure import Failed, interleave, median, run

# By name: the checks asked for beside the vulnerabilities, and which database of known malware there is.
CASES = {
    "secret": ("secret", None),
    "malware-none": ("malware", None),
    "malware": ("malware", 1),
    "malware-million": ("malware", 1_000_000),
    "history": ("history", None),
    "configuration": ("configuration", None),
    "licence": ("licence", None),
    "all": ("malware,secret,history,configuration,licence", 1_000_000),
    "clamd": ("malware", None),
    "clamd-stream": ("malware", None),
}
# What stands before clamd's socket: how contents come there.
WAYS = {"clamd": "fildes:", "clamd-stream": "stream:"}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def known(path, count):
    """Hashes of nothing that exists, spread over block sizes as real ones are; the same in every run."""
    if os.path.exists(path):
        return path
    print(f"bench: {count} known hashes", file=sys.stderr, flush=True)
    chance = random.Random(1)
    with open(path + ".next", "w") as f:
        f.write("family,ssdeep,sha256\n")
        for i in range(count):
            level = min(20, max(0, int(chance.gauss(10, 2.5))))
            parts = ["".join(chance.choices(ALPHABET, k=chance.randint(low, 2 * low))) for low in (32, 16)]
            f.write(f"Family{i % 3000},{3 << level}:{parts[0]}:{parts[1]},{chance.getrandbits(256):064x}\n")
    os.rename(path + ".next", path)
    return path


class Homes:
    """A home for each database of known malware, so that runs in turn do not undo each other's preparation."""

    def __init__(self, work, program):
        self.work, self.program = work, program

    def prepare(self, data, counts):
        base = f"{self.work}/home-None"
        os.makedirs(base)
        env = dict(os.environ, PLIMSOLL_HOME=base, LC_ALL="C")
        step("filling the advisory database", self.program, "db", "update", "--source", f"{data}/osv", env=env)
        for count in counts - {None}:
            home = f"{self.work}/home-{count}"
            shutil.copytree(base, home)
            step(f"importing {count} known hashes", self.program, "db", "malware", "import", known(f"{CACHE}/known-{count}.csv", count), env=dict(env, PLIMSOLL_HOME=home))

    def scan(self, image, checks, count, clamd="none"):
        env = dict(os.environ, PLIMSOLL_HOME=f"{self.work}/home-{count}", LC_ALL="C")
        wanted = ["vulnerability", *filter(None, checks.split(","))]
        # 1 is a threshold crossed, 3 an incomplete answer: both are answers.
        sample = run([self.program, "scan", f"docker-archive:{image}", "--no-cache", "--json", "--checks", ",".join(wanted), "--clamd", clamd], self.work, env, accept=(0, 1, 3), name="scan")
        with open(sample.out, encoding="utf-8") as f:
            report = (json.load(f).get("reports") or [{}])[0]
        sample.checks, sample.problems = report.get("checks") or [], len(report.get("problems") or [])
        sample.engines = {e.get("name"): e for e in report.get("engines") or []}
        return sample


class Clamd:
    """A clamd that runs, and the processor time that the kernel counts for it."""

    def __init__(self, path):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            self.pid = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self.path = path

    def seconds(self):
        fields = open(f"/proc/{self.pid}/stat").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def span(values, form):
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def measure(options, work, data, program, image, rows, records):
    cases = [c for c in options.case or CASES if c not in WAYS or options.clamd]
    homes = Homes(work, program)
    homes.prepare(data, {None} | {CASES[c][1] for c in cases})
    clamd = Clamd(options.clamd) if WAYS.keys() & set(cases) else None
    its = {case: [] for case in WAYS}

    def action(case):
        checks, count = CASES[case]
        if case not in WAYS:
            return lambda: homes.scan(image, checks, count)

        def with_clamd():
            before = clamd.seconds()
            sample = homes.scan(image, checks, count, WAYS[case] + clamd.path)
            its[case].append(clamd.seconds() - before)
            return sample
        return with_clamd

    # A check that is not in this build is left out with a word, so that a table never shows a share of nothing.
    have = []
    for case in cases:
        try:
            first = action(case)()
        except Failed as cause:
            rows.append((case, "-", "-", "-", "-", f"left out: {cause}"))
            continue
        missing = [c for c in CASES[case][0].split(",") if c not in first.checks]
        if missing:
            rows.append((case, "-", "-", "-", "-", f"left out: this build has no check {', '.join(missing)}"))
        else:
            have.append(case)
    for of in its.values():
        of.clear()
    bare, *results = interleave(options.runs, lambda: homes.scan(image, "", None), *[action(c) for c in have])
    if isinstance(bare, Failed):
        raise bare
    base = [s.cpu for s in bare]
    rows.insert(0, ("bare scan", span(base, ".2f"), "-", f"{max(s.rss for s in bare) / MB:.0f}", "-", ""))
    records.append({"case": "bare", "samples": [vars(s) for s in bare]})
    shares, failed = {}, False
    for case, samples in zip(have, results):
        if isinstance(samples, Failed):
            rows.append((case, "failed", "-", "-", "-", str(samples)))
            failed = True
            continue
        # Run by run against the bare scan of the same turn: what the machine does meanwhile hits both.
        share = [(s.cpu - b) / b for s, b in zip(samples, base)]
        shares[case] = median(share)
        note = f"clamd's own: {span(its[case][-options.runs:], '.2f')} s; clock: {span([s.seconds for s in samples], '.2f')} s" if case in WAYS else "; ".join(f"{n}: {e['failure']}" for n, e in samples[0].engines.items() if e.get("failure"))
        rows.append((case, span([s.cpu for s in samples], ".2f"), span(share, "+.0%"), f"{max(s.rss for s in samples) / MB:.0f}", str(samples[0].problems), note[:90]))
        records.append({"case": case, "samples": [vars(s) for s in samples]})
    return shares, failed


def goals(shares):
    if {"secret", "malware", "malware-none"} <= shares.keys():
        # What the other engines of the malware check cost stands in both and falls out.
        both = shares["secret"] + shares["malware"] - shares["malware-none"]
        yield f"secrets and fuzzy hashing together add {both:+.0%}; goal at most +100%: {'met' if both <= 1 else 'NOT MET'}"
    if {"malware", "malware-million"} <= shares.keys():
        million = shares["malware-million"] - shares["malware"]
        yield f"a million known hashes add {million:+.1%} of the bare scan; goal at most +10%: {'met' if million <= 0.1 else 'NOT MET'}"


def main():
    parser = argparse.ArgumentParser(prog="./bench inspect", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--clamd", metavar="SOCKET")
    parser.add_argument("--image", metavar="FILE")
    parser.add_argument("--program", metavar="FILE")
    options = parser.parse_args()
    base = shared()
    os.makedirs(CACHE, exist_ok=True)
    rows, records, start, failed, shares, version = [], [], time.gmtime(), False, {}, "unknown"
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="work-") as work:
        try:
            program = options.program or bench_scan.OURS
            if not options.program:
                step("publishing", f"{ROOT}/publish")
            version = step("asking for the version", program, "--version").strip()
            if not options.image:
                step("the image", f"{base}/tools/bench-image", f"{CACHE}/image")
            shares, failed = measure(options, work, f"{base}/data", program, options.image or f"{CACHE}/image/image.tar", rows, records)
        except (Failed, OSError) as cause:
            failed = True
            print(f"bench: error: {cause}", file=sys.stderr)
    table = [("case", "CPU s (min to max)", "added to the bare scan", "RSS MB", "problems", ""), *rows]
    widths = [max(len(r[i]) for r in table) for i in range(len(table[0]))]
    print(f"\n{time.strftime('%Y-%m-%d %H:%M UTC', start)}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, {version}")
    print(f"{options.runs} runs each, in turn, after one that is not counted; processor time of the process, user and system; median (min to max).\n")
    print("\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in table))
    for line in goals(shares):
        print("\n" + line)
    if options.runs < 5:
        print("\nFewer than 5 runs: not a figure to quote.")
    os.makedirs(f"{ROOT}/artifacts/bench", exist_ok=True)
    path = f"{ROOT}/artifacts/bench/inspect-{time.strftime('%Y%m%dT%H%M%SZ', start)}.json"
    with open(path, "w") as f:
        json.dump({"runs": options.runs, "plimsoll": version, "cases": records}, f, indent=1)
    print(f"\nevery sample: {os.path.relpath(path, ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
