-- name: insert_request
-- A proposal; it has no effect before another person approves it.
insert into approval_requests (contest_id, selection_id, draft_id, kind, subject, payload,
                       payload_hash, proposed_by, proposed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
returning id;

-- name: requests
-- Every request about a contest, a selection or a draft, oldest first, with the people's names.
select d.id, d.kind, d.subject, d.payload, d.payload_hash, d.proposed_by,
       p.name as proposer, d.proposed_at, a.name as approver, d.approved_at,
       r.name as decliner, d.declined_at, d.declined_because
  from approval_requests d
  join accounts p on p.id = d.proposed_by
  left join accounts a on a.id = d.approved_by
  left join accounts r on r.id = d.declined_by
 where d.contest_id = $1 or d.selection_id = $2 or d.draft_id = $3
 order by d.id;

-- name: waiting
-- The requests of some kinds without a decision, about anything, without those of one account.
select d.contest_id, d.selection_id, d.draft_id,
       d.id, d.kind, d.subject, d.payload, d.payload_hash, d.proposed_by,
       p.name as proposer, d.proposed_at, null::text as approver, d.approved_at,
       null::text as decliner, d.declined_at, d.declined_because
  from approval_requests d
  join accounts p on p.id = d.proposed_by
 where d.kind = any ($1::text[]) and d.proposed_by <> $2
   and d.approved_by is null and d.declined_by is null
 order by d.id;

-- name: approve_request
-- The second person. The table refuses the proposer and a request that is closed.
update approval_requests set approved_by = $2, approved_at = $3
 where id = $1 and approved_by is null and declined_by is null
returning id;

-- name: decline_request
-- Declined, or withdrawn by the proposer; only while the request waits.
update approval_requests set declined_by = $2, declined_at = $3, declined_because = $4
 where id = $1 and approved_by is null and declined_by is null
returning id;
