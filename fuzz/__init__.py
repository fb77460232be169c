"""Random programs in the spec language, run by every executor and compared. `docs/verification.md` explains it."""
