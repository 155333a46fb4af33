"""What AWS charges, known by the client, the stacks and the review alike."""
