"""The pages that users and admins see after they have signed in."""
