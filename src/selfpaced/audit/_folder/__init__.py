"""The folder of a run: its files, its checkpoint, its model, and the pages for its reader."""
