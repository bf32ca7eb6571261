"""./plimsoll measure on a host's unpacked image beside the floor (both hashes over the same bytes in memory) and sha384sum;
./plimsoll verify of one image in a layout beside a process that does nothing

usage: ./bench measure [--runs N] [--small] [--case NAME]…        default: 5 runs, both cases
cases: store      an image in the store of a dockerd of our own
       verify     one image as plimsoll sign leaves it in an OCI layout, by a policy of one key; 20 runs at least
--small: for the store an image of some 300 MB that is made here, for a look; figures are quoted of the large one
environment: as of ./bench scan; about 4 GB for the daemon's data. Needs root.
Exit code 0 when it ran, 1 when it failed; a goal that is not met is said, not failed.
"""
import argparse, hashlib, io, json, os, random, subprocess, sys, tarfile, tempfile, time
from bench_scan import CACHE, IMAGE, MB, OURS, ROOT, Daemon, Failed, shared, step
from measure import Sample, interleave, median, run

GOAL = 0.8
VERIFY_GOAL = 0.080
VERIFY_RUNS = 20
CASES = ("store", "verify")
NOTHING = f"{ROOT}/artifacts/bench/nothing/Plimsoll.Floor"
FLOOR = f"{ROOT}/artifacts/bin/Plimsoll.Floor/release/Plimsoll.Floor"


def small_image(path):
    """A docker-save archive: four layers, 12 000 files of 4 KB to 2 MB."""
    chance, layers, names = random.Random(5), [], []
    noise = chance.randbytes(2 << 20)
    with tarfile.open(path, "w") as archive:
        def add(name, content):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for n, (files, most) in enumerate(((300, 1 << 20), (9000, 16 << 10), (2600, 32 << 10), (60, 2 << 20))):
            tar = io.BytesIO()
            with tarfile.open(fileobj=tar, mode="w") as layer:
                for i in range(files):
                    size = chance.randrange(most)
                    start = chance.randrange(len(noise) - size + 1)
                    info = tarfile.TarInfo(f"srv/{n}/{i // 200}/{i}")
                    info.size = size
                    layer.addfile(info, io.BytesIO(noise[start:start + size]))
            layers.append("sha256:" + hashlib.sha256(tar.getvalue()).hexdigest())
            names.append(f"{n}/layer.tar")
            add(names[-1], tar.getvalue())
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": layers}}).encode()
        config_name = hashlib.sha256(config).hexdigest() + ".json"
        add(config_name, config)
        add("manifest.json", json.dumps([{"Config": config_name, "RepoTags": [IMAGE], "Layers": names}]).encode())


def unpacked_files(data, work):
    """Every regular file of the store's layers, for xargs; nothing else is in this store."""
    path, count = f"{work}/files", 0
    with open(path, "wb") as out:
        for folder, _, names in os.walk(f"{data}/overlay2".encode()):
            if b"/diff" in folder:
                for name in names:
                    full = folder + b"/" + name
                    if os.path.isfile(full) and not os.path.islink(full):
                        out.write(full + b"\0")
                        count += 1
    return path, count


def span(samples):
    if isinstance(samples, Failed):
        return f"failed: {samples}"
    s = [x.seconds for x in samples]
    return f"{median(s):.2f} ({min(s):.2f}-{max(s):.2f})"


def measure(runs, archive, work):
    env = dict(os.environ, PLIMSOLL_HOME=f"{work}/home", LC_ALL="C")
    cores = len(os.sched_getaffinity(0))
    with Daemon(work) as daemon:
        env["DOCKER_HOST"] = daemon.host
        step("loading the image into a dockerd of our own", "docker", "-H", daemon.host, "load", "-i", archive)
        files, count = unpacked_files(daemon.data, work)

        def ours(*options):
            sample = run([OURS, "measure", "--no-store", "--json", *options, IMAGE], work, env, name="ours")
            image = json.load(open(sample.out))["images"][0]
            if image["unpacked"] != "same":
                raise Failed(f"the unpacked files were not compared: {image['unpacked']}")
            sample.bytes = sum(layer["bytes"] for layer in image["measurement"]["layers"])
            return sample
        bytes_ = ours().bytes

        def floor():
            sample = run([FLOOR, "--measure", str(bytes_), str(cores)], work, name="floor")
            # Its own clock: neither its start nor the filling of its memory belongs to it.
            return Sample(float(open(sample.out).read()), sample.cpu, sample.rss, 0, sample.out)

        def sums():
            return run(["sh", "-c", f"xargs -0 -n 400 -P {cores} sha384sum < {files} > /dev/null"], work, name="sums")
        o, f, s = interleave(runs, ours, floor, sums)
    return o, f, s, bytes_, count, cores


def nothing():
    """A program that ends at once, published as ours is: one file, trimmed, compiled ahead of time."""
    step("publishing a program that does nothing", "dotnet", "publish", f"{ROOT}/benchmarks/Plimsoll.Floor", "-c", "Release", "-r", "linux-x64", "--self-contained",
         "-p:ArtifactsPivots=nothing", "-p:PublishReadyToRun=true", "-p:PublishTrimmed=true", "-p:PublishSingleFile=true", "-p:DebugType=none",
         f"-p:NuGetLockFilePath={ROOT}/artifacts/bench/nothing.lock.json", "-p:RestoreLockedMode=false", "-p:InvariantGlobalization=true", "-o", os.path.dirname(NOTHING), "-v", "quiet", "--nologo")


def signed_layout(work, env):
    """A layout with one small image and what plimsoll sign puts beside it: a signature and three statements. And the policy."""
    layer, config = io.BytesIO(), None
    with tarfile.open(fileobj=layer, mode="w") as tar:
        info = tarfile.TarInfo("etc/motd")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    diff_id = "sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff_id]}}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": ["registry.example/team/app:1"], "Layers": ["0/layer.tar"]}]).encode()
    with tarfile.open(f"{work}/one.tar", "w") as archive:
        for path, content in ((name, config), ("0/layer.tar", layer.getvalue()), ("manifest.json", manifest)):
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    open(f"{work}/open.yaml", "w").write("policy: 1\nname: open\ninspection: {missing: ignore, incomplete: ignore, old: ignore}\ndatabase: {missing: ignore, old: ignore}\n"
        "vulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}\n")
    open(f"{work}/policy.yaml", "w").write("policy: 1\nname: bench\ntrust:\n  keys: {release: {file: release.pub}}\n  images:\n"
        "  - names: [\"registry.example/**\"]\n    signatures: {keys: [release]}\n")
    env = dict(env, PLIMSOLL_PASSPHRASE="of a benchmark")
    step("a layout", OURS, "copy", f"docker-archive:{work}/one.tar", f"oci:{work}/layout:1", "-q", env=env)
    step("a key", OURS, "key", "generate", "release", env=env)
    step("its public half", OURS, "key", "export", "release", "--public", "--output", f"{work}/release.pub", env=env)
    step("signing", OURS, "sign", f"oci:{work}/layout:1", "--key", "release", "--policy", f"{work}/open.yaml", "--identity", "registry.example/team/app", env=env)


def verify(runs, work):
    nothing()
    env = dict(os.environ, PLIMSOLL_HOME=f"{work}/verify-home", LC_ALL="C")
    signed_layout(work, env)
    image = [f"oci:{work}/layout:1", "--as", "registry.example/team/app:1", "--policy", f"{work}/policy.yaml"]

    def ours():
        sample = run([OURS, "verify", *image], work, env, name="verify")
        if "signed by 1 of 1" not in open(sample.out, encoding="utf-8").read():
            raise Failed("the image did not pass")
        return sample
    return interleave(max(runs, VERIFY_RUNS), ours, lambda: run([OURS, "--version"], work, env, name="version"), lambda: run([NOTHING, "--nothing"], work, env, name="nothing"))


def tell_verify(results):
    print(f"\nOne image in a layout, one signature and three statements, a policy of one key; {VERIFY_RUNS} runs or more in turn, median (min-max), milliseconds.\n")
    rows = [("", "process time", "wall", "RSS MB")]
    for name, samples in zip(("plimsoll verify", "plimsoll --version", "an empty .NET process, published alike"), results):
        if isinstance(samples, Failed):
            rows.append((name, f"failed: {samples}", "-", "-"))
            continue
        cpu, wall = [x.cpu * 1000 for x in samples], [x.seconds * 1000 for x in samples]
        rows.append((name, f"{median(cpu):.0f} ({min(cpu):.0f}-{max(cpu):.0f})", f"{median(wall):.0f} ({min(wall):.0f}-{max(wall):.0f})", f"{max(x.rss for x in samples) / MB:.0f}"))
    table(rows)
    if isinstance(results[0], list):
        cpu = median([x.cpu for x in results[0]])
        print(f"\nprocess time {cpu * 1000:.0f} ms, goal {VERIFY_GOAL * 1000:.0f}: {'met' if cpu <= VERIFY_GOAL else 'NOT MET'}")


def table(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    print("\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows))


def tell_store(runs, o, f, s, size, count, cores):
    print(f"\n{runs} runs each, in turn, after one that is not counted; median (min-max). {size / MB:.0f} MB of layer tars, {count} files.")
    print(f"Floor: SHA-256 and SHA-384 over as many bytes in memory, {cores} threads, nothing read, opened or compared; its own clock.\n")
    rows = [("", "seconds", "CPU s", "MB/s", "RSS MB")]
    for name, samples in (("plimsoll measure, store in place", o), ("floor", f), ("sha384sum over the same files", s)):
        good = isinstance(samples, list) and samples
        rows.append((name, span(samples), f"{median([x.cpu for x in samples]):.2f}" if good else "-",
                     f"{size / MB / median([x.seconds for x in samples]):.0f}" if good else "-", f"{max(x.rss for x in samples) / MB:.0f}" if good else "-"))
    table(rows)
    if not any(isinstance(x, Failed) for x in (o, f, s)):
        ratio = median([x.seconds for x in f]) / median([x.seconds for x in o])
        print(f"\nfloor/ours {ratio:.2f}, goal {GOAL}: {'met' if ratio >= GOAL else 'NOT MET'}; sha384sum/ours {median([x.seconds for x in s]) / median([x.seconds for x in o]):.2f}")


def main():
    parser = argparse.ArgumentParser(prog="./bench measure", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--case", action="append", choices=CASES)
    options = parser.parse_args()
    cases = options.case or CASES
    if "store" in cases and os.geteuid() != 0:
        sys.exit("bench: error: needs root (for a dockerd of its own)")
    os.makedirs(CACHE, exist_ok=True)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    start = time.gmtime()
    store = checks = None
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="work-") as work:
        try:
            version = step("publishing", f"{ROOT}/publish").strip().splitlines()[-1]
            if "verify" in cases:
                checks = verify(options.runs, work)
            if "store" in cases:
                step("building the floor", "dotnet", "build", f"{ROOT}/benchmarks/Plimsoll.Floor", "-c", "Release", "-v", "quiet", "--nologo")
                if options.small:
                    archive = f"{work}/small.tar"
                    small_image(archive)
                else:
                    archive = f"{CACHE}/image/image.tar"
                    step("the image", f"{shared()}/tools/bench-image", f"{CACHE}/image")
                store = measure(options.runs, archive, work)
        except Failed as cause:
            print(f"bench: error: {cause}", file=sys.stderr)
            return 1
    print(f"\n{time.strftime('%Y-%m-%d %H:%M UTC', start)}, {cpu}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the end, {version}")
    samples = {}
    if checks:
        tell_verify(checks)
        samples |= dict(zip(("verify", "version", "nothing"), checks))
    if store:
        tell_store(options.runs, *store)
        samples |= dict(zip(("ours", "floor", "sha384sum"), store))
    if options.runs < 5 or options.small:
        print("\nFewer than 5 runs, or the small image: not a figure to quote.")
    os.makedirs(f"{ROOT}/artifacts/bench", exist_ok=True)
    path = f"{ROOT}/artifacts/bench/measure-{time.strftime('%Y%m%dT%H%M%SZ', start)}.json"
    with open(path, "w") as out:
        json.dump({"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "runs": options.runs, "bytes": store and store[3], "files": store and store[4], **{
            who: str(x) if isinstance(x, Failed) else [vars(y) for y in x] for who, x in samples.items()}}, out, indent=1)
    print(f"\nevery sample: {os.path.relpath(path, ROOT)}")
    return 1 if any(isinstance(x, Failed) for x in samples.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
