"""Brand tokens, templates, macros and static files that every room renders with.

Imports only the kernel. `themes.loader.render` turns a template name and a `Page` into HTML,
`themes.tokens.theme_css` turns two brand colours into a style sheet that stays readable.
"""
