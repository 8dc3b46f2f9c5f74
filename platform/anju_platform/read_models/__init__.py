"""What is read from many slices at once, as plain values for pages and the API, and the API's paths to it; no HTML."""
