"""Web: the FastAPI application, problem details, server-sent events, templates and what all pages share."""
