"""What every service stands on, and no policy."""
