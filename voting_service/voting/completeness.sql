-- name: ballots_complete
-- The time, and the moment before which every ballot is stored; moves the transaction fence.
select now, complete_before from ballots_complete();
