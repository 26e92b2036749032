"""One module per format; each turns a file into rows of named values, and leaves their meaning to `corpora.columns`."""
