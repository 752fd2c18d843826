"""How fast this program is, measured beside what a user would run instead."""
