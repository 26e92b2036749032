"""The review page: a local web application in which an analyst turns patterns into a schema."""
