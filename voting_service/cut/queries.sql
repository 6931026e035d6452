-- name: insert_publication
-- The signed bytes, for ever; the table itself checks that two people approved exactly them.
insert into publications (contest_id, version, document, decision_id, published_at)
values ($1, $2, $3, $4, $5);

-- name: latest_publication
-- What the public sees.
select version, document, published_at
  from publications
 where contest_id = $1
 order by version desc
 limit 1;

-- name: database_time
-- The clock that the vote path's close is judged by.
select clock_timestamp();
