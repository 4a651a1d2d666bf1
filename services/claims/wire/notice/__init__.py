"""The notice (核定通知): what was asked, what was found, each step with its article, the sums, and the remedies.

`notice` is the whole of it as plain text, `since` what has become of the claim, `trace_step` one step for the API.
`words` has codes in words, `found` the facts, `steps` the steps, `result`, `employer` and `sure` the parts that need
more than a sentence, `layout` the page.
"""

from services.claims.wire.notice.page import Subject, notice, since
from services.claims.wire.notice.steps import citation, step_text, trace_step

__all__ = ["Subject", "citation", "notice", "since", "step_text", "trace_step"]
