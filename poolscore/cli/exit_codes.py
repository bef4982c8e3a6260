"""How a command ends; 0 when it has done what was asked for, and 2, Click's, for a wrong usage."""

FAILED = 1
"""What was asked for could not be done, or not all of it, or what was checked is broken."""

INTERRUPTED = 130
"""Stopped by Ctrl-C, as shells say it: 128 + SIGINT. Commands that run until then end with 0."""
