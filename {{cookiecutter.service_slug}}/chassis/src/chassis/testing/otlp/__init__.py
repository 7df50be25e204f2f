"""For tests of traces: a collector that speaks OTLP, and spans kept in memory."""
