"""Against other people's software: a real Postfix in front and behind, a real Chromium on the page."""
