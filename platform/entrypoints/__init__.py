"""The processes of the product, and the wiring that tells every room about the others."""
