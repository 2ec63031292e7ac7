"""Pages in HTML that stand alone: what they show, and how they are written."""
