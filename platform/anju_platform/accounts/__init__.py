"""Access: accounts, sign-in, roles and scope, and the log of every look at personal data."""
