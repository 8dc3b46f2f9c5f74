"""Communities, homes, residents with their contacts and consents, and absences."""
