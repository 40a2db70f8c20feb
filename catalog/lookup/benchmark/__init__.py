"""How well descriptions find their code: seeded variants of every title, the measures, and the peers."""
