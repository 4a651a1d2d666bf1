"""Law as data: parameters by date, each with its citation, in the shape that OpenFisca reads.

- `values`: what a value may be: units, key dates, statuses, and the text of each.
- `model`: a parameter: its values by date, each with its citation and how sure it is.
- `content`: the canonical text that is hashed, stored, and restored from.
- `compiled`: the whole law, and the law compiled for the days of one case.
- `page`, `problems`: a file with its lines, and what is wrong with it.
- `reading`: a law from a directory of files.
- `overlay`: a city's own values over the law as shipped.
- `difference`: what one law says otherwise than another.
"""

from services.kit.law.compiled import Law, Rates, Unsettled, from_content, of
from services.kit.law.content import as_data, canonical, value_data
from services.kit.law.difference import Difference, differences
from services.kit.law.model import Citation, Dated, NotInForce, Parameter, Unset
from services.kit.law.overlay import effective, lay_over, read_law
from services.kit.law.problems import ParameterError, Problem, unknown_parameter
from services.kit.law.reading import load
from services.kit.law.values import FEN, STATUSES, Status, Value, text_of

__all__ = [
    "FEN",
    "STATUSES",
    "Citation",
    "Dated",
    "Difference",
    "Law",
    "NotInForce",
    "Parameter",
    "ParameterError",
    "Problem",
    "Rates",
    "Status",
    "Unset",
    "Unsettled",
    "Value",
    "as_data",
    "canonical",
    "differences",
    "effective",
    "from_content",
    "lay_over",
    "load",
    "of",
    "read_law",
    "text_of",
    "unknown_parameter",
    "value_data",
]
