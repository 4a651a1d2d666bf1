"""Protobuf of the treasury to its model and back: `orders` come in, `events` go out, `answers` are asked for."""
