"""The tester's panel: sends commands to simulated homes and shows the stages of each event."""
