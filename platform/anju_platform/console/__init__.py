"""The pages that people see, grouped by the person they are for, and what these pages share."""
