"""What the acts and pages of gold projects stand on: reads, locks, hashes, evidence, agreement. The acts: actions/."""
