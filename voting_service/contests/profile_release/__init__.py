"""The signed pack of profiles and what platforms show."""
