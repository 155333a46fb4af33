"""What a function on Lambda tells about itself: log lines and metrics."""
