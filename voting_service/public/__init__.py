"""The citizens' face: the API now, the pages later. Stateless workers."""
