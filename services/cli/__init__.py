"""The `cradle` command: a client of the gRPC APIs and of Kafka, and nothing more."""
