"""``python -m tests.mutants [WORD...]``: judge the mutants whose id holds every word; all without a word."""

from __future__ import annotations

import sys
from collections import Counter

from tests.mutants.campaign import judge
from tests.mutants.generated import all_mutants, modules
from tests.mutants.page import PAGE, page

words = sys.argv[1:]
chosen = [mutant for mutant in all_mutants() if all(word in mutant.id for word in words)]
print(f"{len(chosen)} of {len(all_mutants())} mutants", flush=True)
verdicts = []
for verdict in judge(chosen, modules()):
    verdicts.append(verdict)
    if verdict.survived:
        print(f"\nSURVIVED {verdict.id}", flush=True)
print(dict(Counter(verdict.by or "survived" for verdict in verdicts)))
survivors = [verdict for verdict in verdicts if verdict.survived]
if not words:
    PAGE.write_text(page(chosen, verdicts))
    print(f"wrote {PAGE}")
sys.exit(1 if survivors else 0)
