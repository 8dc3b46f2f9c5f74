"""What every request needs and no slice: dependencies, problem details, server-sent events, security headers, logs."""
