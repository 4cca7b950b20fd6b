"""What a reader is worth: metrics, the report made of them, and figures.

Importing this room does not load Matplotlib; `tenfold.judging.figures` does.
"""

from tenfold.judging.report import Report, evaluate, judge

__all__ = ["Report", "evaluate", "judge"]
