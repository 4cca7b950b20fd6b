"""Makers of pictures that judge a reader; nothing here is shared with what trains one."""
