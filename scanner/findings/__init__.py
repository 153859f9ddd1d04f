"""The findings store: Parquet schemas, whole-file publishing, locks, the run's manifest, reading back."""
