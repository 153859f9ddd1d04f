"""The audit binder as a page that can be printed, and as a folder of pieces."""
