"""Random programs in the spec language, which every executor runs. `docs/verification.md` explains it."""
