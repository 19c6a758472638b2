"""edge-fer: a facial-emotion sensor for the Raspberry Pi that publishes over MQTT."""

__version__ = "0.1.0"
