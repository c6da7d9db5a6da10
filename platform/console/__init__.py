"""The vendor's console: every brokerage with its state, its provisioning and its health."""
