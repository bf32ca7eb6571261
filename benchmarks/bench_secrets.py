"""Recall and precision of the rules for secrets on labels of others, and every false positive on clean trees.

No label is ours. The examples that other scanners carry for their own tests (tests/vectors/secrets) are planted one file each,
and each one that `plimsoll scan --checks secret` misses, or reports though its source calls it no secret, is printed. Half of
the vendors, those from n on, were kept aside while the rules were changed. Besides, each rule of gitleaks' published rule
file gives one secret, made from its expression with random characters; those are never written to the repository. Shells
that a public list tells how to open are planted likewise for the malware check, whose virus engine is not needed. The clean
sides are folders and archives in which nobody put a secret: a full Debian root, an image with node_modules.
"""
import argparse
import base64
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import tomllib

try:
    from re import _parser as sre_parse
except ImportError:  # Python before 3.11
    import sre_parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNNAMED = "config.txt"
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def plain(expression):
    """Go's expression as Python reads it: flags in the middle go, since made text need only match one of both cases."""
    expression = re.sub(r"\(\?-?[is]+\)", "", expression)
    expression = re.sub(r"\(\?-?[is]+:", "(?:", expression)
    return expression.replace("[[:alnum:]]", "[a-zA-Z0-9]").replace(r"\z", r"\Z")


def make(parsed, rng):
    """A random text that the expression matches."""
    out = []
    for op, arg in parsed:
        name = str(op)
        if name == "LITERAL":
            out.append(chr(arg))
        elif name == "NOT_LITERAL":
            out.append("a" if arg != ord("a") else "b")
        elif name == "ANY":
            # Mostly a dot whose backslash was forgotten.
            out.append(".")
        elif name == "IN":
            out.append(choose(arg, rng))
        elif name == "BRANCH":
            out.append(make(rng.choice(arg[1]), rng))
        elif name == "SUBPATTERN":
            out.append(make(arg[3], rng))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, item = arg
            count = least if least > 0 else (1 if int(most) > 0 and len(item) and str(item[0][0]) in ("LITERAL", "SUBPATTERN") and least == 0 and int(most) == 1 and rng.random() < 0.3 else 0)
            # Where the expression sets no end, it is as long as such tokens are.
            if int(most) > 1000 and least in (1, 2):
                count = 12
            elif int(most) > 2 * least and least >= 8:
                count = least + 4
            out.extend(make(item, rng) for _ in range(count))
    return "".join(out)


def choose(items, rng):
    chars = []
    negated = False
    for op, arg in items:
        name = str(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            chars.append(chr(arg))
        elif name == "RANGE":
            chars.extend(chr(c) for c in range(arg[0], arg[1] + 1))
        elif name == "CATEGORY":
            chars.extend({"CATEGORY_DIGIT": "0123456789", "CATEGORY_WORD": ALPHABET, "CATEGORY_SPACE": " "}.get(str(arg), ALPHABET))
    if negated:
        chars = [c for c in ALPHABET if c not in chars]
    good = [c for c in chars if c in ALPHABET]
    return rng.choice(good or chars or [";"])


def entropy(text):
    from math import log2
    return -sum(text.count(c) / len(text) * log2(text.count(c) / len(text)) for c in set(text)) if text else 0


def planted(rules, seed):
    """(id, file name, text) for each rule that an expression can be made from."""
    rng = random.Random(seed)
    for rule in rules:
        if "regex" not in rule:
            continue
        expression = plain(rule["regex"])
        try:
            parsed, compiled = sre_parse.parse(expression), re.compile(expression, re.I)
        except re.error as e:
            yield rule["id"], None, str(e)
            continue
        for _ in range(40):
            text = make(parsed, rng)
            match = compiled.search(text + "\n")
            if match and entropy(next((g for g in match.groups() if g), match[0])) > rule.get("entropy", 0) + 0.2:
                break
        else:
            yield rule["id"], None, "no text could be made"
            continue
        if not any(k.lower() in text.lower() for k in rule.get("keywords", [])):
            text = f"# {rule['keywords'][0]}\nTOKEN={text}" if not re.search(r"[=:]", text[:40]) else f"# {rule['keywords'][0]}\n{text}"
        elif re.fullmatch(r"[\w.+/~=-]+", text):
            text = f"TOKEN={text}"
        ending = {"freemius-secret-key": ".php", "hashicorp-tf-password": ".tf", "kubernetes-secret-yaml": ".yaml"}.get(rule["id"], ".env")
        name = "NuGet.Config" if rule["id"] == "nuget-config-password" else f"settings{ending}"
        yield rule["id"], name, text + "\n"


def scan(plimsoll, target, checks="secret"):
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run([plimsoll, "scan", "--no-cache", "--checks", checks, "--json", target], capture_output=True, env={**os.environ, "PLIMSOLL_HOME": home})
        if done.returncode not in (0, 1, 3):
            sys.exit(f"bench: error: plimsoll exited with {done.returncode}: {done.stderr.decode()[:400]}")
        return json.loads(done.stdout)["reports"][0]


def labels(folder):
    """(set, number of its line, vendor, is a secret, file name, content) for each label of the folder's tables."""
    for path in sorted(glob.glob(os.path.join(folder, "labels-*.tsv"))):
        source = os.path.basename(path)[len("labels-"):-len(".tsv")]
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                vendor, secret, name, content = line.rstrip("\n").split("\t")
                if number > 1:
                    yield source, number, vendor, secret == "true", name, base64.b64decode(content)


def held_out(source, vendor):
    """Whether a label was kept aside while the rules were changed; gitleaks' were in view from the start."""
    return source != "gitleaks" and vendor >= "n"


def judge(items, found):
    """One line of figures: recall over secrets, precision over all that was reported, both per label."""
    secrets = [i for i in items if i[1]]
    hit = sum(path in found for path, _, _ in secrets)
    false = sum(path in found for path, secret, _ in items if not secret)
    share = f"{100 * hit / len(secrets):5.1f} %" if secrets else "      -"
    exact = f"{100 * hit / (hit + false):5.1f} %" if hit + false else "      -"
    return f"recall {hit:3} of {len(secrets):3} {share}   precision {hit:3} of {hit + false:3} {exact}   ({len(items) - len(secrets)} labels are negative)"


def measure_labels(options, folder, checks):
    """Plants every label below srv/app, scans once, prints the figures by set and each error by its line in the table."""
    sets, aside = {}, {False: [], True: []}
    with tempfile.TemporaryDirectory() as root:
        for source, number, vendor, secret, name, content in labels(folder):
            name = options.name if name == UNNAMED else name
            path = f"srv/app/{len(aside[False]) + len(aside[True]):04}/{name}"
            os.makedirs(os.path.dirname(os.path.join(root, path)))
            with open(os.path.join(root, path), "wb") as file:
                file.write(content)
            item = (path, secret, (source, number, vendor, name, content))
            sets.setdefault(source, []).append(item)
            aside[held_out(source, vendor)].append(item)
        found = {p["path"]: p["rule"] for p in scan(options.plimsoll, f"dir:{root}", checks).get("problems", []) if p.get("path")}
    for source, items in sets.items():
        print(f"{checks:8} {source:15} {judge(items, found)}")
    if checks == "secret":
        print(f"{checks:8} {'seen':15} {judge(aside[False], found)}")
        print(f"{checks:8} {'held out':15} {judge(aside[True], found)}")
    for kept in aside:
        if kept and options.hide and checks == "secret":
            continue
        for path, secret, (source, number, vendor, name, content) in aside[kept]:
            if secret != (path in found):
                first = content.decode(errors="replace").strip().replace("\n", " ")
                print(f"  {'missed' if secret else 'false '} {source}:{number} {vendor} {name} {found.get(path, '')} {first[:options.show]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plimsoll", default=os.path.join(ROOT, "artifacts/bin/Plimsoll.Cli/release/plimsoll"))
    parser.add_argument("--data", default=os.environ.get("PLIMSOLL_SHARED_DATA") or os.path.join(ROOT, "..", "shared", "data"), help="folder that holds secrets/gitleaks.toml")
    parser.add_argument("--clean", action="append", default=[], help="an image or dir:FOLDER without secrets; repeatable")
    parser.add_argument("--expect", action="append", default=[], help="path that does hold a planted secret on a clean side; repeatable")
    parser.add_argument("--labels", default=os.path.join(ROOT, "tests/vectors/secrets"), help="folder of labels-*.tsv")
    parser.add_argument("--malware-labels", default=os.path.join(ROOT, "tests/vectors/malware"), help="the same of scripts that are malware")
    parser.add_argument("--name", default=UNNAMED, help="file name of labels whose source names none")
    parser.add_argument("--hide", action="store_true", help="print no error of the part that is held out")
    parser.add_argument("--show", type=int, default=24, help="characters to print of a label that is judged wrongly")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    measure_labels(options, options.labels, "secret")
    measure_labels(options, options.malware_labels, "malware")
    with open(os.path.join(options.data, "secrets", "gitleaks.toml"), "rb") as file:
        rules = tomllib.load(file)["rules"]

    with tempfile.TemporaryDirectory() as root:
        made, unmade = {}, []
        for rule, name, text in planted(rules, options.seed):
            if name is None:
                unmade.append((rule, text))
                continue
            folder = os.path.join(root, "app", rule)
            os.makedirs(folder)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
            made[rule] = f"app/{rule}/{name}"
        found = {p["path"]: p for p in scan(options.plimsoll, f"dir:{root}").get("problems", []) if p.get("path")}
    missed = [rule for rule, path in made.items() if path not in found]
    generic = [rule for rule, path in made.items() if path in found and found[path]["rule"] == "generic-secret"]
    print(f"recall   {len(made) - len(missed)} of {len(made)} planted items of gitleaks' {len(rules)} rules found ({100 * (len(made) - len(missed)) / len(made):.1f} %), {len(generic)} of them by name alone")
    for rule in missed:
        print(f"  missed {rule}")
    for rule, why in unmade:
        print(f"  not made {rule}: {why}")

    for target in options.clean:
        report = scan(options.plimsoll, target)
        problems = report.get("problems", [])
        false = [p for p in problems if (p.get("path") or p.get("place")) not in options.expect]
        print(f"clean    {target}: {len(false)} false positives, {len(problems) - len(false)} of what was planted")
        for p in false:
            print(f"  {p['severity']} {p['rule']} {p.get('path') or p.get('place')}:{p.get('line', 0)} {p.get('evidence', '')}")
        false = [p for p in scan(options.plimsoll, target, "malware").get("problems", []) if p.get("path")]
        print(f"clean    {target}: {len(false)} files called malware")
        for p in false:
            print(f"  {p['severity']} {p['rule']} {p['path']}")


if __name__ == "__main__":
    main()
