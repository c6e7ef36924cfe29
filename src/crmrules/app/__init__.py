"""The application: what a command does, without its words. Each function returns a frozen result.

Functions import what they need when they are called, so that a front end starts quickly.
"""
