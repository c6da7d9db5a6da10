"""The edge of an HTTP request: access rules, pages, problems and the request's transaction."""
