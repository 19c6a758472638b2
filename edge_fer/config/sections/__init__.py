"""The keys of the config, one file each."""
