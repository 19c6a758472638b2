"""Faces: found in a frame, followed from frame to frame, cut out for the emotion model, and judged.

Detectors are one a file behind the port in `port`; what they share about boxes is in `boxes`.
"""
