"""Who proposes: the agents and how a person names them."""
