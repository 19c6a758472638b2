"""How ``emotion.tflite`` is made: data, augmentation, architectures, training, evaluation, export."""
