"""What an operator's machine does for many nodes: certificates, cards, configs, rollouts."""
