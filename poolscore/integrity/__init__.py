"""Whether what the catalog and the file store say of each other and of themselves is true."""
