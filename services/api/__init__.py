"""The gRPC API: one mixin a service of the contract, combined by one Ray Serve deployment."""
