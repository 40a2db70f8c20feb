"""Charts that nobody was treated in: written to stated codes, so that models can be trained without patients' texts."""
