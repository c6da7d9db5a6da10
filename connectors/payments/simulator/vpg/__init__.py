"""A counterpart that speaks the white-label checkout protocol behind many gateway brands."""
