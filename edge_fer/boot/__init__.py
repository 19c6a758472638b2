"""The settings file on the boot partition, which any computer can write: checked, then taken over."""
