-- name: take_transaction_id
-- Makes the transaction one that everything younger has to wait for.
select pg_current_xact_id();

-- name: figures
-- What was stored, in how many batches, and how much of it without screening.
select count(*) as ballots, count(distinct commit_xid::text) as batches,
       count(*) filter (where not screened) as unscreened
  from ballots;
