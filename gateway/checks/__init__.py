"""Evidence: what DNS and the message itself prove about who sent it. Checks tell; none of them acts."""
