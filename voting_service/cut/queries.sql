-- name: insert_decision
-- What one person proposes; nothing happens before another approves.
insert into decisions (contest_id, kind, subject, payload, payload_hash, proposed_by, proposed_at)
values ($1, $2, $3, $4, $5, $6, $7)
returning id;

-- name: decisions
-- All decisions about a contest, oldest first, with the names of the two people.
select d.id, d.kind, d.subject, d.payload, d.payload_hash, d.proposed_by,
       p.name as proposer, d.proposed_at, a.name as approver, d.approved_at
  from decisions d
  join accounts p on p.id = d.proposed_by
  left join accounts a on a.id = d.approved_by
 where d.contest_id = $1
 order by d.id;

-- name: approve_decision
-- The second person; the table itself refuses the first one and a decision made already.
update decisions set approved_by = $2, approved_at = $3 where id = $1 returning id;

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
