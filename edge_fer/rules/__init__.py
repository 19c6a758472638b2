"""What readings mean: events, alerts and the scene. Pure: fed with readings and their instants, it tells."""
