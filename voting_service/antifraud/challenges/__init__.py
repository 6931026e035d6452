"""Challenges that suspicious votes must solve."""
