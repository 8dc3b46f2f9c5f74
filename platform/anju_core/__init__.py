"""The domain: homes, alerts, escalation, dispatch and visits, as pure decisions over plain values. No I/O."""
