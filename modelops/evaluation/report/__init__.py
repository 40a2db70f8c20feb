"""One self-contained report of an evaluation: the paper's figures and tables for our data. No Django.

metrics (docs/evaluation.md) → sections.py: what is shown, as data → drawing.py: SVG by matplotlib → page.py: HTML.
Only drawing.py imports matplotlib: a process that shows stored drawings need not load it.
"""
