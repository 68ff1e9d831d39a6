"""Files that people write: YAML read strictly, variables filled in, the fields that sections share."""
