"""Predictions over HTTP and WebSocket; needs ``pip install 'savee-mm[serve]'``."""
