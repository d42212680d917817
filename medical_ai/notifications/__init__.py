"""Messages to people: channels, in-app notices, proof of delivery."""
