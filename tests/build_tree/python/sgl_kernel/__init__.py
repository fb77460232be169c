"""The package that test_build builds."""
