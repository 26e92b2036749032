"""What belongs to an ontology: the shipped ones, their words in other vocabularies, their nodes and their text."""
