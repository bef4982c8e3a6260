"""The whole loop on real photographs, through the real service, beside a random control."""
