#!/usr/bin/env python3
"""How well is the article of a web page found?

usage: html_bench.py DUMP FOLDER [--trafilatura] [--worst N]

DUMP is build/tests/ingest/dump; FOLDER holds ground-truth.json ({id: {"articleBody"}}) and
html/ID.html.gz. Compares the multisets of four-word shingles of found and true text, page by page:
precision and recall are means over the pages, F1 is their harmonic mean; seconds are for all pages,
in the case of docent with a process and a sandbox for each.
"""
import argparse
import collections
import gzip
import json
import pathlib
import re
import subprocess
import tempfile
import time


def shingles(text, n=4):
    words = re.findall(r"\w+", text or "")
    if not words:
        return collections.Counter()
    return collections.Counter(tuple(words[i:i + n]) for i in range(max(1, len(words) - n + 1)))


def compare(found, true):
    a, b = shingles(found), shingles(true)
    both = sum((a & b).values())
    precision = both / sum(a.values()) if a else (0.0 if b else 1.0)
    recall = both / sum(b.values()) if b else 1.0
    return precision, recall


def report(name, pairs, seconds, worst):
    scores = {key: compare(found, true) for key, (found, true) in pairs.items()}
    precision = sum(p for p, _ in scores.values()) / len(scores)
    recall = sum(r for _, r in scores.values()) / len(scores)
    f1 = 2 * precision * recall / (precision + recall)
    print(json.dumps({"name": name, "pages": len(scores), "f1": round(f1, 4), "precision": round(precision, 4),
                      "recall": round(recall, 4), "seconds": round(seconds, 2)}))
    for key in sorted(scores, key=lambda k: sum(scores[k]))[:worst]:
        print("  %.3f %.3f %s" % (*scores[key], key))


def run_docent(dump, html):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "page.html")
        path.write_bytes(html)
        out = subprocess.run([dump, path], capture_output=True, text=True, check=False).stdout
    lines = [re.sub(r"^(H\d|[PLTCFK]) (• )?", "", line) for line in out.splitlines() if line[:1] in "HPLTCFK"]
    return "\n".join(lines).replace("⏎", "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("folder")
    parser.add_argument("--trafilatura", action="store_true")
    parser.add_argument("--worst", type=int, default=0)
    options = parser.parse_args()
    truth = json.loads(pathlib.Path(options.folder, "ground-truth.json").read_text())
    pages = {key: gzip.open(pathlib.Path(options.folder, "html", key + ".html.gz")).read() for key in truth}
    readers = {"docent": lambda html: run_docent(options.dump, html)}
    if options.trafilatura:
        import trafilatura
        readers["trafilatura " + trafilatura.__version__] = lambda html: trafilatura.extract(
            html, include_comments=False)
    for name, read in readers.items():
        start = time.monotonic()
        found = {key: read(html) for key, html in pages.items()}
        seconds = time.monotonic() - start
        report(name, {key: (found[key], truth[key]["articleBody"]) for key in truth}, seconds, options.worst)


main()
