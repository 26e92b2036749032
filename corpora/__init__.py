"""Reading captioned-image corpora and labelling their records weakly."""
