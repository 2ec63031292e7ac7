"""Tables: text files, JSON Lines, Parquet and workbooks, and the columns to learn from."""
