"""From layers of YAML to one checked tree, with every fault told at once."""
