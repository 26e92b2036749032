"""Images to visual items: filters of a convolutional network that fire, with where."""
