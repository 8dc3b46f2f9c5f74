"""Residents: communities, homes, the people in them, whom to call, what was consented to, told absences."""
