"""Who is on call, and the handover."""
