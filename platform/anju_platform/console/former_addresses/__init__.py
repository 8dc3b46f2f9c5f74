"""Addresses of pages in releases before this one."""
