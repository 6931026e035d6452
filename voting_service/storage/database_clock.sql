-- name: database_time
-- The clock by which the vote opens, closes and is counted.
select clock_timestamp();
