"""The door out: mail to the next hop, challenges and notices to the smart host."""
