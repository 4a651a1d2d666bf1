"""`cradle certification`: apply for a certification, and decide about applications.

| file | |
|---|---|
| `applying` | the employer's side: the scheme, drafts, submission, answers |
| `statistics` | quantities in bulk, as CSV |
| `evidence` | files that show what is stated |
| `office` | the authority's side: tasks, gates, sheets, visits, decisions |
| `certificates` | certificates: how they stand, reports, suspension, revocation |
| `asking` | calls, and a move of one application as it was read |
| `answers` | what is stated, from a file or the command line |
| `views` | how it looks |
"""

import typer

from services.cli.certification import applying, office, statistics
from services.cli.certification.certificates import certificates
from services.cli.certification.evidence import evidence

app = typer.Typer(no_args_is_help=True, help="Family-friendly certification of employers.")
applying.register(app)
statistics.register(app)
app.add_typer(evidence, name="evidence")
app.add_typer(certificates, name="certificates")
office.register(app)

__all__ = ["app"]
