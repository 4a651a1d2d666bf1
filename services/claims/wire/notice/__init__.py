"""The notice (核定通知): what was asked, what was found, each step with its article, the sums, and the remedies.

`notice` is the whole of it as plain text, `trace_step` one step for the API. `words` has codes in words, `found` the
facts, `steps` the steps, `result`, `employer` and `sure` the parts that need more than a sentence, `layout` the page.
"""

from services.claims.wire.notice.page import Subject, notice
from services.claims.wire.notice.steps import citation, step_text, trace_step

__all__ = ["Subject", "citation", "notice", "step_text", "trace_step"]
