#!/usr/bin/env python3
"""Asks questions about real manuals in four languages, and counts what is answered right.

  manuals.py fetch DIR                  download the manuals of both sets (Debian packages, 0.4 GB)
  manuals.py ask DOCENT SET DIR LIBRARY [option of docent ask …]

SET is a or b; DIR is where fetch put the manuals. LIBRARY is filled when it is not there yet. An
answer is right when one of the question's patterns is in it; wrong is every other answer, so also
each to a question that the manuals do not answer."""
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# file, package, path below /usr/share
MANUALS = {
    "a": [
        ("developers-reference.pdf", "developers-reference", "developers-reference/developers-reference.pdf"),
        ("debian-edu-bookworm-manual.pdf", "debian-edu-doc-en", "debian-edu-bookworm-manual.pdf"),
        ("debian-reference.de.pdf", "debian-reference-de", "debian-reference.de.pdf"),
        ("lilypond-usage.de.pdf", "lilypond-doc-pdf-de", "usage.de.pdf"),
        ("freedombox-manual.es.pdf", "freedombox-doc-es", "es/freedombox-manual.pdf"),
        ("maint-guide.es.pdf", "maint-guide-es", "maint-guide.es.pdf"),
        ("lilypond-learning.fr.pdf", "lilypond-doc-pdf-fr", "learning.fr.pdf"),
        ("debian-faq.fr.pdf", "debian-faq-fr", "debian-faq.fr.pdf.gz"),
    ],
    "b": [
        ("gnuplot.pdf", "gnuplot-doc", "gnuplot.pdf"),
        ("R-admin.pdf", "r-doc-pdf", "R-admin.pdf"),
        ("gnucash-guide-de.pdf", "gnucash-docs", "gnucash-guide-de.pdf.gz"),
        ("texlive-de.pdf", "texlive-lang-german", "texlive-de/texlive-de.pdf"),
        ("install.fr.pdf", "installation-guide-amd64", "fr/install.fr.pdf.gz"),
        ("auto-multiple-choice.fr.pdf", "auto-multiple-choice-doc-pdf", "auto-multiple-choice.fr.pdf"),
        ("formation-latex-ul.pdf", "texlive-lang-french", "formation-latex-ul.pdf"),
        ("eyes17-es.pdf", "eyes17-manuals-es", "eyes17.pdf.gz"),
        ("FAQ-CervanTeX.pdf", "texlive-lang-spanish", "FAQ-CervanTeX.pdf"),
        ("lshort-es.pdf", "texlive-lang-spanish", "lshort-a4.pdf"),
    ],
}


def unpacked(root, end):
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if path.endswith("/" + end):
                return path
    raise SystemExit(f"{end} is not in the package: another release of Debian?")


def fetch(directory):
    for name, manuals in MANUALS.items():
        os.makedirs(os.path.join(directory, name), exist_ok=True)
        for file, package, end in manuals:
            target = os.path.join(directory, name, file)
            if os.path.exists(target):
                continue
            with tempfile.TemporaryDirectory() as work:
                subprocess.run(["apt-get", "download", "-q", package], cwd=work, check=True)
                archive = os.path.join(work, os.listdir(work)[0])
                subprocess.run(["dpkg", "-x", archive, os.path.join(work, "x")], check=True)
                path = unpacked(os.path.join(work, "x"), end)
                opener = gzip.open if path.endswith(".gz") else open
                with opener(path, "rb") as source, open(target, "wb") as copy:
                    copy.write(source.read())
            print(target)


def judge(question, answer):
    """One question's outcome."""
    answered = answer["status"] != "refused"
    right = answered and any(
        re.search(pattern, answer["answer"], re.I | re.S) for pattern in question["expected"])
    pages = {tuple(page) for page in question.get("pages", [])}
    cited = {(os.path.basename(c["document"]), c["page"]) for c in answer["citations"]}
    return {"id": question["id"], "answerable": bool(question["expected"]), "answered": answered,
            "right": right, "page": bool(pages & cited), "answer": answer["answer"],
            "confidence": answer["confidence"], "first_token_ms": answer["timings_ms"]["first_token"]}


def share(part, whole):
    return f"{part}/{whole}" + (f" = {part / whole:.2f}" if whole else "")


def report(outcomes):
    answerable = [o for o in outcomes if o["answerable"]]
    answered = [o for o in answerable if o["answered"]]
    refused = [o for o in outcomes if not o["answered"]]
    rightly = sum(not o["answerable"] for o in refused)
    print("answered right, of the answerable:", share(sum(o["right"] for o in answerable), len(answerable)))
    print("right page, of those answered:", share(sum(o["page"] for o in answered), len(answered)))
    print("wrong, of all:", share(sum(o["answered"] and not o["right"] for o in outcomes), len(outcomes)))
    print("refusals that are right:", share(rightly, len(refused)))
    print("unanswerable refused:", share(rightly, len(outcomes) - len(answerable)))
    times = [o["first_token_ms"] for o in outcomes if o["first_token_ms"] > 0]
    print(f"first word, median: {statistics.median(times):.0f} ms")


def ask(docent, name, directory, library, options):
    if not os.path.exists(library):
        subprocess.run([docent, "add", "--library", library, os.path.join(directory, name)], check=True)
    outcomes = []
    with open(os.path.join(HERE, f"questions-{name}.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            question = json.loads(line)
            command = [docent, "ask", "--json", "--library", library, *options, question["question"]]
            done = subprocess.run(command, capture_output=True, text=True)
            if not done.stdout:
                raise SystemExit(done.stderr)
            outcomes.append(judge(question, json.loads(done.stdout)))
            print(json.dumps(outcomes[-1], ensure_ascii=False), file=sys.stderr)
    report(outcomes)


if len(sys.argv) == 3 and sys.argv[1] == "fetch":
    fetch(sys.argv[2])
elif len(sys.argv) >= 6 and sys.argv[1] == "ask" and sys.argv[3] in MANUALS:
    ask(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5], sys.argv[6:])
else:
    raise SystemExit(__doc__)
