-- name: ballots_since
-- When the ballots since a moment were cast, and whether each was screened.
select cast_at, screened from ballots where cast_at >= $1 order by cast_at;
