"""Between protobuf and the model: `intake` reads, `registry` asks, `out` writes, `notice` puts a trace into words."""
