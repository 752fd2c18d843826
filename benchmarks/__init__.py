"""The benchmark: this program compared with what a user would run instead."""
