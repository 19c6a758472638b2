"""What a face says: preprocessing, classifier and calibration, label sets, smoothing."""
