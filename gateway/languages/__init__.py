"""Languages: one folder each, with its catalogue, its mails, and the words it is known by. See docs/languages.md."""
