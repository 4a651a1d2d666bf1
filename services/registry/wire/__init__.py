"""Between protobuf and the model: `asking` reads questions and writes answers, `records` reads what offices state,
`events` writes what others learn.
"""
