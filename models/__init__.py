"""The emotion model as it ships: emotion.tflite, its sidecar emotion.json, its card, and the recipe that made them."""
