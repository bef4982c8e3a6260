"""One benchmark a file; each defines `BENCHMARK`."""
