"""TFLite's runtimes behind one adapter, and model files that are fetched and kept."""
