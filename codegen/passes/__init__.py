"""The passes, one file each. `codegen/pipeline.py` holds their order."""
