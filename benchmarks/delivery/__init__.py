"""How fast, how cheap and how surely pages reach the store and the reader."""
