"""What is done on commands over MQTT."""
