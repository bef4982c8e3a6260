"""Who may do what with which pools."""
