"""Cameras on the network: streams, and pictures over HTTP."""
