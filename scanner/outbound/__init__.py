"""The gate between a transfer folder and a release folder: nothing leaves unscanned, nothing held is lost (docs/explanation/holding.md)."""
