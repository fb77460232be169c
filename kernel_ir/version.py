"""The version of the compiler and of the package it builds; every other place reads it here."""

VERSION = "0.1.0"
