"""./plimsoll quote and its check beside the bare TPM commands, PCR extend beside a round trip, an IMA log of 10 000 lines; all on swtpm

usage: ./bench tpm [--runs N] [--no-build]        default: 15 rounds of 20 quotes and 200 extends each; --no-build takes what was built and published before
The bare side sends the same bytes as ours over a blocking socket, and checks the one signature. tpm2-tools are told besides, as processes.
Needs swtpm and tpm2-tools. Exit code 0 when it ran, 1 when it failed; a goal that is not met is said, not failed.
"""
import argparse, os, socket, subprocess, sys, tempfile, time
from bench_scan import CACHE, OURS, ROOT, Failed, step
from measure import interleave, median, run

QUOTE_GOAL, EXTEND_GOAL, IMA_GOAL = 1.5, 2.0, 0.050
NONCE = "00112233445566778899aabbccddeeff"
PROGRAM = f"{ROOT}/artifacts/bin/Plimsoll.TpmBench/release/Plimsoll.TpmBench"


class Swtpm:
    """One of our own: own folder, own ports, ended by its id."""
    def __init__(self, work):
        os.makedirs(f"{work}/tpm")
        for _ in range(20):
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                port = one.getsockname()[1]
            self.process = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={work}/tpm", "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
                "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1", "--flags", "not-need-init,startup-clear"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(100):
                time.sleep(0.02)
                with socket.socket() as probe:
                    if self.process.poll() is not None:
                        break
                    if probe.connect_ex(("127.0.0.1", port + 1)) == 0:
                        self.address = f"swtpm:host=127.0.0.1,port={port}"
                        return
            self.process.kill()
            self.process.wait()
        raise Failed("swtpm did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def processes(runs, tpm, work):
    """A quote and its check as whole processes, ours and tpm2-tools'."""
    env = dict(os.environ, PLIMSOLL_HOME=f"{work}/home", PLIMSOLL_TPM=tpm.address, TPM2TOOLS_TCTI=tpm.address, LC_ALL="C")
    step("an identity", OURS, "quote", "identity", "--ek", "rsa-2048", "-o", f"{work}/host.json", env=env)
    ours = f"{OURS} quote --nonce {NONCE} --pcrs sha256:0-7,10 --boot-log none --ima-log none -o quote.json && {OURS} quote verify quote.json --nonce {NONCE} --known host.json"
    theirs = ("tpm2_createprimary -Q -C e -G ecc256:ecdsa-sha256:null -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign|noda' -c ak.ctx && "
              f"tpm2_quote -Q -c ak.ctx -l sha256:0,1,2,3,4,5,6,7,10 -q {NONCE} -m q.msg -s q.sig -o q.pcrs -g sha256 && tpm2_readpublic -Q -c ak.ctx -f pem -o ak.pem && "
              f"tpm2_flushcontext -t && tpm2_checkquote -Q -u ak.pem -m q.msg -s q.sig -f q.pcrs -g sha256 -q {NONCE}")
    shell = lambda text, name: lambda: run(["sh", "-c", f"cd {work} && {text}"], work, env, name=name)
    return interleave(runs, shell(ours, "ours"), shell(theirs, "theirs"))


def main():
    parser = argparse.ArgumentParser(prog="./bench tpm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--no-build", action="store_true")
    options = parser.parse_args()
    os.makedirs(CACHE, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="work-") as work:
            if not options.no_build:
                step("publishing", f"{ROOT}/publish")
                step("building", "dotnet", "build", f"{ROOT}/benchmarks/Plimsoll.TpmBench", "-c", "Release", "-v", "quiet", "--nologo")
            with Swtpm(work) as tpm:
                lines = step("measuring", PROGRAM, tpm.address, str(options.runs))
                whole = processes(options.runs, tpm, work)
    except (Failed, FileNotFoundError) as cause:
        sys.exit(f"bench: error: {cause}")
    rows = {name: (float(ours), float(bare)) for name, ours, bare in (line.split() for line in lines.strip().splitlines())}
    print("\nMedians, microseconds; in one process, the two sides in turn.\n")
    for name, text, goal in (("quote", "quote, written, read and checked; bare: the same commands and one ECDSA check", QUOTE_GOAL),
                             ("extend", "PCR extend; bare: the same command", EXTEND_GOAL),
                             ("round-trip", "PCR extend; bare: a round trip that asks for one property", EXTEND_GOAL)):
        ours, bare = rows[name]
        print(f"{text}: ours {ours:.0f}, bare {bare:.0f}: {ours / bare:.2f}x, goal {goal:.1f}x: {'met' if ours <= goal * bare else 'NOT MET'}")
    ima = rows["ima"][0] / 1e6
    print(f"IMA log of 10 000 lines, parsed and replayed: {ima * 1000:.1f} ms, goal {IMA_GOAL * 1000:.0f} ms: {'met' if ima < IMA_GOAL else 'NOT MET'}")
    for name, samples in zip(("plimsoll quote and quote verify", "tpm2-tools: createprimary, quote, readpublic, flush, checkquote"), whole):
        print(f"{name}, as processes: {samples if isinstance(samples, Failed) else f'{median([s.seconds for s in samples]) * 1000:.0f} ms'}")


if __name__ == "__main__":
    main()
