"""Makes the vector files; nothing here shares code with the implementation they judge."""
