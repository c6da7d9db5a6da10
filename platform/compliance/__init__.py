"""Who clients are: their documents, their cases and the decisions about them."""
