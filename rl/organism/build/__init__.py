"""How an organism is made: recipe, stages, place in the cache, first measurements."""
