"""Recall of the rules for secrets on planted items of others' form, and every false positive on clean trees.

The labels are not ours: each rule of gitleaks' published rule file gives one secret, made from its expression with random
characters; they are planted in a folder, one file each, and `plimsoll scan --checks secret` must find them. The clean sides
are folders and archives in which nobody put a secret: a full Debian root, an image with node_modules. What is found there
is printed line by line. Secrets are made when this runs and are never written to the repository.
"""
import argparse
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


def scan(plimsoll, target):
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run([plimsoll, "scan", "--no-cache", "--checks", "secret", "--json", target], capture_output=True, env={**os.environ, "PLIMSOLL_HOME": home})
        if done.returncode not in (0, 1, 3):
            sys.exit(f"bench: error: plimsoll exited with {done.returncode}: {done.stderr.decode()[:400]}")
        return json.loads(done.stdout)["reports"][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plimsoll", default=os.path.join(ROOT, "artifacts/bin/Plimsoll.Cli/release/plimsoll"))
    parser.add_argument("--data", default=os.environ.get("PLIMSOLL_SHARED_DATA") or os.path.join(ROOT, "..", "shared", "data"), help="folder that holds secrets/gitleaks.toml")
    parser.add_argument("--clean", action="append", default=[], help="an image or dir:FOLDER without secrets; repeatable")
    parser.add_argument("--expect", action="append", default=[], help="path that does hold a planted secret on a clean side; repeatable")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
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


if __name__ == "__main__":
    main()
