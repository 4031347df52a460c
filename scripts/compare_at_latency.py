#!/usr/bin/env python3
"""Compares a network with another one that is scaled in width until both take equally long, trained with equal recipes.

    compare_at_latency.py FOUND.yaml BASELINE.yaml --data FOLDER --recipe FILE.json --out results.jsonl

In three steps, which are not done again where their results are there. Those of the last two are lines of JSON in `--out`,
which `mnasc report --measured` reads.

1. The widths of BASELINE that give different networks are timed in turn with FOUND, as whole networks. The one whose time
   is nearest is taken; where that is more than 3 % away, the nearest of the slower ones, so that what is left is to
   BASELINE's advantage. Its spec is written beside `--out`.
2. Both are trained with the seeds 0, 1, ... in turn, on all training pictures, and judged once, on the test pictures.
3. Both are timed in turn again, more often.

Then it prints the difference of the mean accuracies with its 95 % interval (Welch: unequal variances), and both latencies.
Needs mnasc with the feature `train`, and nothing else.
"""

import argparse
import json
import math
import pathlib
import re
import statistics
import subprocess


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("found", type=pathlib.Path)
    parser.add_argument("baseline", type=pathlib.Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--mnasc", default="mnasc")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=15, help="of the last timing; the first has 3")
    args = parser.parse_args()
    results = Results(args.out)

    scaled = match(args)
    networks = [args.found, scaled]
    for seed in range(args.seeds):
        for spec in networks:
            if results.find(name=name_of(spec), seed=seed) is None:
                results.add(train(args, spec, seed))
    if results.find(what="latency", name=name_of(scaled)) is None:
        for line in time(args, networks, args.rounds):
            results.add({"what": "latency", **line})
    report(results, networks)


class Results:
    """What was found so far, in a file that grows by a line whenever something is."""

    def __init__(self, path):
        self.path = path
        text = path.read_text() if path.exists() else ""
        # What was being written when it was killed is found again.
        complete = text[: text.rfind("\n") + 1]
        self.lines = [json.loads(line) for line in complete.splitlines()]
        if complete != text:
            path.write_text(complete)

    def add(self, line):
        print(json.dumps(line), flush=True)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.lines.append(line)

    def all(self, **wanted):
        return [line for line in self.lines if wanted.items() <= line.items()]

    def find(self, **wanted):
        return next(iter(self.all(**wanted)), None)


def mnasc(args, *words):
    done = subprocess.run([args.mnasc, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def name_of(spec):
    return re.search(r"^name: *(\S+)", spec.read_text(), re.MULTILINE).group(1)


def match(args):
    """The spec of the baseline at the width that takes as long as the network that was found."""
    scaled, tried = (args.out.parent / f"{args.baseline.stem}_{what}.yaml" for what in ("scaled", "tried"))
    if scaled.exists():
        return scaled
    widths = {}
    for width in (step / 32 for step in range(2, 97)):
        counts = json.loads(mnasc(args, "summary", at_width(args.baseline, width, tried), "--json"))
        # Roundings make one network of several widths.
        widths.setdefault((counts["macs"], counts["parameters"]), width)
    ratios = {}
    for _, width in sorted(widths.items()):
        found, base = time(args, [args.found, at_width(args.baseline, width, tried)], 3)
        ratios[width] = base["ratio_to_first"]
        print(f"width {width}: {base['median_ms'] * 1e3:.2f} us, {ratios[width]:.3f} of the other's", flush=True)
        if ratios[width] > 1.5:
            break
    tried.unlink()
    width = min(ratios, key=lambda width: abs(ratios[width] - 1))
    slower = [width for width in ratios if ratios[width] >= 1]
    if abs(ratios[width] - 1) > 0.03 and slower:
        width = min(slower, key=ratios.get)
    return at_width(args.baseline, width, scaled)


def at_width(baseline, width, to):
    """Writes the baseline with the filters of stem and blocks scaled, to multiples of 4; the head stays, as MobileNetV2's."""
    body, head = re.split(r"(?m)^(?=head:)", baseline.read_text())
    scaled = lambda match: f"filters: {max(4, 4 * round(int(match[1]) * width / 4))}"
    to.write_text(re.sub(r"filters: (\d+)", scaled, body) + head)
    return to


def time(args, specs, rounds):
    """Each spec's median, and the range over rounds, in which they are timed in turn."""
    rows = [[json.loads(mnasc(args, "bench", spec, "--runs", 5000, "--json")) for spec in specs] for _ in range(rounds)]
    lines = []
    for at, spec in enumerate(specs):
        times = [row[at]["median_ms"] for row in rows]
        ratios = [row[at]["median_ms"] / row[0]["median_ms"] for row in rows]
        lines.append({
            "name": name_of(spec),
            "median_ms": statistics.median(times),
            "min_ms": min(times),
            "max_ms": max(times),
            "ratio_to_first": statistics.median(ratios),
            "isa": rows[0][at]["isa"],
            "rounds": rounds,
        })
    return lines


def train(args, spec, seed):
    words = ["--data", args.data, "--recipe", args.recipe, "--held-out", 0, "--seed", seed, "--json"]
    result = json.loads(mnasc(args, "train", spec, *words).splitlines()[-1])
    return {
        "name": name_of(spec),
        "seed": seed,
        "accuracy": result["test"]["accuracy"],
        "epochs": result["recipe"]["epochs"],
        "seconds": round(result["seconds"], 1),
    }


def report(results, networks):
    names = [name_of(spec) for spec in networks]
    accuracies = [[line["accuracy"] for line in results.all(name=name) if "seed" in line] for name in names]
    for name, values in zip(names, accuracies):
        latency = results.find(what="latency", name=name)
        print(
            f"{name}: {latency['median_ms'] * 1e3:.2f} us ({latency['min_ms'] * 1e3:.2f} to {latency['max_ms'] * 1e3:.2f}), "
            f"accuracy {100 * statistics.mean(values):.2f} %, sd {100 * statistics.stdev(values):.2f}, "
            f"of {len(values)} seeds: {' '.join(f'{100 * value:.2f}' for value in values)}"
        )
    difference, half = welch(*accuracies)
    print(f"difference {100 * difference:+.2f} points, 95 % from {100 * (difference - half):+.2f} to {100 * (difference + half):+.2f}")
    ratio = results.find(what="latency", name=names[1])["ratio_to_first"]
    print(f"{names[1]} takes {ratio:.3f} of the time of {names[0]}")


def welch(a, b):
    """Difference of means, and half of its 95 % interval."""
    parts = [statistics.variance(values) / len(values) for values in (a, b)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return statistics.mean(a) - statistics.mean(b), 0.0
    freedom = sum(parts) ** 2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, (a, b)))
    return statistics.mean(a) - statistics.mean(b), student(freedom) * error


def student(freedom):
    """The 97.5 % point of Student's t: 2.776 for 4 degrees of freedom, 2.306 for 8."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def within(t, steps=2000):
        # Simpson's rule from 0 to t.
        density = lambda x: scale * (1 + x * x / freedom) ** (-(freedom + 1) / 2)
        inner = sum((4 if step % 2 else 2) * density(t * step / steps) for step in range(1, steps))
        return (density(0) + inner + density(t)) * t / steps / 3

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) < 0.475 else (low, middle)
    return (low + high) / 2


if __name__ == "__main__":
    main()
