#!/usr/bin/env python3
"""How much of the text of a PDF is found, and in what order?

usage: pdf_bench.py DUMP FOLDER [--worst N]

DUMP is build/tests/ingest/dump; FOLDER holds NAME.pdf beside NAME.pdf.txt and NAME.pdf-sorted.txt,
two readings that are both right (by content, by position): the better match counts, for docent as
for pdftotext. Words are compared without punctuation and case, ligatures and presentation forms as
the letters they stand for; F1 over the multisets of words, order as the share of the expected words
in the longest runs that difflib finds in sequence.
"""
import argparse
import collections
import difflib
import pathlib
import re
import statistics
import subprocess
import unicodedata


def words(text):
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())


def f1(found, true):
    both = sum((collections.Counter(found) & collections.Counter(true)).values())
    return 2 * both / (len(found) + len(true)) if found or true else 1.0


def order(found, true):
    blocks = difflib.SequenceMatcher(None, found, true, autojunk=False).get_matching_blocks()
    return sum(b.size for b in blocks) / len(true) if true else 1.0


def docent(dump, path):
    lines = subprocess.run([dump, path], capture_output=True, text=True).stdout.splitlines()
    kept = [line.split(" ", 1)[-1] for line in lines if not line.startswith(("# ", "= ", "X "))]
    return "\n".join(kept).replace("⏎", "\n")


def pdftotext(path):
    return subprocess.run(["pdftotext", "-q", path, "-"], capture_output=True).stdout.decode(
        errors="replace")


def score(text, expected):
    found = words(text)
    return max((f1(found, true), order(found, true)) for true in expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dump")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--worst", type=int, default=0)
    options = parser.parse_args()
    rows = []
    for path in sorted(options.folder.glob("*.pdf")):
        truths = [path.with_name(path.name + end) for end in (".txt", "-sorted.txt")]
        expected = [words(t.read_text(errors="replace")) for t in truths if t.exists()]
        if expected:
            rows.append((path.name, score(docent(options.dump, path), expected),
                         score(pdftotext(path), expected)))
    for i, name in ((1, "docent"), (2, "pdftotext")):
        print(f"{name:10} {len(rows)} files  F1 median {statistics.median(r[i][0] for r in rows):.3f}"
              f" mean {statistics.mean(r[i][0] for r in rows):.3f}"
              f"  order median {statistics.median(r[i][1] for r in rows):.3f}"
              f" mean {statistics.mean(r[i][1] for r in rows):.3f}")
    for name, ours, theirs in sorted(rows, key=lambda row: row[1][0])[:options.worst]:
        print(f"  {ours[0]:.3f} {ours[1]:.3f}  (pdftotext {theirs[0]:.3f} {theirs[1]:.3f})  {name}")


if __name__ == "__main__":
    main()
