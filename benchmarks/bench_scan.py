"""./plimsoll scan beside Trivy and beside the floor (GZipStream + SHA-256): time, processor time, memory

usage: ./bench scan [--runs N] [--case NAME]…      default: 5 runs, every case
cases: tar oci daemon warm sbom files update       what they are and the goals: docs/benchmarks.md
environment: PLIMSOLL_BENCH_CACHE (default ~/.cache/plimsoll-bench): images and the peer, about 8 GB; only its folders image, peers,
files and osv are read again. PLIMSOLL_SHARED: the folder with data/ and tools/ when it is not beside the checkout.
Needs root. Exit code 0 when every case ran, 1 when one failed; a goal that is not met is said, not failed.
"""
import argparse, json, os, re, shutil, subprocess, sys, tempfile, time
from measure import Failed, end, interleave, median, run

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = f"{ROOT}/artifacts/publish/linux-x64/plimsoll"
CACHE = os.environ.get("PLIMSOLL_BENCH_CACHE") or os.path.expanduser("~/.cache/plimsoll-bench")
CASES = ("tar", "oci", "daemon", "warm", "sbom", "files", "update")
FILES, RECORDS, COMPONENTS = 3_000_000, 300_000, 1250
BOM_RUNS = 15
MB = 1_000_000
IMAGE = "plimsoll/bench:1"


def shared():
    """The folder with data/ and tools/: beside the checkout or one above, as the tests look for it."""
    folder = os.environ.get("PLIMSOLL_SHARED")
    at = ROOT
    while not folder and at != "/":
        at = os.path.dirname(at)
        if os.path.isdir(f"{at}/shared/tools"):
            folder = f"{at}/shared"
    if not folder or not os.path.isdir(f"{folder}/tools"):
        sys.exit("bench: error: no shared/tools beside the checkout; set PLIMSOLL_SHARED")
    return folder


def step(text, *command, env=None):
    """A step of preparation; its output is shown only when it fails."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace", env=env)
    if done.returncode:
        raise Failed(f"{text}: exit {done.returncode}: " + " | ".join(done.stdout.strip().splitlines()[-4:])[-500:])
    return done.stdout


class Ours:
    """The published single file with a database of the shared advisories and a home of its own."""

    def __init__(self, work):
        self.work, self.home = work, f"{work}/home"
        self.env = dict(os.environ, PLIMSOLL_HOME=self.home, PLIMSOLL_TRACE="1", LC_ALL="C")
        self.problem, self.version = None, "not built"

    def prepare(self, data):
        self.version = re.search(r"plimsoll (\S+ \(commit \w+\))", step("publishing", f"{ROOT}/publish"))[1]
        step("filling the advisory database", OURS, "db", "update", "--source", f"{data}/osv", env=self.env)

    def scan(self, name, cold=True, docker=None, checks="vulnerability"):
        """One scan with matching and every digest verified; cold: the layer cache is removed before; checks: empty for the default, all of them."""
        if self.problem:
            raise self.problem
        if cold:
            shutil.rmtree(f"{self.home}/cache", ignore_errors=True)
        env = dict(self.env, DOCKER_HOST=docker) if docker else self.env
        # 1 is a threshold crossed, 3 an incomplete answer: both are answers, and the table shows the code.
        # The peer is asked for packages only, and our other checks have a benchmark of their own.
        sample = run([OURS, "scan", name, "--json", *(["--checks", checks] if checks else [])], self.work, env, accept=(0, 1, 3), name="ours")
        try:
            with open(sample.out, encoding="utf-8") as f:
                report = json.load(f)
        except ValueError as cause:
            raise Failed(f"plimsoll scan {name}: the report is no JSON: {cause}") from None
        report = (report.get("reports") or [{}])[0]
        if report.get("verified") is not True:
            raise Failed(f"plimsoll scan {name}: the report does not say verified")
        traced = re.search(r"hashed (\d+) bytes", open(sample.out[:-4] + ".err").read())
        sample.hashed = int(traced[1]) if traced else None
        sample.packages, sample.findings = len(report.get("packages") or []), len(report.get("findings") or [])
        return sample


    def bom(self, image, components):
        """A CycloneDX document of so many of the image's packages, spread over all of its kinds."""
        path = f"{self.work}/bom.cdx.json"
        step("a bill of materials", OURS, "sbom", image, "--output", f"cyclonedx={path}", "-q", env=self.env)
        with open(path, encoding="utf-8") as f:
            bom = json.load(f)
        all_of_them = [c for c in bom["components"] if c["type"] == "library"]
        if len(all_of_them) < components:
            raise Failed(f"the image has {len(all_of_them)} packages; wanted {components}")
        bom["components"] = [c for c in bom["components"] if c["type"] != "library"] + [all_of_them[i * len(all_of_them) // components] for i in range(components)]
        kept = {c.get("bom-ref") for c in bom["components"]}
        bom["dependencies"] = [d for d in bom.get("dependencies", []) if d.get("ref") in kept]
        with open(path, "w", encoding="utf-8") as f:
            json.dump(bom, f, separators=(",", ":"))
        return path

    def scan_bom(self, path):
        """The whole process: the document read, every package matched, the report written. Nothing of an earlier run is used."""
        if self.problem:
            raise self.problem
        sample = run([OURS, "scan", f"sbom:{path}", "--json"], self.work, self.env, accept=(0, 1, 3), name="bom")
        with open(sample.out, encoding="utf-8") as f:
            report = json.load(f)["reports"][0]
        sample.packages, sample.findings = len(report["packages"]), len(report["findings"])
        if sample.packages != COMPONENTS or not sample.findings:
            raise Failed(f"the report has {sample.packages} packages and {sample.findings} findings")
        return sample


class Trivy:
    """Trivy 0.44.1 with a copy of the prepared cache, so that the folder of peers stays as it is."""

    def __init__(self, work, peers):
        self.work, self.program, self.cache = work, f"{peers}/trivy", f"{work}/trivy-cache"
        shutil.copytree(f"{peers}/trivy-cache", self.cache, ignore=shutil.ignore_patterns("fanal"))

    def scan(self, *image, cold=True, docker=None, packages=True):
        """packages: whether the image has some of a distribution; without any the peer would have seen nothing."""
        if cold:
            shutil.rmtree(f"{self.cache}/fanal", ignore_errors=True)
        env = dict(os.environ, TMPDIR=self.work)
        if docker:
            env["DOCKER_HOST"] = docker
        sample = run([self.program, "--cache-dir", self.cache, "image", *image, "--format", "cyclonedx", "--skip-db-update",
                      "--skip-java-db-update", "--offline-scan", "-q"], self.work, env, name="trivy")
        with open(sample.out, encoding="utf-8") as f:
            components = json.load(f).get("components") or []
        sample.packages = sum(1 for c in components if c.get("purl", "").startswith(("pkg:deb/", "pkg:apk/")))
        if packages and not sample.packages:
            raise Failed("Trivy found no OS package; it did not see the image")
        return sample


class Daemon:
    """A dockerd of our own with its own data and socket; stopped, and its data removed, on exit."""

    def __init__(self, work):
        self.work, self.data = work, f"{work}/docker"
        # A socket's path may have 108 bytes at most, and the cache folder may be deep.
        self.run = tempfile.mkdtemp(prefix="plb-")
        self.host = f"unix://{self.run}/docker.sock"

    def __enter__(self):
        if not shutil.which("dockerd"):
            raise Failed("no dockerd; install docker.io")
        log = open(f"{self.work}/dockerd.log", "wb")
        self.process = subprocess.Popen(
            ["dockerd", "--data-root", self.data, "--exec-root", f"{self.run}/exec", "--pidfile", f"{self.run}/pid", "-H", self.host,
             "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=overlay2"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(300):
            if self.process.poll() is not None:
                self.__exit__()
                raise Failed(f"dockerd ended: {self.tail()}")
            if subprocess.run(["docker", "-H", self.host, "version"], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        else:
            self.__exit__()
            raise Failed(f"dockerd did not answer within 30 s: {self.tail()}")
        return self

    def tail(self):
        return " | ".join(open(f"{self.work}/dockerd.log", errors="replace").read().strip().splitlines()[-2:])[-300:]

    def __exit__(self, *_):
        if self.process.poll() is None:
            end(self.process)
        for point in sorted((line.split()[1] for line in open("/proc/mounts") if line.split()[1].startswith((self.data + "/", self.run + "/"))), reverse=True):
            subprocess.run(["umount", "-l", point], capture_output=True)
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.run, ignore_errors=True)


def floor(work, files):
    """Processor time of hashing (and unpacking) the same bytes, in the same run."""
    return lambda: run([f"{ROOT}/artifacts/bin/Plimsoll.Floor/release/Plimsoll.Floor", *files], work, name="floor")


def layers_of_layout(layout):
    def blob(digest):
        return f"{layout}/blobs/{digest.replace(':', '/')}"
    index = json.load(open(f"{layout}/index.json"))
    manifest = json.load(open(blob(index["manifests"][0]["digest"])))
    return [blob(layer["digest"]) for layer in manifest["layers"]]


class Table:
    HEAD = ("case", "ours s (min-max)", "peer s (min-max)", "peer/ours", "CPU s ours/peer/floor", "RSS MB ours/peer", "MB hashed", "packages ours/peer", "goal", "")

    def __init__(self):
        self.rows, self.records, self.failed = [self.HEAD], [], False

    @staticmethod
    def span(samples, digits=2):
        if not isinstance(samples, list) or not samples:
            return "failed" if isinstance(samples, Failed) else "-"
        s = [x.seconds for x in samples]
        return f"{median(s):.{digits}f} ({min(s):.{digits}f}-{max(s):.{digits}f})"

    def add(self, case, ours, peer, low, goal, met):
        """met: called when all that it needs was measured; low: the floor's samples."""
        for who, samples in (("ours", ours), ("Trivy", peer), ("the floor", low)):
            if isinstance(samples, Failed):
                self.failed = True
                print(f"bench: error: {case}: {who}: {samples}", file=sys.stderr)
        good = [s for s in (ours, peer, low) if isinstance(s, list) and s]
        def each(field):
            return "/".join(field(s) if isinstance(s, list) and s else "-" for s in (ours, peer, low))
        have = isinstance(ours, list) and ours
        ratio = f"{median([s.seconds for s in peer]) / median([s.seconds for s in ours]):.1f}x" if have and isinstance(peer, list) and peer else "-"
        try:
            verdict = ("met" if met() else "NOT MET") if have and len(good) == sum(s is not None for s in (ours, peer, low)) else "not measured"
        except Failed as cause:
            verdict = str(cause)
        hashed = getattr(ours[0], "hashed", None) if have else None
        if have and any(s.code == 3 for s in ours):
            verdict += " (exit 3: incomplete)"
        self.rows.append((case, self.span(ours), self.span(peer), ratio, each(lambda s: f"{median([x.cpu for x in s]):.2f}"),
                          each(lambda s: f"{max(x.rss for x in s) / MB:.0f}").rsplit("/", 1)[0], f"{hashed / MB:.0f}" if hashed is not None else "-",
                          "/".join(str(getattr(s[0], "packages", "-")) if isinstance(s, list) and s else "-" for s in (ours, peer)), goal, verdict))
        self.records.append({"case": case, "goal": goal, "result": verdict, **{
            who: str(s) if isinstance(s, Failed) else [vars(x) for x in s or []] for who, s in (("ours", ours), ("trivy", peer), ("floor", low))}})
        print("bench: " + " | ".join(f"{h} {v}".strip() for h, v in zip(self.HEAD, self.rows[-1]) if v != "-"), file=sys.stderr, flush=True)

    def __str__(self):
        widths = [max(len(str(r[i])) for r in self.rows) for i in range(len(self.HEAD))]
        return "\n".join("  ".join(str(c).ljust(w) for c, w in zip(r, widths)).rstrip() for r in self.rows)


def seconds(samples):
    return median([s.seconds for s in samples])


def measure(cases, runs, work, tools, data, table):
    ours = Ours(work)
    try:
        ours.prepare(data)
    except Failed as cause:
        ours.problem = cause
    step("building the floor", "dotnet", "build", f"{ROOT}/benchmarks/Plimsoll.Floor", "-c", "Release", "-v", "quiet", "--nologo")
    image, peers = f"{CACHE}/image", f"{CACHE}/peers"
    if set(cases) - {"update"}:
        step("the image", f"{tools}/bench-image", image)
    if set(cases) - {"update", "sbom"}:
        step("the peer", f"{tools}/peers", peers)
        trivy = Trivy(work, peers)
    tar, layout = f"{image}/image.tar", f"{image}/oci"

    if "tar" in cases:
        o, p, f = interleave(runs, lambda: ours.scan(f"docker-archive:{tar}"), lambda: trivy.scan("--input", tar), floor(work, [tar]))
        table.add("docker-save tar, cold", o, p, f, "2x faster, 200 MB", lambda: seconds(p) >= 2 * seconds(o) and max(s.rss for s in o) <= 200 * MB)
    if "oci" in cases:
        o, p, f = interleave(runs, lambda: ours.scan(f"oci:{layout}"), lambda: trivy.scan("--input", layout), floor(work, layers_of_layout(layout)))
        table.add("OCI gzip layout, cold", o, p, f, "2x faster, CPU 1.5x floor, 200 MB",
                  lambda: seconds(p) >= 2 * seconds(o) and median([s.cpu for s in o]) <= 1.5 * median([s.cpu for s in f]) and max(s.rss for s in o) <= 200 * MB)
    if "warm" in cases:
        for name, ref, source in (("tar", f"docker-archive:{tar}", tar), ("OCI layout", f"oci:{layout}", layout)):
            o, p = interleave(runs, lambda: ours.scan(ref, cold=False), lambda: trivy.scan("--input", source, cold=False))
            table.add(f"{name}, all layers known", o, p, None, "0.15 s", lambda: seconds(o) <= 0.15)
        o, = interleave(runs, lambda: ours.scan(f"docker-archive:{tar}", cold=False, checks=""))
        table.add("tar, all layers known, every check", o, None, None, "0.15 s", lambda: seconds(o) <= 0.15)
    if "sbom" in cases:
        # No peer: Trivy reads a bill of materials only with an advisory database of its own, which is not here.
        try:
            bom = ours.bom(f"docker-archive:{tar}", COMPONENTS)
            o, = interleave(max(runs, BOM_RUNS), lambda: ours.scan_bom(bom))
        except Failed as cause:
            o = cause
        table.add(f"sbom of {COMPONENTS} components", o, None, None, "0.15 s", lambda: seconds(o) <= 0.15)
    if "daemon" in cases:
        o = p = None
        try:
            with Daemon(work) as daemon:
                step("loading the image into a dockerd of our own", "docker", "-H", daemon.host, "load", "-i", tar)
                o, p = interleave(runs, lambda: ours.scan(f"docker:{IMAGE}", docker=daemon.host), lambda: trivy.scan(IMAGE, docker=daemon.host))
                table.add("local daemon, cold", o, p, None, "10x faster, 200 MB", lambda: seconds(p) >= 10 * seconds(o) and max(s.rss for s in o) <= 200 * MB)
        except Failed as cause:
            table.add("local daemon, cold", cause, None, None, "10x faster, 200 MB", lambda: False)
    if "files" in cases:
        many = f"{CACHE}/files/image.tar"
        if not os.path.exists(many):
            os.makedirs(os.path.dirname(many), exist_ok=True)
            step(f"an image of {FILES} files", sys.executable, f"{ROOT}/benchmarks/many_files.py", many, str(FILES))
        o, p, f = interleave(runs, lambda: ours.scan(f"docker-archive:{many}"), lambda: trivy.scan("--input", many, packages=False), floor(work, [many]))
        table.add(f"{FILES // 1000000} million small files, cold", o, p, f, "500 MB", lambda: max(s.rss for s in o) <= 500 * MB)
    if "update" in cases:
        osv = f"{CACHE}/osv"
        try:
            if not os.path.exists(f"{osv}/complete"):
                shutil.rmtree(osv, ignore_errors=True)
                if not os.path.exists(f"{ROOT}/benchmarks/make-osv"):
                    raise Failed("benchmarks/make-osv is not in this tree")
                step(f"{RECORDS} OSV records", f"{ROOT}/benchmarks/make-osv", osv, str(RECORDS))
                open(f"{osv}/complete", "w").close()

            def update():
                if ours.problem:
                    raise ours.problem
                home = f"{work}/home-update"
                shutil.rmtree(home, ignore_errors=True)
                return run([OURS, "db", "update", "--source", osv], work, dict(ours.env, PLIMSOLL_HOME=home), name="update")
            o, = interleave(runs, update)
        except Failed as cause:
            o = cause
        table.add(f"db update, {RECORDS} records", o, None, None, "30 s, 300 MB", lambda: seconds(o) <= 30 and max(s.rss for s in o) <= 300 * MB)
    return ours.version


def main():
    parser = argparse.ArgumentParser(prog="./bench scan", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--case", action="append", choices=CASES)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: error: needs root (to build the image, and for a dockerd of its own)")
    base = shared()
    os.makedirs(CACHE, exist_ok=True)
    table, cases = Table(), options.case or CASES
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    start, version = time.gmtime(), "unknown"
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="work-") as work:
        try:
            version = measure(cases, options.runs, work, f"{base}/tools", f"{base}/data", table)
        except Failed as cause:
            table.failed = True
            print(f"bench: error: {cause}", file=sys.stderr)
    print(f"\n{time.strftime('%Y-%m-%d %H:%M UTC', start)}, {cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, plimsoll {version}")
    print(f"{options.runs} runs each, in turn, after one that is not counted; median (min-max); RSS is the largest of the runs.")
    print("Peer: Trivy 0.44.1 of August 2023. It verifies no digests and, without an advisory database here, matches nothing; ours does both.")
    print("Floor: GZipStream + SHA-256 over the same bytes, one thread.\n")
    print(table)
    if options.runs < 5:
        print("\nFewer than 5 runs: not a figure to quote.")
    os.makedirs(f"{ROOT}/artifacts/bench", exist_ok=True)
    path = f"{ROOT}/artifacts/bench/scan-{time.strftime('%Y%m%dT%H%M%SZ', start)}.json"
    with open(path, "w") as f:
        json.dump({"cpu": cpu, "runs": options.runs, "plimsoll": version, "cases": table.records}, f, indent=1)
    print(f"\nevery sample: {os.path.relpath(path, ROOT)}")
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
