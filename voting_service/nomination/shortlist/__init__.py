"""From accepted recommendations to the public vote: the shortlist, the draw of the numbers, the
public profiles, the notice with its objections, and publication to the contest."""
