"""``python -m tests.mutants [WORD...]``: judge the mutants whose id holds every word.

Without a word: those of every kind but the further ones, and write the page, also when interrupted.
"""

from __future__ import annotations

import sys
from collections import Counter

from tests.mutants.campaign import Verdict, judge
from tests.mutants.generated import all_mutants, campaign_mutants, modules
from tests.mutants.page import PAGE, page

words = sys.argv[1:]
made = all_mutants() if words else campaign_mutants()
chosen = [mutant for mutant in made if all(word in mutant.id for word in words)]
print(f"{len(chosen)} of {len(all_mutants())} mutants", flush=True)
verdicts: list[Verdict] = []
try:
    for verdict in judge(chosen, modules()):
        verdicts.append(verdict)
        if verdict.survived:
            print(f"\nSURVIVED {verdict.id}", flush=True)
finally:
    print(dict(Counter(verdict.by or "survived" for verdict in verdicts)))
    if not words:
        PAGE.write_text(page(chosen, verdicts))
        print(f"wrote {PAGE}")
sys.exit(1 if any(verdict.survived for verdict in verdicts) else 0)
