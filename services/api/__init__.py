"""The gRPC API: one mixin a service of the contract, one Ray Serve deployment that combines them."""
