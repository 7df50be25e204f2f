"""Tests of the NATS adapter."""
