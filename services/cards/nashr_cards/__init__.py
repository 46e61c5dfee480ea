"""Social cards: the headline, correctly shaped, over the photo or over a designed background."""
