"""Tests of rulesets: cases in, graded expectations out."""
