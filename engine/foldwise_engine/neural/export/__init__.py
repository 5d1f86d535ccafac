"""The networks as graphs, written out: smaller and faster in Node than a traced one, and made without a tracer."""
