"""Knowledge bases in the formats of others, and back."""
