"""The process of one sync, and its parent.

A process can be ended when its deadline passes, whatever it is waiting for; threads that read a
socket, wait for BigQuery or hold a lock cannot. Its memory is returned, too.
"""
