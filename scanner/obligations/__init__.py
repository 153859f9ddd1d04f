"""What law and PrivacyMark ask, from policy and findings: papers for people, decisions left to them."""
