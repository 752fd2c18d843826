"""The tables and views: their columns, types, keys, and what each means. No module does I/O.

This is the only declaration. dlt creates the tables from it, even if a listing is empty or a column
is always null, and BigQuery's console shows the descriptions.
"""
