"""What people see: templates, styles, scripts and translations; the front-end packages are built beside them."""
