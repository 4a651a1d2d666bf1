"""Between the public formats and the model.

- `facts`: worked cases, read.
- `scheme`, `application`, `certificate`: protobuf to model and back.
- `notice`: a trace in words.
"""
