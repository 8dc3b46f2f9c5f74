"""The reports that are printed and filed: one of an alert, one of a visit."""
