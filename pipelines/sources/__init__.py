"""Where images come from: folders, lists, tars and image columns, on disks and object stores.

A source becomes entries with an id, an address that says how to read the image (`addresses`), and a
stamp that says whether it may have changed. The id is what exactly-once rests on, so it depends on
nothing but the address or on what a list gives: the same image has the same id in every run.
"""
