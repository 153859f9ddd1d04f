"""The shipped rules: one YAML file per kind of data, each with its own examples."""
